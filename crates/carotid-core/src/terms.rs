//! What a peer and we agreed on.

use core::time::Duration;

/// How often a peer beats and how long it may be silent.
///
/// Defaults to the classic recipe's 10 s and 60 s. Both are kept in whole milliseconds: an
/// interval is rounded down (suspicion may come early), a timeout is rounded up (death may not).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    interval_ms: u32,
    timeout_ms: u32,
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
        let whole_ms = |duration: Duration| {
            u32::try_from(duration.as_millis()).expect("24 hours of milliseconds fit in 32 bits")
        };
        Ok(Self {
            interval_ms: whole_ms(interval),
            timeout_ms: whole_ms(timeout + Duration::from_nanos(999_999)),
        })
    }

    /// The longer interval and the longer timeout of two.
    pub(crate) fn widest(self, other: Self) -> Self {
        Self {
            interval_ms: self.interval_ms.max(other.interval_ms),
            timeout_ms: self.timeout_ms.max(other.timeout_ms),
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
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            interval_ms: 10_000,
            timeout_ms: 60_000,
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
    fn a_short_timeout_shows_the_arithmetic() {
        let error = Terms::new(ms(10_000), ms(15_000)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "timeout 15s is shorter than two intervals (2 × 10s = 20s)"
        );
    }
}
