//! Time that we attended, and the ledger of time that we did not (I6).
//!
//! Silence proves something about a peer only while we listen. So the engine is not given the
//! monotonic clock but *attended time*: it stands still while we stall, and for a grace period after,
//! in which input that queued up meanwhile is read before anything is judged. That credits a stall to
//! every session at once, at no cost for any of them.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::Tick;

/// Stalls that the ledger lists; older ones still count in the sums.
const LISTED: usize = 1000;

/// Tells attended time from the monotonic clock.
///
/// Call [`attend`](Self::attend) at least every [`PULSE`](Self::PULSE) while all is well.
#[derive(Clone, Debug)]
pub struct Attendance {
    /// When we last attended, on the monotonic clock.
    seen: Tick,
    /// How far attended time is behind the monotonic clock, once the grace period is over.
    credit: Duration,
    /// Attended time is never before this.
    floor: Tick,
    stalls: VecDeque<Stall>,
    count: u64,
    stalled: Duration,
}

/// A span in which we did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// Counts stalls from 1.
    pub number: u64,
    /// When it began, in attended time.
    pub at: Tick,
    /// How long it was.
    pub length: Duration,
    /// By how much it moved attended time back: the length and the grace after it.
    pub credit: Duration,
}

impl Attendance {
    /// How often to attend.
    pub const PULSE: Duration = Duration::from_millis(50);

    /// A pulse that comes later than this was a stall; 250 ms is what a loaded but healthy machine may
    /// take to schedule a thread, five pulses are their own.
    pub const TOLERANCE: Duration = Duration::from_millis(250);

    /// How long attended time stands still after a stall: long enough to read what ten thousand peers
    /// have sent meanwhile.
    pub const GRACE: Duration = Duration::from_millis(500);

    /// Attendance that begins at `clock`, a point on the monotonic clock.
    #[must_use]
    pub const fn new(clock: Tick) -> Self {
        Self {
            seen: clock,
            credit: Duration::ZERO,
            floor: Tick::from_nanos(0),
            stalls: VecDeque::new(),
            count: 0,
            stalled: Duration::ZERO,
        }
    }

    /// We run, and the monotonic clock shows `clock`. Returns the stall that has just ended, if one
    /// has; one that follows before the grace period of the last is over makes that one longer.
    pub fn attend(&mut self, clock: Tick) -> Option<Stall> {
        let gap = clock.since(self.seen);
        let before = self.now(self.seen);
        let in_grace = self.seen < self.floor.after(self.credit);
        self.seen = self.seen.max(clock);
        if gap <= Self::TOLERANCE {
            return None;
        }
        self.floor = before;
        self.stalled += gap;
        if in_grace && let Some(last) = self.stalls.back_mut() {
            last.length += gap;
            last.credit += gap;
            self.credit += gap;
            return Some(*last);
        }
        let credit = gap + Self::GRACE;
        self.credit += credit;
        self.count += 1;
        if self.stalls.len() == LISTED {
            self.stalls.pop_front();
        }
        let stall = Stall {
            number: self.count,
            at: before,
            length: gap,
            credit,
        };
        self.stalls.push_back(stall);
        Some(stall)
    }

    /// Attended time when the monotonic clock shows `clock`, if nothing stalled since the last
    /// [`Self::attend`].
    #[must_use]
    pub fn now(&self, clock: Tick) -> Tick {
        attended(clock, self.credit, self.floor)
    }

    /// How far attended time is behind the monotonic clock, once the grace period is over.
    #[must_use]
    pub const fn credit(&self) -> Duration {
        self.credit
    }

    /// What attended time is never before.
    #[must_use]
    pub const fn floor(&self) -> Tick {
        self.floor
    }

    /// What the monotonic clock showed when attended time was `tick`.
    #[must_use]
    pub fn clock_at(&self, tick: Tick) -> Tick {
        let later = self
            .stalls
            .iter()
            .rev()
            .take_while(|stall| tick <= stall.at);
        let later: Duration = later.map(|stall| stall.credit).sum();
        tick.after(self.credit.saturating_sub(later))
    }

    /// How long we stalled between two points in attended time, as far as the ledger lists it.
    #[must_use]
    pub fn stalled_between(&self, from: Tick, to: Tick) -> Duration {
        let within = self
            .stalls
            .iter()
            .filter(|stall| from <= stall.at && stall.at <= to);
        within.map(|stall| stall.length).sum()
    }

    /// The ledger's latest stalls, oldest first.
    pub fn stalls(&self) -> impl Iterator<Item = &Stall> {
        self.stalls.iter()
    }

    /// How often we stalled.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// How long all stalls together were.
    #[must_use]
    pub const fn stalled(&self) -> Duration {
        self.stalled
    }
}

/// Attended time from its parts, for those who keep the parts where they are read without a lock.
#[must_use]
pub fn attended(clock: Tick, credit: Duration, floor: Tick) -> Tick {
    let origin = Tick::default();
    let counted = clock.since(origin).saturating_sub(credit);
    origin.after(counted).max(floor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    const fn at(ms: u64) -> Tick {
        Tick::from_nanos(ms * 1_000_000)
    }

    /// Pulses as it should from one time to another.
    fn run(attendance: &mut Attendance, from: u64, to: u64) {
        for pulse in (from..=to).step_by(50) {
            assert_eq!(attendance.attend(at(pulse)), None);
        }
    }

    #[test]
    fn attended_time_is_the_clock_while_we_attend() {
        let mut attendance = Attendance::new(at(0));
        run(&mut attendance, 0, 10_000);
        assert_eq!(attendance.now(at(10_020)), at(10_020));
        assert_eq!(attendance.count(), 0);
    }

    #[test]
    fn a_stall_and_the_grace_after_it_do_not_count() {
        let mut attendance = Attendance::new(at(0));
        run(&mut attendance, 0, 1000);
        let stall = attendance.attend(at(121_000)).unwrap();
        assert_eq!((stall.at, stall.length), (at(1000), ms(120_000)));
        // Time stands still until the grace is over, and goes on from there.
        assert_eq!(attendance.now(at(121_000)), at(1000));
        assert_eq!(attendance.now(at(121_499)), at(1000));
        assert_eq!(attendance.now(at(121_600)), at(1100));
        assert_eq!(attendance.clock_at(at(1100)), at(121_600));
        assert_eq!(attendance.clock_at(at(900)), at(900));
        assert_eq!(attendance.stalled_between(at(900), at(1100)), ms(120_000));
        assert_eq!(attendance.stalled_between(at(1001), at(9000)), ms(0));
    }

    #[test]
    fn a_stall_within_the_grace_of_another_makes_it_longer() {
        let mut attendance = Attendance::new(at(0));
        attendance.attend(at(5000)).unwrap();
        let longer = attendance.attend(at(5400)).unwrap();
        assert_eq!((longer.number, longer.length), (1, ms(5400)));
        run(&mut attendance, 5400, 8000);
        let next = attendance.attend(at(9000)).unwrap();
        assert_eq!((next.number, next.length), (2, ms(1000)));
        assert_eq!(attendance.stalls().count(), 2);
        assert_eq!(attendance.stalled(), ms(6400));
    }

    #[test]
    fn a_late_pulse_within_tolerance_is_no_stall() {
        let mut attendance = Attendance::new(at(0));
        assert_eq!(attendance.attend(at(250)), None);
        assert_eq!(attendance.attend(at(500)), None);
        assert!(attendance.attend(at(751)).is_some());
    }

    #[test]
    fn the_ledger_is_bounded_and_its_sums_are_not() {
        let mut attendance = Attendance::new(at(0));
        for stall in 1..=3000 {
            attendance.attend(at(stall * 2000)).unwrap();
            run(&mut attendance, stall * 2000, stall * 2000 + 1000);
        }
        assert_eq!(attendance.stalls().count(), LISTED);
        assert_eq!(attendance.count(), 3000);
        assert_eq!(attendance.stalled(), ms(3_001_000));
    }

    proptest! {
        /// Whatever the pulses, attended time never runs backwards, never ahead of the clock, and
        /// advances by no more than we attended.
        #[test]
        fn attended_time_is_honest(gaps in prop::collection::vec(1..2000u64, 1..100)) {
            let mut attendance = Attendance::new(at(0));
            let (mut clock, mut last, mut lived) = (0, at(0), 0);
            let mut seen = Vec::new();
            for gap in gaps {
                clock += gap;
                let stalled = attendance.attend(at(clock)).is_some();
                lived += if stalled { 0 } else { gap };
                let now = attendance.now(at(clock));
                prop_assert!(last <= now && now <= at(clock));
                prop_assert!(now <= at(lived));
                prop_assert_eq!(stalled, gap > 250);
                // A point before all stalls, or between them, is found again on the clock.
                if attendance.now(at(clock)) > attendance.floor() {
                    seen.push((now, at(clock)));
                }
                last = now;
            }
            for (tick, clock) in seen {
                prop_assert_eq!(attendance.clock_at(tick), clock);
            }
        }
    }
}
