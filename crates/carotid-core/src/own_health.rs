//! How well this host is itself.

use core::time::Duration;

use crate::Tick;

/// A score of how unwell we are, after Lifeguard's local health multiplier (Dadgar, Phillips,
/// Currey: "Lifeguard: Local Health Awareness for More Accurate Failure Detection", DSN-W 2018):
/// what we missed ourselves raises it, a calm while lowers it, and it has a ceiling.
#[derive(Clone, Debug)]
pub(crate) struct OwnHealth {
    score: u32,
    /// Since when nothing was late, or the score fell last.
    calm_since: Tick,
}

impl OwnHealth {
    /// Lifeguard's ceiling: margins grow ninefold at most.
    const MOST: u32 = 8;

    /// What one stall adds; a pulse that is merely late adds one.
    const STALL: u32 = 2;

    /// How long it must be calm for the score to fall by one.
    const CALM: Duration = Duration::from_secs(5);

    pub(crate) const fn new(clock: Tick) -> Self {
        Self {
            score: 0,
            calm_since: clock,
        }
    }

    pub(crate) const fn score(&self) -> u32 {
        self.score
    }

    /// A pulse came late, or after a stall.
    pub(crate) fn worsen(&mut self, clock: Tick, stalled: bool) {
        let by = if stalled { Self::STALL } else { 1 };
        self.score = (self.score + by).min(Self::MOST);
        self.calm_since = clock;
    }

    /// A pulse came in time.
    pub(crate) fn recover(&mut self, clock: Tick) {
        if self.score > 0 && clock.since(self.calm_since) >= Self::CALM {
            self.score -= 1;
            self.calm_since = clock;
        }
    }
}
