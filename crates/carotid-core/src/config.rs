//! What an engine is told once, at its start.

use core::time::Duration;

use crate::{Suspicion, Terms};

/// Settings of an [`Engine`](crate::Engine).
#[derive(Clone, Debug)]
pub struct Config {
    /// Terms of a session that asked for none of its own. Default: 10 s and 60 s.
    pub terms: Terms,

    /// What makes a silent session suspect. Default: adaptive, at most five false suspicions for each
    /// session and day.
    pub suspicion: Suspicion,

    /// What a lost connection means. Default: suspicion.
    pub on_disconnect: OnDisconnect,

    /// Most sessions held at once, ended ones that are still remembered included; these make room
    /// first. Default: 2²⁰. More than 2³¹ − 1 count as that.
    pub max_sessions: u32,

    /// How long an ended session can still be asked about, and names its successor's epoch.
    /// Default: one hour.
    pub retention: Duration,

    /// Most steps of work in one [`handle_timeout`](crate::Engine::handle_timeout) (I4). Default:
    /// 1024, well below a millisecond.
    pub max_steps_per_call: u32,

    /// Seeds the name index, so that names cannot be chosen to collide. Draw it at random.
    pub hash_seed: u64,
}

/// What the loss of a session's last connection means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDisconnect {
    /// The session is suspect and its timeout runs on, so that a reconnect keeps it.
    #[default]
    Suspect,
    /// The session is dead at once.
    Dead,
}

/// Why an engine cannot run with a [`Config`].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Suspicion would come before a beat is even due.
    #[error("suspicion after {intervals} intervals is too early: a beat is due only after 1")]
    EarlySuspicion {
        /// The value given.
        intervals: f64,
    },
    /// Suspicion would never come: a number beyond [`Suspicion::MOST_INTERVALS`], or none at all.
    #[error(
        "suspicion after {intervals} intervals is too late: at most {} are allowed",
        Suspicion::MOST_INTERVALS
    )]
    LateSuspicion {
        /// The value given.
        intervals: f64,
    },
    /// No session could ever be opened.
    #[error("max_sessions is 0: no session could be opened")]
    NoSessions,
    /// A share of sessions that is none.
    #[error("mass silence of a share of {share} is not between 0 and 1")]
    BreakerShare {
        /// The value given.
        share: f64,
    },
    /// Deaths would be held for too long.
    #[error(
        "max_hold {max_hold:?} is longer than {:?} (24 hours)",
        Terms::MAX_TIMEOUT
    )]
    LongHold {
        /// The value given.
        max_hold: Duration,
    },
    /// No held death could ever be released.
    #[error("releases_per_second is 0: what mass silence holds back would never be let go")]
    NoReleases,
    /// No deadline could ever be handled.
    #[error("max_steps_per_call is 0: no deadline could be handled")]
    NoSteps,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            terms: Terms::default(),
            suspicion: Suspicion::default(),
            on_disconnect: OnDisconnect::default(),
            max_sessions: 1 << 20,
            retention: Duration::from_secs(3600),
            max_steps_per_call: 1024,
            hash_seed: 0,
        }
    }
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.suspicion.check()?;
        if self.max_sessions == 0 {
            return Err(ConfigError::NoSessions);
        }
        if self.max_steps_per_call == 0 {
            return Err(ConfigError::NoSteps);
        }
        Ok(())
    }
}
