//! Deadlines of connections, the next one first.
//!
//! Each connection has exactly one entry, never later than its deadline: a call only stores its time,
//! and the entry is filed anew when it fires. A connection that calls often so costs nothing here.

use std::collections::BTreeSet;
use std::time::Instant;

/// When to look at which slot.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    entries: BTreeSet<(Instant, u32)>,
}

impl Deadlines {
    pub(super) fn file(&mut self, at: Instant, slot: u32) {
        self.entries.insert((at, slot));
    }

    pub(super) fn remove(&mut self, at: Instant, slot: u32) {
        self.entries.remove(&(at, slot));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.entries.first().map(|(at, _)| *at)
    }

    /// A slot that is due, and is filed no longer.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<u32> {
        let (at, _) = self.entries.first()?;
        if *at > now {
            return None;
        }
        self.entries.pop_first().map(|(_, slot)| slot)
    }
}
