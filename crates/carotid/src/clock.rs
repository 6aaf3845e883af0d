//! The only clock read.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carotid_core::{Attendance, Stall, Tick, attended};
use jiff::Timestamp;

use crate::readers::Roll;

/// Attended time for decisions (I6), and wall time for display (I10).
#[derive(Debug)]
pub(crate) struct Clock {
    /// What the clock showed when attended time began to run, in nanoseconds.
    origin: AtomicU64,
    ledger: Mutex<Ledger>,
    // What a beat needs of it, so that it takes no lock: when we last attended, and how attended
    // time follows from the monotonic clock. `seen` is written last and read first, so whoever sees
    // a new one sees the credit that belongs to it; an old credit with an old `seen` is found out.
    seen: AtomicU64,
    credit: AtomicU64,
    floor: AtomicU64,
    /// How unwell we are.
    score: AtomicU32,
    /// Somebody who reads what peers send does not keep up: time stands still until all do again.
    deaf: AtomicBool,
}

#[derive(Debug)]
struct Ledger {
    attendance: Attendance,
    /// How long the machine has been suspended since it started.
    suspended: Duration,
}

/// What attended time begins with, so that what ended shortly before has a place in it, too.
const PAST: Duration = Duration::from_secs(3600);

/// Nobody attends yet, so time stands still: nobody's silence counts before somebody listens (I6).
const UNATTENDED: u64 = u64::MAX;

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            origin: AtomicU64::new(UNATTENDED),
            ledger: Mutex::new(Ledger {
                attendance: Attendance::new(Tick::default()),
                suspended: suspended(),
            }),
            seen: AtomicU64::new(UNATTENDED),
            credit: AtomicU64::new(0),
            floor: AtomicU64::new(0),
            score: AtomicU32::new(0),
            deaf: AtomicBool::new(false),
        }
    }

    /// Attended time, and the stall that has just ended if this is the first to notice.
    pub(crate) fn now(&self) -> (Tick, Option<Stall>) {
        if self.deaf.load(Ordering::Relaxed) {
            return (self.lock().attendance.last(), None);
        }
        let clock = self.monotonic();
        let seen = Tick::from_nanos(self.seen.load(Ordering::Acquire));
        if clock.since(seen) <= Attendance::TOLERANCE {
            let credit = Duration::from_nanos(self.credit.load(Ordering::Relaxed));
            let floor = Tick::from_nanos(self.floor.load(Ordering::Relaxed));
            return (attended(clock, credit, floor), None);
        }
        self.attend()
    }

    /// Begins to attend: from here on time runs, and a missing [`Self::pulse`] is a stall.
    pub(crate) fn begin(&self) {
        let mut ledger = self.lock();
        let begun = self.origin.compare_exchange(
            UNATTENDED,
            nanos(boottime()),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if begun.is_ok() {
            ledger.attendance = Attendance::new(self.monotonic());
        }
        drop(ledger);
        self.attend();
    }

    /// Waits until it is time to attend again, and attends, unless somebody who reads what peers send
    /// does not keep up: not to read it is not to attend.
    pub(crate) async fn pulse(&self, readers: &mut Roll) -> Option<Stall> {
        tokio::time::sleep(Attendance::PULSE).await;
        if readers.call() {
            self.deaf.store(false, Ordering::Relaxed);
            return self.attend().1;
        }
        if self.deaf.load(Ordering::Relaxed) {
            return None;
        }
        // Time stops where it is, and not where it was: it must not run backwards.
        let stall = self.attend().1;
        self.deaf.store(true, Ordering::Relaxed);
        stall
    }

    /// Waits until attended time is `tick`, or for ever. May be early after a stall.
    pub(crate) async fn wait_until(&self, tick: Option<Tick>) {
        if self.deaf.load(Ordering::Relaxed) {
            tokio::time::sleep(Attendance::PULSE).await;
        }
        match tick {
            Some(tick) => {
                let credit = Duration::from_nanos(self.credit.load(Ordering::Relaxed));
                let wait = tick.after(credit).since(self.monotonic());
                tokio::time::sleep(wait).await;
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
            self.lock().attendance.clock_at(tick)
        };
        let ago = self.monotonic().since(then);
        let then = Timestamp::now()
            .checked_sub(ago)
            .unwrap_or(Timestamp::UNIX_EPOCH);
        Timestamp::from_millisecond(then.as_millisecond()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The stall ledger so far.
    pub(crate) fn attendance(&self) -> Attendance {
        self.lock().attendance.clone()
    }

    /// How often and for how long we did not run.
    pub(crate) fn stalls(&self) -> (u64, Duration) {
        let ledger = self.lock();
        (ledger.attendance.count(), ledger.attendance.stalled())
    }

    /// How long we did not run between two points in attended time.
    pub(crate) fn stalled_between(&self, from: Tick, to: Tick) -> Duration {
        if self.credit.load(Ordering::Relaxed) == 0 {
            return Duration::ZERO;
        }
        self.lock().attendance.stalled_between(from, to)
    }

    /// How unwell we are, see [`Attendance::score`].
    pub(crate) fn own_health_score(&self) -> u32 {
        self.score.load(Ordering::Relaxed)
    }

    /// A clock that no wall clock moves and that goes on in suspension, rounded down to a nanosecond
    /// (I5).
    fn monotonic(&self) -> Tick {
        let origin = self.origin.load(Ordering::Relaxed);
        let run = match origin {
            UNATTENDED => Duration::ZERO,
            origin => boottime().saturating_sub(Duration::from_nanos(origin)),
        };
        Tick::default().after(PAST + run)
    }

    fn attend(&self) -> (Tick, Option<Stall>) {
        let mut ledger = self.lock();
        // Under the lock, so that two who notice at once find one stall.
        let (clock, suspended) = (self.monotonic(), suspended());
        let slept = suspended.saturating_sub(ledger.suspended);
        // A pause between the two reads shows as less of it, and would be more of it the next time.
        ledger.suspended = ledger.suspended.max(suspended);
        let attendance = &mut ledger.attendance;
        let stall = attendance.attend(clock, slept);
        self.score.store(attendance.score(), Ordering::Relaxed);
        if stall.is_some() {
            self.credit
                .store(nanos(attendance.credit()), Ordering::Relaxed);
            self.floor
                .store(attendance.floor().as_nanos(), Ordering::Relaxed);
        }
        self.seen.store(clock.as_nanos(), Ordering::Release);
        (attendance.now(clock), stall)
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells how long something takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Duration);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(boottime())
    }

    pub(crate) fn elapsed(self) -> Duration {
        boottime().saturating_sub(self.0)
    }
}

/// Time since the machine started, in which it was suspended or not.
#[cfg(target_os = "linux")]
pub(crate) fn boottime() -> Duration {
    read(rustix::time::ClockId::Boottime)
}

/// How long the machine has been suspended since it started.
#[cfg(target_os = "linux")]
fn suspended() -> Duration {
    // In this order the time between the two reads does not count as suspension.
    let boottime = boottime();
    boottime.saturating_sub(read(rustix::time::ClockId::Monotonic))
}

#[cfg(target_os = "linux")]
fn read(clock: rustix::time::ClockId) -> Duration {
    // Neither clock is before its own origin.
    Duration::try_from(rustix::time::clock_gettime(clock)).unwrap_or_default()
}

/// Elsewhere there is one clock, and what it does in suspension is its own affair.
#[cfg(not(target_os = "linux"))]
pub(crate) fn boottime() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads it"
    )]
    ORIGIN.get_or_init(Instant::now).elapsed()
}

#[cfg(not(target_os = "linux"))]
const fn suspended() -> Duration {
    Duration::ZERO
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
