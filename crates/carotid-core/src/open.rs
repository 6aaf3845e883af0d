//! How a peer begins to be watched.

use crate::{SessionId, SessionName, Terms};

/// A request to watch a session.
#[derive(Clone, Debug)]
pub struct Open {
    /// What the peer calls itself.
    pub name: SessionName,
    /// What the peer asks for: `None` takes the defaults, or leaves a resumed session's terms.
    pub terms: Option<Terms>,
}

/// An answer to [`Engine::open`](crate::Engine::open).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The session to beat.
    pub id: SessionId,
    /// Which life of this name it is.
    pub epoch: u32,
    /// Whether the session was there already.
    pub resumed: bool,
    /// The terms in force.
    pub terms: Terms,
}

/// Why a session cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No room is left, and no ended session could be forgotten to make some.
    #[error("session table is full ({max_sessions} sessions)")]
    Full {
        /// How many there may be.
        max_sessions: u32,
    },
    /// What is concluded of sessions cannot be kept for now, and too much of it waits already. The engine
    /// itself never says so; whoever keeps its events does.
    #[error("no new sessions for now: too many events wait for a journal that cannot be written")]
    Unkept,
}
