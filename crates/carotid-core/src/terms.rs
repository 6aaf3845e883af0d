//! What a peer and we agreed on.

use core::time::Duration;

/// How often a peer beats, how long it may be silent, and for how long it may stall.
///
/// Defaults to the classic recipe's 10 s and 60 s, and no stall worth mentioning. All are kept in
/// whole milliseconds: an interval is rounded down (suspicion may come early), a timeout and a stall
/// are rounded up (death may not).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    interval_ms: u32,
    timeout_ms: u32,
    longest_stall_ms: u32,
}

/// Why a pair of durations cannot be terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermsError {
    /// The interval is below [`Terms::MIN_INTERVAL`].
    #[error("interval {interval:?} is shorter than {:?}", Terms::MIN_INTERVAL)]
    ShortInterval {
        /// The interval asked for.
        interval: Duration,
    },
    /// The timeout leaves no room for a single lost beat.
    #[error("timeout {timeout:?} is shorter than two intervals (2 × {interval:?} = {:?})", *interval * 2)]
    ShortTimeout {
        /// The interval asked for.
        interval: Duration,
        /// The timeout asked for.
        timeout: Duration,
    },
    /// The timeout leaves no room for the longest stall.
    #[error(
        "timeout {timeout:?} is shorter than two intervals and the longest stall (2 × {interval:?} + {longest_stall:?} = {:?})",
        *interval * 2 + *longest_stall
    )]
    ShortTimeoutForStall {
        /// The interval asked for.
        interval: Duration,
        /// The timeout asked for.
        timeout: Duration,
        /// The stall that is to be expected.
        longest_stall: Duration,
    },
    /// The timeout is above [`Terms::MAX_TIMEOUT`].
    #[error(
        "timeout {timeout:?} is longer than {:?} (24 hours)",
        Terms::MAX_TIMEOUT
    )]
    LongTimeout {
        /// The timeout asked for.
        timeout: Duration,
    },
}

impl Terms {
    /// The shortest interval: below it, scheduling jitter is as large as the interval itself.
    pub const MIN_INTERVAL: Duration = Duration::from_millis(10);

    /// The longest timeout: 24 hours. A stranger's session is held for no longer, and
    /// `TCP_USER_TIMEOUT` ends at 2³¹ ms, some 24 days.
    pub const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

    /// Terms with this interval and timeout.
    ///
    /// # Errors
    ///
    /// An interval below [`Self::MIN_INTERVAL`], a timeout below two intervals or above
    /// [`Self::MAX_TIMEOUT`].
    pub fn new(interval: Duration, timeout: Duration) -> Result<Self, TermsError> {
        if interval < Self::MIN_INTERVAL {
            return Err(TermsError::ShortInterval { interval });
        }
        if timeout > Self::MAX_TIMEOUT {
            return Err(TermsError::LongTimeout { timeout });
        }
        if interval.checked_mul(2).is_none_or(|least| timeout < least) {
            return Err(TermsError::ShortTimeout { interval, timeout });
        }
        Ok(Self {
            interval_ms: whole_ms(interval),
            timeout_ms: whole_ms(timeout + ALMOST_A_MS),
            longest_stall_ms: 0,
        })
    }

    /// The same for a peer that may stop for this long now and then (a collection, a slow disk): it
    /// is not suspected within a stall, and is wedged only beyond it.
    ///
    /// # Errors
    ///
    /// A timeout that leaves no room for it.
    pub fn with_longest_stall(self, longest_stall: Duration) -> Result<Self, TermsError> {
        let (interval, timeout) = (self.interval(), self.timeout());
        let least = longest_stall.checked_add(interval * 2);
        if least.is_none_or(|least| timeout < least) {
            return Err(TermsError::ShortTimeoutForStall {
                interval,
                timeout,
                longest_stall: longest_stall.min(Duration::MAX - interval * 2),
            });
        }
        Ok(Self {
            longest_stall_ms: whole_ms(longest_stall + ALMOST_A_MS),
            ..self
        })
    }

    /// The longest of two in each respect; the timeout longer still, if it must be for the others.
    pub(crate) fn widest(self, other: Self) -> Self {
        let interval_ms = self.interval_ms.max(other.interval_ms);
        let longest_stall_ms = self.longest_stall_ms.max(other.longest_stall_ms);
        let least = 2 * interval_ms + longest_stall_ms;
        Self {
            interval_ms,
            timeout_ms: self.timeout_ms.max(other.timeout_ms).max(least),
            longest_stall_ms,
        }
    }

    /// The time between two beats.
    #[must_use]
    pub const fn interval(self) -> Duration {
        Duration::from_millis(self.interval_ms as u64)
    }

    /// The silence after which the session is dead.
    #[must_use]
    pub const fn timeout(self) -> Duration {
        Duration::from_millis(self.timeout_ms as u64)
    }

    pub(crate) const fn interval_ms(self) -> u32 {
        self.interval_ms
    }

    pub(crate) const fn interval_nanos(self) -> u64 {
        self.interval_ms as u64 * NANOS_PER_MS
    }

    pub(crate) const fn timeout_nanos(self) -> u64 {
        self.timeout_ms as u64 * NANOS_PER_MS
    }

    /// For how long the peer may stop now and then; zero if it did not say.
    #[must_use]
    pub const fn longest_stall(self) -> Duration {
        Duration::from_millis(self.longest_stall_ms as u64)
    }

    /// The silence from which on death is at most one interval away: a session is suspect by then at
    /// the latest, and counts as one more of a mass silence. With a timeout below 2½ intervals it is
    /// 1½ intervals, as a beat that is merely due says nothing.
    #[must_use]
    pub fn at_risk_after(self) -> Duration {
        let interval = self.interval();
        (self.timeout() - interval).max(interval * 3 / 2)
    }

    /// A peer whose main loop made no progress for longer than this is wedged: its longest stall or,
    /// if it named none, two intervals.
    #[must_use]
    pub fn wedged_after(self) -> Duration {
        if self.longest_stall_ms == 0 {
            self.interval() * 2
        } else {
            self.longest_stall()
        }
    }
}

const NANOS_PER_MS: u64 = 1_000_000;

const ALMOST_A_MS: Duration = Duration::from_nanos(999_999);

fn whole_ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).expect("24 hours of milliseconds fit in 32 bits")
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            interval_ms: 10_000,
            timeout_ms: 60_000,
            longest_stall_ms: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn limits_are_inclusive() {
        assert!(Terms::new(ms(10), ms(20)).is_ok());
        assert!(Terms::new(ms(9), ms(20)).is_err());
        assert!(Terms::new(ms(10), ms(19)).is_err());
        assert!(Terms::new(ms(10), Terms::MAX_TIMEOUT).is_ok());
        assert!(Terms::new(ms(10), Terms::MAX_TIMEOUT + ms(1)).is_err());
        assert!(Terms::new(Duration::MAX, Terms::MAX_TIMEOUT).is_err());
    }

    #[test]
    fn fractions_round_towards_an_early_suspicion_and_a_late_death() {
        let terms = Terms::new(Duration::from_micros(10_900), Duration::from_micros(50_100));
        let terms = terms.unwrap();
        assert_eq!((terms.interval(), terms.timeout()), (ms(10), ms(51)));
    }

    #[test]
    fn a_stall_must_fit_between_two_intervals_and_the_timeout() {
        let terms = Terms::new(ms(1000), ms(10_000)).unwrap();
        let stalling = terms.with_longest_stall(ms(8000)).unwrap();
        assert_eq!(stalling.longest_stall(), ms(8000));
        assert!(stalling.interval() + stalling.longest_stall() <= stalling.at_risk_after());
        let error = terms.with_longest_stall(ms(8001)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "timeout 10s is shorter than two intervals and the longest stall (2 × 1s + 8.001s = 10.001s)"
        );
        let endless = terms.with_longest_stall(Duration::MAX).unwrap_err();
        assert!(endless.to_string().contains("shorter than"));
    }

    #[test]
    fn the_widest_of_two_still_leaves_room_for_intervals_and_stall() {
        let often = Terms::new(ms(100), ms(5000)).unwrap();
        let often = often.with_longest_stall(ms(4800)).unwrap();
        let seldom = Terms::new(ms(2500), ms(5000)).unwrap();
        let both = often.widest(seldom);
        assert_eq!(
            (both.interval(), both.longest_stall(), both.timeout()),
            (ms(2500), ms(4800), ms(9800))
        );
        let longest = Terms::new(Terms::MAX_TIMEOUT / 2, Terms::MAX_TIMEOUT).unwrap();
        let day = Terms::MAX_TIMEOUT - ms(20);
        let stalling = Terms::new(ms(10), Terms::MAX_TIMEOUT).unwrap();
        let stalling = stalling.with_longest_stall(day).unwrap();
        assert_eq!(longest.widest(stalling).timeout(), Terms::MAX_TIMEOUT + day);
    }

    #[test]
    fn at_risk_comes_after_a_due_beat_and_before_death() {
        for (interval, timeout, at_risk) in [(10, 60, 50), (10, 25, 15), (10, 20, 15)] {
            let terms = Terms::new(ms(interval * 1000), ms(timeout * 1000)).unwrap();
            assert_eq!(terms.at_risk_after(), ms(at_risk * 1000));
        }
    }

    #[test]
    fn a_short_timeout_shows_the_arithmetic() {
        let error = Terms::new(ms(10_000), ms(15_000)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "timeout 15s is shorter than two intervals (2 × 10s = 20s)"
        );
    }
}
