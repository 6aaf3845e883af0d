//! The daemon and its command line, as scripts and people meet them.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, its foundations included"
)]

mod ground;

mod daemon {
    mod alerts;
    mod arguments;
    mod beat;
    mod bench;
    mod config;
    mod crash;
    mod explain;
    mod http;
    mod journal;
    mod life;
    mod listen;
    mod listing;
    mod man;
    mod mass;
    mod metrics;
    mod ping;
    mod reload;
    mod service;
    mod services;
    mod stall;
    mod terms;
    mod vitality;
    mod wedged;
    mod why;
}
