//! How often each `Heartbeat` method was called.

use std::sync::atomic::{AtomicU64, Ordering};

use carotid_netrpc::Usage;

use crate::source::messages::{BEAT, CHECK, CLOSE, OPEN, PING};

/// Counts the calls of `Heartbeat` methods.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(super) ping: AtomicU64,
    pub(super) open: AtomicU64,
    pub(super) beat: AtomicU64,
    pub(super) close: AtomicU64,
    pub(super) check: AtomicU64,
}

/// One call more.
pub(super) fn count(calls: &AtomicU64) {
    calls.fetch_add(1, Ordering::Relaxed);
}

impl Calls {
    /// The methods by name, their arguments and replies as a Go program declares them.
    pub(crate) fn usage(&self) -> [Usage; 5] {
        let usage = |method: &str, argument, reply, calls: &AtomicU64| Usage {
            method: method.to_owned(),
            argument,
            reply,
            calls: calls.load(Ordering::Relaxed),
        };
        [
            usage(BEAT, "BeatArgs", "BeatReply", &self.beat),
            usage(CHECK, "string", "string", &self.check),
            usage(CLOSE, "NameArgs", "BeatReply", &self.close),
            usage(OPEN, "OpenArgs", "OpenReply", &self.open),
            usage(PING, "string", "string", &self.ping),
        ]
    }
}
