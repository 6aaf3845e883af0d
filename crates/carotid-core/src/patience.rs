//! How long a session may be silent before it is suspect, by the rule in force.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use crate::detector::{Cohort, Detector, SuspicionTarget};
use crate::{ConfigError, Terms};

/// What makes a silent session suspect. Its timeout comes first in any case, and death never
/// depends on this.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Suspicion {
    /// So many intervals of silence, from 1 to [`Self::MOST_INTERVALS`]: simple to reason about.
    /// Lower it to hear sooner, and wrongly more often.
    Fixed {
        /// 2.5 forgives two late beats.
        intervals: f64,
    },
    /// Silence longer than the lateness of its beats explains, at a bounded rate of mistakes: see
    /// [`Detector`].
    Adaptive(SuspicionTarget),
}

impl Suspicion {
    /// The most intervals of the fixed rule; any timeout comes before it.
    pub const MOST_INTERVALS: f64 = 1e6;

    pub(crate) fn check(self) -> Result<(), ConfigError> {
        match self {
            Self::Fixed { intervals } if intervals < 1.0 => {
                Err(ConfigError::EarlySuspicion { intervals })
            }
            Self::Fixed { intervals } if intervals.is_nan() || Self::MOST_INTERVALS < intervals => {
                Err(ConfigError::LateSuspicion { intervals })
            }
            Self::Fixed { .. } | Self::Adaptive(_) => Ok(()),
        }
    }
}

impl Default for Suspicion {
    fn default() -> Self {
        Self::Fixed { intervals: 2.5 }
    }
}

/// The silence after which one session is suspect, in microseconds rounded down: suspicion may come
/// early, and in four bytes after 71 minutes at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Patience(u32);

impl Patience {
    fn new(silence: Duration) -> Self {
        Self(u32::try_from(silence.as_micros()).unwrap_or(u32::MAX))
    }

    pub(crate) const fn silence(self) -> Duration {
        Duration::from_micros(self.0 as u64)
    }
}

/// A [`Suspicion`] at work.
#[derive(Debug)]
pub(crate) enum Rule {
    Fixed { thousandths: u32 },
    Adaptive(Cohorts),
}

impl Rule {
    pub(crate) fn new(suspicion: Suspicion) -> Self {
        match suspicion {
            Suspicion::Fixed { intervals } => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "the cast saturates, and what is out of range is refused before"
                )]
                let thousandths = (intervals * 1000.0) as u32;
                Self::Fixed { thousandths }
            }
            Suspicion::Adaptive(target) => Self::Adaptive(Cohorts::new(target)),
        }
    }

    /// The patience with a session that has shown what is in `detector`.
    pub(crate) fn patience(&mut self, detector: &Detector, terms: Terms) -> Patience {
        match self {
            Self::Fixed { thousandths } => {
                let silence = terms.interval().as_micros() * u128::from(*thousandths) / 1000;
                let silence = u64::try_from(silence).map_or(Duration::MAX, Duration::from_micros);
                Patience::new(silence.min(terms.timeout()))
            }
            Self::Adaptive(cohorts) => {
                Patience::new(detector.patience(cohorts.of(terms), terms, 0))
            }
        }
    }

    /// Learns from a beat that ended a silence of `gap`; returns the patience from here on, if the
    /// rule learns at all.
    pub(crate) fn learn(
        &mut self,
        detector: &mut Detector,
        gap: Duration,
        terms: Terms,
    ) -> Option<Patience> {
        let Self::Adaptive(cohorts) = self else {
            return None;
        };
        let cohort = cohorts.of(terms);
        detector.observe(cohort, gap, terms);
        Some(Patience::new(detector.patience(cohort, terms, 0)))
    }
}

/// Cohorts by interval, a quarter of an octave each: peers choose their intervals, so there must not
/// be one for each (I9).
#[derive(Debug)]
pub(crate) struct Cohorts {
    target: SuspicionTarget,
    by_interval: Vec<Option<Box<Cohort>>>,
}

impl Cohorts {
    const fn new(target: SuspicionTarget) -> Self {
        Self {
            target,
            by_interval: Vec::new(),
        }
    }

    fn of(&mut self, terms: Terms) -> &mut Cohort {
        let index = Self::index(terms.interval());
        if self.by_interval.len() <= index {
            self.by_interval.resize_with(index + 1, || None);
        }
        let target = self.target;
        self.by_interval[index]
            .get_or_insert_with(|| Box::new(Cohort::new(terms.interval(), target)))
    }

    /// Four for each doubling of the interval: at most 4 × 33 of them.
    fn index(interval: Duration) -> usize {
        let ms = u32::try_from(interval.as_millis())
            .unwrap_or(u32::MAX)
            .max(1);
        let octave = ms.ilog2();
        // The two bits after the highest one.
        let quarter = (u64::from(ms) << 2 >> octave) & 3;
        octave as usize * 4 + usize::from(quarter as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_intervals_share_a_cohort_and_there_are_few() {
        let index = |ms| Cohorts::index(Duration::from_millis(ms));
        assert_eq!(index(10_000), index(10_100));
        assert_ne!(index(1000), index(2000));
        assert_eq!(index(2000), index(1000) + 4);
        assert!((1..100_000).all(|ms| index(ms) <= index(ms + 1)));
        assert!(index(u64::MAX) < 132);
    }

    #[test]
    fn the_fixed_rule_is_capped_by_the_timeout_and_by_its_four_bytes() {
        let silence = |intervals, interval, timeout| {
            let seconds = Duration::from_secs;
            let terms = Terms::new(seconds(interval), seconds(timeout)).unwrap();
            let mut rule = Rule::new(Suspicion::Fixed { intervals });
            rule.patience(&Detector::default(), terms).silence()
        };
        assert_eq!(silence(2.5, 10, 60), Duration::from_secs(25));
        assert_eq!(silence(7.0, 10, 60), Duration::from_secs(60));
        assert_eq!(silence(1e6, 40_000, 80_000).as_secs(), 4294);
    }
}
