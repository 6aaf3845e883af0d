//! Time that we attended, and the ledger of time that we did not (I6).
//!
//! Silence proves something about a peer only while we listen. So the engine is not given the
//! monotonic clock but *attended time*: it stands still while we stall, and for a grace period after,
//! in which input that queued up meanwhile is read before anything is judged. That credits a stall to
//! every session at once, at no cost for any of them.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::Tick;
use crate::own_health::OwnHealth;

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
    own_health: OwnHealth,
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
    /// How much of it the machine was suspended for, and nothing on it ran.
    pub suspended: Duration,
    /// By how much it moved attended time back: the length and the grace after it.
    pub credit: Duration,
}

impl Attendance {
    /// How often to attend.
    pub const PULSE: Duration = Duration::from_millis(50);

    /// A pulse that comes later than this was a stall; 250 ms is what a loaded but healthy machine may
    /// take to schedule a thread, five pulses are their own.
    pub const TOLERANCE: Duration = Duration::from_millis(250);

    /// A pulse that comes later than this is no stall, but a sign that we are not well.
    pub const LATE: Duration = Duration::from_millis(150);

    /// How long attended time stands still after a stall: long enough to read what ten thousand peers
    /// have sent meanwhile.
    pub const GRACE: Duration = Duration::from_millis(500);

    /// Attendance that begins at `clock`: a monotonic clock that goes on while the machine is
    /// suspended, as `CLOCK_BOOTTIME` does.
    #[must_use]
    pub const fn new(clock: Tick) -> Self {
        Self {
            seen: clock,
            credit: Duration::ZERO,
            floor: Tick::from_nanos(0),
            stalls: VecDeque::new(),
            count: 0,
            stalled: Duration::ZERO,
            own_health: OwnHealth::new(clock),
        }
    }

    /// We run, and the clock shows `clock`; for `suspended` of the time since the last call the
    /// machine slept. Returns the stall that has just ended, if one has; one that follows before the
    /// grace period of the last is over makes that one longer.
    pub fn attend(&mut self, clock: Tick, suspended: Duration) -> Option<Stall> {
        let gap = clock.since(self.seen);
        let before = self.now(self.seen);
        let grace_left = self.floor.after(self.credit).since(self.seen);
        self.seen = self.seen.max(clock);
        if gap <= Self::LATE {
            self.own_health.recover(clock);
        } else {
            self.own_health.worsen(clock, gap > Self::TOLERANCE);
        }
        if gap <= Self::TOLERANCE {
            return None;
        }
        self.stalled += gap;
        if cfg!(carotid_break = "credit") {
            return None;
        }
        self.floor = before;
        if !grace_left.is_zero()
            && let Some(last) = self.stalls.back_mut()
        {
            last.length += gap;
            last.suspended += suspended;
            // What queued up meanwhile is read in a whole grace of its own.
            let credit = gap + Self::GRACE.saturating_sub(grace_left);
            last.credit += credit;
            self.credit += credit;
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
            suspended,
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

    /// Attended time when we last attended.
    #[must_use]
    pub fn last(&self) -> Tick {
        self.now(self.seen)
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
        let mut stalled = Duration::ZERO;
        // From the latest back, as whoever asks means to know of the last minute.
        for stall in self.stalls.iter().rev() {
            if stall.at < from {
                break;
            }
            if stall.at <= to {
                stalled += stall.length;
            }
        }
        stalled
    }

    /// The ledger's latest stalls, oldest first.
    pub fn stalls(&self) -> impl Iterator<Item = &Stall> {
        self.stalls.iter()
    }

    /// How unwell this host is: 0 while it is well, 8 at most. Each stall adds two and each pulse later
    /// than [`Self::LATE`] one; five calm seconds take one away.
    #[must_use]
    pub const fn score(&self) -> u32 {
        self.own_health.score()
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
            assert_eq!(attendance.attend(at(pulse), ms(0)), None);
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
        let stall = attendance.attend(at(121_000), ms(0)).unwrap();
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
        attendance.attend(at(5000), ms(0)).unwrap();
        let longer = attendance.attend(at(5400), ms(0)).unwrap();
        assert_eq!((longer.number, longer.length), (1, ms(5400)));
        // It has a whole grace of its own.
        assert_eq!(attendance.now(at(5899)), at(0));
        assert_eq!(attendance.now(at(5901)), at(1));
        run(&mut attendance, 5400, 8000);
        let next = attendance.attend(at(9000), ms(900)).unwrap();
        assert_eq!(
            (next.number, next.length, next.suspended),
            (2, ms(1000), ms(900))
        );
        assert_eq!(attendance.stalls().count(), 2);
        assert_eq!(attendance.stalled(), ms(6400));
    }

    #[test]
    fn a_late_pulse_within_tolerance_is_no_stall() {
        let mut attendance = Attendance::new(at(0));
        assert_eq!(attendance.attend(at(250), ms(0)), None);
        assert_eq!(attendance.attend(at(500), ms(0)), None);
        assert!(attendance.attend(at(751), ms(0)).is_some());
    }

    #[test]
    fn we_are_unwell_after_stalls_and_late_pulses_and_well_after_a_calm_while() {
        let mut attendance = Attendance::new(at(0));
        attendance.attend(at(1000), ms(0)).unwrap();
        assert_eq!(attendance.score(), 2);
        attendance.attend(at(1200), ms(0));
        assert_eq!(attendance.score(), 3);
        run(&mut attendance, 1250, 6150);
        assert_eq!(attendance.score(), 3);
        run(&mut attendance, 6200, 16_200);
        assert_eq!(attendance.score(), 0);
        for pulse in 17..100 {
            attendance.attend(at(pulse * 1000), ms(0));
        }
        assert_eq!(attendance.score(), 8);
    }

    #[test]
    fn the_ledger_is_bounded_and_its_sums_are_not() {
        let mut attendance = Attendance::new(at(0));
        for stall in 1..=3000 {
            attendance.attend(at(stall * 2000), ms(0)).unwrap();
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
                let stalled = attendance.attend(at(clock), ms(0)).is_some();
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
