//! R2Q: how long this session may be silent before it is suspect.
//!
//! A session remembers how late its beats are as two exponentially forgotten second moments, one
//! over some 32 beats and one over some 2048, and takes the larger: a burst of lateness counts at
//! once, a rare one for an hour. The root of it, σ, is scaled by a quantile that a [`Cohort`] of
//! sessions shares: how many σ a beat is late no more often than the [`SuspicionTarget`] allows.
//!
//! With interval η, timeout T and a beat's lateness l = clamp(gap − η, 0, T), in seconds:
//!
//! ```text
//! fast += (l² − fast) / 32      slow += (l² − slow) / 2048
//! σ = max(0.05·η, √max(fast, slow))
//! patience = min(η + y·σ·(1 + own health score), T)
//! ```
//!
//! Bounds (I9): y is at most 64 and patience at most T, whatever peers do; a session moves at most
//! two counts of its cohort in an interval. Death does not depend on any of this.

mod cohort;
mod histogram;

use core::time::Duration;

pub use self::cohort::{Cohort, SuspicionTarget, SuspicionTargetError};

use crate::Terms;

/// How late one session's beats are: eight bytes, of no use without its [`Cohort`].
///
/// Nothing may be learned from a gap in which this host stalled, or in which the session died: do
/// not [`observe`](Self::observe) it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Detector {
    /// Mean square lateness of the last beats, in s².
    fast: f32,
    /// The same over many more beats, in s².
    slow: f32,
}

impl Detector {
    const FAST_BEATS: f32 = 32.0;
    const SLOW_BEATS: f32 = 2048.0;

    /// The least σ, in intervals: peers that were exact so far are not trusted to stay so.
    const FLOOR: f32 = 0.05;

    /// Below this, in s², a moment makes no difference to any floor, and halving it further would
    /// end in denormal numbers, which some processors are slow at.
    const NOTHING: f32 = 1e-12;

    /// Learns from a beat that ended a silence of `gap`. The cohort must be that of the interval.
    pub fn observe(&mut self, cohort: &mut Cohort, gap: Duration, terms: Terms) {
        let nanos = u64::try_from(gap.as_nanos()).unwrap_or(u64::MAX);
        self.observe_nanos(cohort, nanos, terms);
    }

    /// The same for a gap in nanoseconds.
    pub(crate) fn observe_nanos(&mut self, cohort: &mut Cohort, gap: u64, terms: Terms) {
        let interval = terms.interval_nanos();
        let late = gap.saturating_sub(interval).min(terms.timeout_nanos());
        #[expect(clippy::cast_precision_loss, reason = "24 bits of lateness are enough")]
        let late = late as f32 * SECONDS_PER_NANO;
        let square = late * late;
        // A peer that floods beats must not dilute the lateness of all the others (I9).
        if gap >= interval / 2 {
            cohort.count(square / self.variance(terms));
        }
        self.fast = Self::forget(self.fast, square, Self::FAST_BEATS);
        self.slow = Self::forget(self.slow, square, Self::SLOW_BEATS);
    }

    /// The silence after which the session is suspect: at least the interval, at most the timeout.
    ///
    /// `own_health_score` is 0 while this host is well; each point adds once more the margin that
    /// the cohort's quantile gives (Lifeguard: Dadgar, Phillips, Currey 2018).
    #[must_use]
    pub fn patience(&self, cohort: &Cohort, terms: Terms, own_health_score: u32) -> Duration {
        self.patience_at(cohort.quantile(), terms, own_health_score)
    }

    /// The same with a cohort's quantile, in σ.
    pub(crate) fn patience_at(
        &self,
        quantile: f32,
        terms: Terms,
        own_health_score: u32,
    ) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "a score is a small number")]
        let times = own_health_score.saturating_add(1) as f32;
        let margin = quantile * self.sigma(terms) * times;
        // A margin too large for a `Duration` is larger than any timeout.
        let margin = Duration::try_from_secs_f32(margin).unwrap_or(Terms::MAX_TIMEOUT);
        (terms.interval() + margin).min(terms.timeout())
    }

    /// σ, the lateness in force: at least a twentieth of the interval.
    #[must_use]
    pub fn spread(&self, terms: Terms) -> Duration {
        Duration::try_from_secs_f32(self.sigma(terms)).unwrap_or(Terms::MAX_TIMEOUT)
    }

    fn forget(moment: f32, square: f32, beats: f32) -> f32 {
        (moment + (square - moment) / beats).max(Self::NOTHING)
    }

    /// σ in seconds.
    fn sigma(self, terms: Terms) -> f32 {
        libm::sqrtf(self.variance(terms))
    }

    /// σ², in s².
    fn variance(self, terms: Terms) -> f32 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "24 bits of an interval are enough"
        )]
        let floor = Self::FLOOR * (terms.interval_nanos() as f32 * SECONDS_PER_NANO);
        self.fast.max(self.slow).max(floor * floor)
    }
}

const SECONDS_PER_NANO: f32 = 1e-9;

#[cfg(test)]
mod tests;
