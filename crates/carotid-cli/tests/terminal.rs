//! `carotid top` on a real terminal, which tmux is.
//!
//! The test needs tmux, so the target runs only when it is named: `cargo xtask test` does. With
//! `CAROTID_PICTURES=$PWD/docs` it also leaves there the pictures of the screen that the documents show.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, its foundations included"
)]

mod ground;

mod terminal {
    mod picture;
    mod top;
    mod window;
}
