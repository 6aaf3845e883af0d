//! What a conclusion stands on.

use core::time::Duration;

use crate::history::History;
use crate::{Cause, Health, Tick};

/// What was known of a session when something was concluded of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// What we believed of it until then.
    pub health: Health,
    /// When it had last shown life.
    pub last_beat: Tick,
    /// How late its beats are, as the detector sees it: σ, at least 0.05 intervals.
    pub spread: Duration,
    /// How many σ beyond its interval a beat may come; `None` under the fixed rule.
    pub quantile: Option<f32>,
    /// The silence after which it was to be suspected.
    pub suspect_after: Duration,
    /// The silence after which it was to be dead.
    pub dead_after: Duration,
    /// How many connections it had.
    pub connections: u32,
    /// How its last connection was lost; `None` if it had one, or if we ended it ourselves.
    pub lost: Option<Cause>,
    /// What the breaker made of its silence.
    pub standing: Standing,
    /// Whether its main loop made no progress, though it beat.
    pub wedged: bool,
    /// How unwell this host was: 0 is well.
    pub own_health_score: u32,
    pub(crate) phase: Phase,
    pub(crate) history: History,
    pub(crate) beats: u32,
}

/// What the breaker makes of a session's silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    #[default]
    Clear,
    /// It is at most one interval from its death, and counts as one more of a mass silence.
    AtRisk,
    /// Its timeout has passed, and its death is held back.
    Held,
}

impl Evidence {
    pub(crate) fn is_at_risk(&self) -> bool {
        self.phase != Phase::Clear
    }

    /// The gaps between its last beats, at most eight, oldest first; right to 0.1 %.
    pub fn gaps(&self) -> impl Iterator<Item = Duration> {
        self.history.gaps(self.beats)
    }
}

/// The same as the breaker has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    Clear,
    AtRisk,
    Held,
    /// Its hold is over, and its turn to die is set.
    Released,
}

impl Phase {
    pub(crate) const fn standing(self) -> Standing {
        match self {
            Self::Clear => Standing::Clear,
            Self::AtRisk => Standing::AtRisk,
            Self::Held | Self::Released => Standing::Held,
        }
    }
}

impl Standing {
    /// The word for it: `clear`, `at-risk` or `held`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::AtRisk => "at-risk",
            Self::Held => "held",
        }
    }
}
