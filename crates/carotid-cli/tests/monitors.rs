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
    mod alerting;
    mod alertmanager;
    mod poll;
    mod prometheus;

    mod rules;
    mod running;
    mod shipped;

    use std::path::{Path, PathBuf};

    /// A file for monitoring systems that is shipped.
    fn shipped(path: &str) -> PathBuf {
        let ops = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../ops"));
        ops.join(path)
    }
}
