//! A connection as both of its ends see it.

use std::collections::VecDeque;
use std::time::Duration;

use carotid_core::{Disconnect, SessionId, Tick};

use super::path::Path;

/// What a peer tells us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Message {
    /// It names itself and its wishes.
    Hello,
    /// It lives; perhaps with how long ago its main loop made progress.
    Beat { progress: Option<Duration> },
    /// It leaves.
    Goodbye,
    /// Its end of the connection is closed.
    Close,
    /// Its host knows nothing of the connection.
    Reset,
}

impl Message {
    /// Whether a living peer must have sent it.
    pub(super) const fn is_life(self) -> bool {
        matches!(self, Self::Hello | Self::Beat { .. })
    }

    pub(super) const fn disconnect(self) -> Option<Disconnect> {
        match self {
            Self::Close => Some(Disconnect::Closed),
            Self::Reset => Some(Disconnect::Reset),
            Self::Hello | Self::Beat { .. } | Self::Goodbye => None,
        }
    }
}

/// A session as our end of a connection knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) shard: usize,
    pub(crate) id: SessionId,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) peer: usize,
    pub(super) path: Path,
    /// The session that was opened on it.
    pub(super) session: Option<Handle>,
    /// Whether our end knows it.
    pub(super) is_known: bool,
    /// What reached our socket and was not read yet, with the time.
    pub(super) queue: VecDeque<(Tick, Message)>,
    /// Which of our attempts to read the queue counts.
    pub(super) round: u32,
    /// Whether the queue is to be read later, so that nothing may overtake it.
    pub(super) is_draining: bool,
    /// Whether the peer waits for it to get through before it gives up.
    pub(super) is_doubted: bool,
}

impl Connection {
    pub(super) const fn new(peer: usize, path: Path) -> Self {
        Self {
            peer,
            path,
            session: None,
            is_known: true,
            queue: VecDeque::new(),
            round: 0,
            is_draining: false,
            is_doubted: false,
        }
    }
}
