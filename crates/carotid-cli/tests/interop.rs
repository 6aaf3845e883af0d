//! carotid against real peers: Go programs over real sockets, ended in each of
//! the ways in which programs end.
//!
//! These tests need a Go toolchain, so the target runs only when it is named:
//! `cargo test -p carotid-cli --test interop`, or `cargo xtask test`, which
//! also installs Go where that is simple. They wait for events, never for time
//! to pass, and judge lateness by what the event says of itself.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, its foundations included"
)]

mod ground;

mod interop {
    mod go;
    mod terms;

    mod arith;
    mod beat;
    mod behaviour;
    mod bench;
    mod crowd;
    mod dial;
    mod echo;
    mod ending;
    mod silence;
}
