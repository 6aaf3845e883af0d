//! The ordered event log: every conclusion gets the next sequence number, and whoever wants to
//! follow reads from any number that is still kept. No reader holds up a writer for longer than the
//! copying of one batch (I8): one that falls behind the log is told how many events it missed.
//!
//! With a journal an event is shown when it is durable, and not before: what readers were told is true
//! after a crash, too. Numbers go on where the journal ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

mod happening;
mod log;

pub use happening::{Conclusion, Happening, Restart};
pub use log::Record;
use log::{Log, MOST_PENDING};

/// How many events are kept for those who come late: two for each of a hundred thousand sessions
/// that die together, and room for the next.
const KEPT: usize = 1 << 18;

/// Events copied or dropped under one lock: some tens of microseconds.
const AT_ONCE: usize = 512;

/// The event log. Clones share it.
#[derive(Clone, Debug)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Tells this log from others, whose numbers are other ones.
    run: u64,
    log: Mutex<Log>,
    /// The last number shown; also wakes those who wait for the next.
    last: watch::Sender<u64>,
    /// Wakes the journal.
    more: Condvar,
    /// The journal cannot be written.
    is_failing: AtomicBool,
}

/// A place in the log.
#[derive(Debug)]
pub struct Subscription {
    shared: Arc<Shared>,
    last: watch::Receiver<u64>,
    next_seq: u64,
}

/// What a subscription got.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Events that were dropped from the log before they could be read.
    pub missed: u64,
    /// The next events, in order.
    pub records: Vec<Record>,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self::keeping(KEPT)
    }

    fn keeping(kept: usize) -> Self {
        Self::after(rand::random(), 0, false, kept)
    }

    /// A log that goes on after number `last` of journal `run`, and shows what that has written.
    pub(crate) fn journaled(run: u64, last: u64) -> Self {
        Self::after(run, last, true, KEPT)
    }

    fn after(run: u64, last: u64, is_journaled: bool, kept: usize) -> Self {
        let shared = Shared {
            run,
            log: Mutex::new(Log::after(last, is_journaled, kept)),
            last: watch::Sender::new(last),
            more: Condvar::new(),
            is_failing: AtomicBool::new(false),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Adds an event, made for the number that it is given; returns that number, or nothing if it found
    /// no place.
    pub(crate) fn publish(
        &self,
        at: Timestamp,
        what: impl FnOnce(u64) -> Happening,
    ) -> Option<u64> {
        let mut log = self.shared.lock();
        let seq = log.push(at, what)?;
        if log.is_journaled {
            let is_first = log.pending() == 1;
            drop(log);
            if is_first {
                self.shared.more.notify_one();
            }
        } else {
            log.shown = seq;
            drop(log.trim(1));
            // Under the lock, so that the numbers shown only rise.
            self.shared.last.send_replace(seq);
        }
        Some(seq)
    }

    /// The next events that are not durable yet, at most `limit`; waits for the first of them, but not
    /// for longer than `wait`.
    pub(crate) fn pending(&self, limit: usize, wait: Duration) -> Vec<Record> {
        let log = self.shared.lock();
        let waited = self
            .shared
            .more
            .wait_timeout_while(log, wait, |log| log.pending() == 0);
        let (mut log, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let mut pending = log.from(log.shown + 1, limit.min(AT_ONCE));
        while let Some(last) = pending.last().map(|last| last.seq)
            && pending.len() < limit
            && last + 1 < log.next_seq
        {
            // Others publish in between (I8).
            drop(log);
            log = self.shared.lock();
            pending.extend(log.from(last + 1, AT_ONCE.min(limit - pending.len())));
        }
        pending
    }

    /// The events up to this number are durable, and may be shown.
    pub(crate) fn show(&self, through: u64) {
        let mut log = self.shared.lock();
        log.show(through);
        if log.skipped > 0 && log.pending() < MOST_PENDING / 2 {
            let skipped = std::mem::take(&mut log.skipped);
            let at = log
                .records
                .back()
                .map_or(Timestamp::UNIX_EPOCH, |last| last.at);
            log.push(at, |_| Happening::Skipped(skipped));
        }
        self.shared.last.send_replace(log.shown);
        drop(log);
        loop {
            let gone = self.shared.lock().trim(AT_ONCE);
            if gone.is_empty() {
                break;
            }
        }
    }

    /// Whether so much waits for the journal that no session may begin.
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.lock().is_closed()
    }

    /// How many events are not durable yet.
    pub(crate) fn count_pending(&self) -> u64 {
        self.shared.lock().pending()
    }

    /// The number of the latest event, shown or not.
    pub(crate) fn last_published(&self) -> u64 {
        self.shared.lock().next_seq - 1
    }

    /// How long the oldest of them has waited.
    pub(crate) fn oldest_pending(&self) -> Option<Duration> {
        self.shared.lock().oldest_pending()
    }

    /// The journal tells whether it cannot be written.
    pub(crate) fn set_failing(&self, failing: bool) {
        self.shared.is_failing.store(failing, Ordering::Relaxed);
    }

    /// Whether the journal says that it cannot be written.
    pub(crate) fn is_failing(&self) -> bool {
        self.shared.is_failing.load(Ordering::Relaxed)
    }

    /// The number of the latest event that is shown; 0 before the first.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        *self.shared.last.borrow()
    }

    /// How many subscriptions there are.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.shared.last.receiver_count()
    }

    /// A random number of this log: with a journal it stays, without one each run has its own.
    #[must_use]
    pub fn run(&self) -> u64 {
        self.shared.run
    }

    /// Follows the log from the event after number `after`; `None` starts with what happens next.
    ///
    /// A number this log has not reached yet belongs to an earlier run, so such a reader starts at
    /// the beginning.
    #[must_use]
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        let last = self.shared.last.subscribe();
        let last_seq = *last.borrow();
        let next_seq = match after {
            Some(after) if after <= last_seq => after + 1,
            Some(_) => 1,
            None => last_seq + 1,
        };
        Subscription {
            shared: self.shared.clone(),
            last,
            next_seq,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Log> {
        // The log is consistent between any two statements that touch it.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// The number of the event before the next one.
    #[must_use]
    pub fn after(&self) -> u64 {
        self.next_seq - 1
    }

    /// Waits for the next events and returns at most `limit` of them. Cancel safe.
    pub async fn next(&mut self, limit: usize) -> Batch {
        let next_seq = self.next_seq;
        if self.last.wait_for(|last| next_seq <= *last).await.is_err() {
            // The hub is gone, and we hold it: this cannot be.
            std::future::pending::<()>().await;
        }
        let log = self.shared.lock();
        let missed = log.first().saturating_sub(self.next_seq);
        self.next_seq += missed;
        let shown = usize::try_from((log.shown + 1).saturating_sub(self.next_seq));
        let records = log.from(self.next_seq, limit.min(shown.unwrap_or(usize::MAX)));
        self.next_seq += records.len() as u64;
        Batch { missed, records }
    }
}

#[cfg(test)]
mod tests;
