//! The events themselves.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::Happening;

/// How many events may wait for the journal before what the next event of its session will supersede is
/// counted and not kept: some hundred megabytes of them.
pub(super) const MOST_PENDING: u64 = 1 << 18;

/// One event with its place in the order.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// Wall time of it, for display only.
    pub at: Timestamp,
    /// What happened.
    pub what: Happening,
}

/// Events in their order: those that were shown, and those that wait for the journal.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) records: VecDeque<Record>,
    pub(super) next_seq: u64,
    /// The last number shown: those after it are not durable yet.
    pub(super) shown: u64,
    pub(super) is_journaled: bool,
    pub(super) kept: usize,
    /// Events that found no place since the log last said so.
    pub(super) skipped: u64,
}

impl Log {
    pub(super) const fn after(last: u64, is_journaled: bool, kept: usize) -> Self {
        Self {
            records: VecDeque::new(),
            next_seq: last + 1,
            shown: last,
            is_journaled,
            kept,
            skipped: 0,
        }
    }

    pub(super) fn push(
        &mut self,
        at: Timestamp,
        what: impl FnOnce(u64) -> Happening,
    ) -> Option<u64> {
        let seq = self.next_seq;
        let what = what(seq);
        if self.pending() >= MOST_PENDING && what.is_superseded() {
            self.skipped += 1;
            return None;
        }
        self.next_seq += 1;
        self.records.push_back(Record { seq, at, what });
        Some(seq)
    }

    pub(super) const fn pending(&self) -> u64 {
        self.next_seq - 1 - self.shown
    }

    /// Forgets the oldest of those that were shown.
    pub(super) fn trim(&mut self) {
        while self.kept < self.records.len()
            && self
                .records
                .front()
                .is_some_and(|oldest| oldest.seq <= self.shown)
        {
            self.records.pop_front();
        }
    }

    /// The number of the first event that is kept.
    pub(super) fn first(&self) -> u64 {
        self.records
            .front()
            .map_or(self.next_seq, |record| record.seq)
    }

    pub(super) fn from(&self, seq: u64, limit: usize) -> Vec<Record> {
        let skip = usize::try_from(seq.saturating_sub(self.first())).unwrap_or(usize::MAX);
        self.records
            .iter()
            .skip(skip)
            .take(limit)
            .cloned()
            .collect()
    }
}
