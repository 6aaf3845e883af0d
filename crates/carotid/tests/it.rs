//! The library as its users run it: real sockets on loopback, one process.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, its foundations included"
)]

mod it {
    mod ground;
    mod http;
    mod pages;
    mod relay;

    mod beats;
    mod calling;
    mod calls;
    mod checks;
    mod crowd;
    mod failover;
    mod goodbye;
    mod hostile;
    mod shutdown;
    mod sockets;
    // The faults that it needs are not in a release build.
    #[cfg(debug_assertions)]
    mod vitality;
    mod vitals;
}
