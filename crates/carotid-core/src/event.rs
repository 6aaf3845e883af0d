//! What an engine concludes.

use core::time::Duration;

use crate::{Cause, SessionId, SessionName, Tick};

/// One conclusion about one session.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

impl EventKind {
    /// The word for it: `opened`, `suspect`, `back`, `dead` or `left`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Suspect { .. } => "suspect",
            Self::Back => "back",
            Self::Dead { .. } => "dead",
            Self::Left => "left",
        }
    }

    /// Why the health changed, where there is a why.
    #[must_use]
    pub const fn cause(self) -> Option<Cause> {
        match self {
            Self::Opened { .. } | Self::Back => None,
            Self::Suspect { cause } | Self::Dead { cause } => Some(cause),
            Self::Left => Some(Cause::Goodbye),
        }
    }

    /// Whether this is a session's last event (I7).
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Dead { .. } | Self::Left)
    }
}
