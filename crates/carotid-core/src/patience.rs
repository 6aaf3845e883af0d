//! How long a session may be silent before it is suspect, by the rule in force.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use crate::detector::{Cohort, Detector, SuspicionTarget};
use crate::{ConfigError, Terms};

/// What makes a silent session suspect. One interval before its timeout it is suspect in any case, and
/// death never depends on this.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Suspicion {
    /// So many intervals of silence, from 1 to [`Self::MOST_INTERVALS`]: simple to reason about.
    /// Lower it to hear sooner, and wrongly more often.
    Fixed {
        /// [`Self::INTERVALS`] forgives two late beats.
        intervals: f64,
    },
    /// Silence longer than the lateness of its beats explains, at a bounded rate of mistakes: see
    /// [`Detector`].
    Adaptive(SuspicionTarget),
}

impl Suspicion {
    /// What the fixed rule usually is: it forgives two late beats.
    pub const INTERVALS: f64 = 2.5;

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
        Self::Adaptive(SuspicionTarget::default())
    }
}

/// The silence after which one session is suspect, in 25 µs rounded down, as suspicion may come early: four
/// bytes of them are 29 hours, more than any timeout, and no deadline of terms lies between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Patience(u32);

impl Patience {
    pub(crate) const UNIT_NANOS: u64 = 25_000;

    fn new(silence: Duration) -> Self {
        let units = silence.as_nanos() / u128::from(Self::UNIT_NANOS);
        Self(u32::try_from(units).unwrap_or(u32::MAX))
    }

    /// A silence within what the terms allow: not while the peer may stall, and not later than when
    /// it is at risk.
    fn within(silence: Duration, terms: Terms) -> Self {
        let least = terms.interval() + terms.longest_stall();
        Self::new(silence.max(least).min(terms.at_risk_after()))
    }

    pub(crate) const fn as_units(self) -> u32 {
        self.0
    }

    pub(crate) const fn silence(self) -> Duration {
        Duration::from_nanos(self.0 as u64 * Self::UNIT_NANOS)
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

    /// The patience with a session that has shown what is in `detector`, while our own health is what
    /// this score says; 0 is well.
    pub(crate) fn patience(
        &self,
        detector: &Detector,
        terms: Terms,
        own_health_score: u32,
    ) -> Patience {
        let silence = match self {
            Self::Fixed { thousandths } => {
                let margin = u128::from(thousandths.saturating_sub(1000));
                let margin = margin * (1 + u128::from(own_health_score));
                let micros = terms.interval().as_micros() * (1000 + margin) / 1000;
                u64::try_from(micros).map_or(Duration::MAX, Duration::from_micros)
            }
            Self::Adaptive(cohorts) => {
                detector.patience_at(cohorts.quantile(terms), terms, own_health_score)
            }
        };
        Patience::within(silence, terms)
    }

    /// Learns from a beat that ended a silence of so many nanoseconds, if the rule learns at all.
    pub(crate) fn learn(&mut self, detector: &mut Detector, gap: u64, terms: Terms) {
        if let Self::Adaptive(cohorts) = self {
            detector.observe_nanos(cohorts.of(terms), gap, terms);
        }
    }

    /// How many σ beyond its interval a beat of such terms may come; the fixed rule knows none.
    pub(crate) fn quantile(&self, terms: Terms) -> Option<f32> {
        match self {
            Self::Fixed { .. } => None,
            Self::Adaptive(cohorts) => Some(cohorts.quantile(terms)),
        }
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
        let index = Self::index(terms.interval_ms());
        if self.by_interval.len() <= index {
            self.by_interval.resize_with(index + 1, || None);
        }
        let target = self.target;
        self.by_interval[index]
            .get_or_insert_with(|| Box::new(Cohort::new(terms.interval(), target)))
    }

    /// How many σ beyond its interval a beat of such terms may come.
    fn quantile(&self, terms: Terms) -> f32 {
        let cohort = self.by_interval.get(Self::index(terms.interval_ms()));
        let cohort = cohort.and_then(Option::as_deref);
        cohort.map_or(Cohort::UNTAUGHT_QUANTILE, Cohort::quantile)
    }

    /// Four for each doubling of the interval: at most 4 × 32 of them.
    const fn index(interval_ms: u32) -> usize {
        // No terms have an interval of zero.
        let ms = interval_ms | 1;
        let octave = ms.ilog2();
        // The two bits after the highest one.
        let quarter = (ms << (u32::BITS - 1 - octave)) >> (u32::BITS - 3) & 3;
        (octave * 4 + quarter) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_intervals_share_a_cohort_and_there_are_few() {
        let index = Cohorts::index;
        assert_eq!(index(10_000), index(10_100));
        assert_ne!(index(1000), index(2000));
        assert_eq!(index(2000), index(1000) + 4);
        assert!((1..100_000).all(|ms| index(ms) <= index(ms + 1)));
        assert!(index(u32::MAX) < 128);
    }

    #[test]
    fn the_fixed_rule_is_capped_by_the_timeout() {
        // One interval before the timeout, or half of one where that would be when a beat is due.
        let silence = |intervals, interval, timeout| {
            let seconds = Duration::from_secs;
            let terms = Terms::new(seconds(interval), seconds(timeout)).unwrap();
            let rule = Rule::new(Suspicion::Fixed { intervals });
            rule.patience(&Detector::default(), terms, 0).silence()
        };
        assert_eq!(silence(2.5, 10, 60), Duration::from_secs(25));
        assert_eq!(silence(7.0, 10, 60), Duration::from_secs(50));
        assert_eq!(silence(2.5, 10, 20), Duration::from_secs(15));
        assert_eq!(silence(1.5, 40_000, 86_400).as_secs(), 60_000);
    }

    #[test]
    fn patience_grows_with_the_longest_stall_and_while_we_are_unwell() {
        let seconds = Duration::from_secs;
        let terms = Terms::new(seconds(10), seconds(120)).unwrap();
        let stalling = terms.with_longest_stall(seconds(40)).unwrap();
        for suspicion in [Suspicion::default(), Suspicion::Fixed { intervals: 2.5 }] {
            let rule = Rule::new(suspicion);
            let silence =
                |terms, score| rule.patience(&Detector::default(), terms, score).silence();
            let well = silence(terms, 0);
            assert_eq!(silence(terms, 2) - seconds(10), (well - seconds(10)) * 3);
            assert_eq!(silence(terms, u32::MAX), seconds(110));
            assert_eq!(silence(stalling, 0), seconds(50));
        }
    }
}
