//! carotid as the monitoring systems that people already run see it: a real Prometheus, a real
//! Alertmanager, and promtool, as Debian packages them.
//!
//! The target runs only when it is named: `cargo xtask test` names it, and installs those programs
//! where that is simple.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, its foundations included"
)]

mod ground;

mod monitors {
    mod alertmanager;
    mod poll;
    mod prometheus;

    mod running;
}
