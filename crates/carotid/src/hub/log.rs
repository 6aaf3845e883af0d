//! The events themselves.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::Happening;
use crate::clock::Stopwatch;

/// How many events may wait for the journal before what the next event of its session will supersede is
/// counted and not kept: some hundred megabytes of them.
pub(super) const MOST_PENDING: u64 = 1 << 18;

/// And how many before no session may begin: those that there are end once each, so that what waits is
/// bounded (I9).
const CLOSED_FROM: u64 = 2 * MOST_PENDING;

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
    /// Since when each of those waits.
    waiting: VecDeque<Stopwatch>,
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
            waiting: VecDeque::new(),
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
        let is_droppable = what.is_superseded() || (self.is_closed() && what.is_revision());
        if self.pending() >= MOST_PENDING && is_droppable {
            self.skipped += 1;
            return None;
        }
        self.next_seq += 1;
        self.records.push_back(Record { seq, at, what });
        if self.is_journaled {
            self.waiting.push_back(Stopwatch::start());
        }
        Some(seq)
    }

    /// Whether so much waits that nothing new may begin.
    pub(super) const fn is_closed(&self) -> bool {
        CLOSED_FROM <= self.pending()
    }

    pub(super) const fn pending(&self) -> u64 {
        self.next_seq - 1 - self.shown
    }

    /// How long the oldest of those that were not shown has waited.
    pub(super) fn oldest_pending(&self) -> Option<Duration> {
        self.waiting.front().map(|waiting| waiting.elapsed())
    }

    /// Those up to this number are shown.
    pub(super) fn show(&mut self, through: u64) {
        let through = through.clamp(self.shown, self.next_seq - 1);
        let durable = usize::try_from(through - self.shown).unwrap_or(usize::MAX);
        self.waiting.drain(..durable.min(self.waiting.len()));
        self.shown = through;
    }

    /// Takes out the oldest of those that were shown and are too many, at most `limit`.
    pub(super) fn trim(&mut self, limit: usize) -> Vec<Record> {
        let shown = usize::try_from((self.shown + 1).saturating_sub(self.first()));
        let too_many = self.records.len().saturating_sub(self.kept);
        let count = too_many.min(shown.unwrap_or(usize::MAX)).min(limit);
        self.records.drain(..count).collect()
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
