//! What we believe of a session, and what changes it.

/// What we believe of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// It beats as agreed.
    Alive,
    /// It is silent for longer than it should be, or lost its connection.
    Suspect,
    /// It was silent for the whole timeout. Final: a peer comes back as a new session.
    Dead,
    /// It said goodbye. Final.
    Left,
}

/// Why a health changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// No beat came in time.
    Silence,
    /// The peer, or its kernel on its behalf, closed the connection.
    Closed,
    /// The peer's host refused the connection's further data.
    Reset,
    /// The network gave up reaching the peer.
    Unreachable,
    /// The peer said that it leaves.
    Goodbye,
    /// We ourselves were not there for a while: nothing was heard of it since.
    Restart,
    /// The peer, or whoever runs it, said that it failed.
    Failed,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disconnect {
    /// The peer closed it, or broke its protocol so that we had to.
    Closed,
    /// The peer's host reset it.
    Reset,
    /// What we sent was not acknowledged in time.
    Unreachable,
    /// We ended it ourselves and learned nothing of the peer.
    Local,
}

/// What was learned of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    Beat,
    /// The suspicion deadline passed.
    Silence,
    /// The timeout passed.
    Timeout,
    /// The last connection went, and its loss is not death.
    ConnectionLost,
    /// The last connection went, and the configuration says that this is death.
    FatalConnectionLost,
    Goodbye,
    /// The peer said that it failed.
    Failure,
}

impl Health {
    /// The health after `finding`. Total: every pair is decided here and nowhere else.
    pub(crate) const fn after(self, finding: Finding) -> Self {
        match (self, finding) {
            (Self::Alive | Self::Suspect, Finding::Beat) => Self::Alive,
            (Self::Alive | Self::Suspect, Finding::Silence | Finding::ConnectionLost) => {
                Self::Suspect
            }
            (
                Self::Alive | Self::Suspect,
                Finding::Timeout | Finding::FatalConnectionLost | Finding::Failure,
            ) => Self::Dead,
            (Self::Alive | Self::Suspect, Finding::Goodbye) => Self::Left,
            (Self::Dead, _) => Self::Dead,
            (Self::Left, _) => Self::Left,
        }
    }

    /// Whether the session is over: Dead or Left.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Alive | Self::Suspect => false,
            Self::Dead | Self::Left => true,
        }
    }

    /// The word for it: `alive`, `suspect`, `dead` or `left`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Suspect => "suspect",
            Self::Dead => "dead",
            Self::Left => "left",
        }
    }
}

impl Cause {
    /// The word for it: `silence`, `closed`, `reset`, `unreachable`, `goodbye`, `restart` or `failed`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Unreachable => "unreachable",
            Self::Goodbye => "goodbye",
            Self::Restart => "restart",
            Self::Failed => "failed",
        }
    }
}

impl Cause {
    /// Whether the peer lost its last connection.
    pub(crate) const fn is_lost_connection(&self) -> bool {
        match self {
            Self::Closed | Self::Reset | Self::Unreachable => true,
            Self::Silence | Self::Goodbye | Self::Restart | Self::Failed => false,
        }
    }
}

impl Disconnect {
    /// What this says of the peer; nothing if we ended the connection ourselves.
    pub(crate) const fn cause(self) -> Option<Cause> {
        match self {
            Self::Closed => Some(Cause::Closed),
            Self::Reset => Some(Cause::Reset),
            Self::Unreachable => Some(Cause::Unreachable),
            Self::Local => None,
        }
    }
}
