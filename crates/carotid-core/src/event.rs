//! What an engine concludes.

use alloc::boxed::Box;
use core::time::Duration;

use crate::{Cause, Evidence, SessionId, SessionName, Tick};

/// One conclusion about one session.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it was concluded; never before the deadline it stands on (I5).
    pub at: Tick,
    /// The session.
    pub id: SessionId,
    /// Its name.
    pub name: SessionName,
    /// Which life of this name: 1 for the first, one more after each end.
    pub epoch: u32,
    /// How long the session had been silent at `at`.
    pub silent: Duration,
    /// What was concluded.
    pub kind: EventKind,
    /// What it stands on; `None` only for a session that has just opened.
    pub evidence: Option<Box<Evidence>>,
}

/// What was concluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A session began.
    Opened {
        /// The ended session of the same name, if it is still remembered.
        predecessor: Option<SessionId>,
    },
    /// The session became Suspect.
    Suspect {
        /// Why.
        cause: Cause,
    },
    /// A Suspect session is Alive again; [`Event::silent`] says how long it was away.
    Back,
    /// The session is Dead.
    Dead {
        /// What was held against it when its time ran out. A lost connection says more than
        /// silence does: a session that was closed and never came back died of being closed.
        cause: Cause,
    },
    /// The session said goodbye.
    Left,
    /// The session beats, but its main loop makes no progress. Its health stays as it is.
    Wedged {
        /// How long it had made none, by its own account.
        stuck: Duration,
    },
    /// A wedged session's main loop goes on.
    Unwedged,
    /// The session lives by other terms from now on. Its health stays as it is.
    Revised,
}

impl EventKind {
    /// The word for it: `opened`, `suspect`, `back`, `dead`, `left`, `wedged`, `unwedged` or `revised`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Suspect { .. } => "suspect",
            Self::Back => "back",
            Self::Dead { .. } => "dead",
            Self::Left => "left",
            Self::Wedged { .. } => "wedged",
            Self::Unwedged => "unwedged",
            Self::Revised => "revised",
        }
    }

    /// Why the health changed, where there is a why.
    #[must_use]
    pub const fn cause(self) -> Option<Cause> {
        match self {
            Self::Opened { .. }
            | Self::Back
            | Self::Wedged { .. }
            | Self::Unwedged
            | Self::Revised => None,
            Self::Suspect { cause } | Self::Dead { cause } => Some(cause),
            Self::Left => Some(Cause::Goodbye),
        }
    }

    /// For how long a wedged session's main loop had made no progress.
    #[must_use]
    pub const fn stuck(self) -> Option<Duration> {
        match self {
            Self::Wedged { stuck } => Some(stuck),
            Self::Opened { .. }
            | Self::Suspect { .. }
            | Self::Back
            | Self::Dead { .. }
            | Self::Left
            | Self::Unwedged
            | Self::Revised => None,
        }
    }

    /// Whether this is a session's last event (I7).
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Dead { .. } | Self::Left)
    }
}
