//! The only clock read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use carotid_core::{Attendance, Stall, Tick, attended};
use jiff::Timestamp;

/// Attended time for decisions (I6), and wall time for display (I10).
#[derive(Debug)]
pub(crate) struct Clock {
    origin: Instant,
    attendance: Mutex<Attendance>,
    // What a beat needs of it, so that it takes no lock: when we last attended, and how attended
    // time follows from the monotonic clock. `seen` is written last and read first, so whoever sees
    // a new one sees the credit that belongs to it; an old credit with an old `seen` is found out.
    seen: AtomicU64,
    credit: AtomicU64,
    floor: AtomicU64,
}

/// Nobody attends yet, so nothing can be a stall.
const UNATTENDED: u64 = u64::MAX;

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads it"
    )]
    pub(crate) fn start() -> Self {
        Self {
            origin: Instant::now(),
            attendance: Mutex::new(Attendance::new(Tick::default())),
            seen: AtomicU64::new(UNATTENDED),
            credit: AtomicU64::new(0),
            floor: AtomicU64::new(0),
        }
    }

    /// Attended time, and the stall that has just ended if this is the first to notice.
    pub(crate) fn now(&self) -> (Tick, Option<Stall>) {
        let clock = self.monotonic();
        let seen = Tick::from_nanos(self.seen.load(Ordering::Acquire));
        if clock.since(seen) <= Attendance::TOLERANCE {
            let credit = Duration::from_nanos(self.credit.load(Ordering::Relaxed));
            let floor = Tick::from_nanos(self.floor.load(Ordering::Relaxed));
            return (attended(clock, credit, floor), None);
        }
        self.attend()
    }

    /// Begins to attend: from here on a missing [`Self::pulse`] is a stall.
    pub(crate) fn begin(&self) {
        *self.lock() = Attendance::new(self.monotonic());
        self.attend();
    }

    /// Attends, and waits until it is time to do so again.
    pub(crate) async fn pulse(&self) -> Option<Stall> {
        tokio::time::sleep(Attendance::PULSE).await;
        self.attend().1
    }

    /// Waits until attended time is `tick`, or for ever. May be early after a stall.
    pub(crate) async fn wait_until(&self, tick: Option<Tick>) {
        match tick {
            Some(tick) => {
                let credit = Duration::from_nanos(self.credit.load(Ordering::Relaxed));
                let due = self.origin + tick.since(Tick::default()) + credit;
                tokio::time::sleep_until(due.into()).await;
            }
            None => std::future::pending().await,
        }
    }

    /// What the clock on the wall showed when attended time was `tick`, judged from what it shows
    /// now, in whole milliseconds.
    pub(crate) fn wall(&self, tick: Tick) -> Timestamp {
        let then = if self.credit.load(Ordering::Relaxed) == 0 {
            tick
        } else {
            self.lock().clock_at(tick)
        };
        let ago = self.monotonic().since(then);
        let then = Timestamp::now()
            .checked_sub(ago)
            .unwrap_or(Timestamp::UNIX_EPOCH);
        Timestamp::from_millisecond(then.as_millisecond()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The stall ledger so far.
    pub(crate) fn attendance(&self) -> Attendance {
        self.lock().clone()
    }

    /// The monotonic clock, rounded down to a nanosecond (I5).
    fn monotonic(&self) -> Tick {
        Tick::default().after(self.origin.elapsed())
    }

    fn attend(&self) -> (Tick, Option<Stall>) {
        let mut attendance = self.lock();
        // Under the lock, so that two who notice at once find one stall.
        let clock = self.monotonic();
        let stall = attendance.attend(clock);
        if stall.is_some() {
            self.credit
                .store(nanos(attendance.credit()), Ordering::Relaxed);
            self.floor
                .store(attendance.floor().as_nanos(), Ordering::Relaxed);
        }
        self.seen.store(clock.as_nanos(), Ordering::Release);
        (attendance.now(clock), stall)
    }

    fn lock(&self) -> MutexGuard<'_, Attendance> {
        self.attendance
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
