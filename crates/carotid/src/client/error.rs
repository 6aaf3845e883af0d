//! Why a call has no result, and whether it may have been carried out.

use std::sync::Arc;
use std::time::Duration;

use carotid_netrpc::CallError;

use super::link::LinkError;

/// Why a call of a [`Client`](super::Client) has no result. After those for which
/// [`is_unsent`](Self::is_unsent) holds the method was not called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientCallError {
    /// There is no connection right now, or nobody answered on it; nothing was sent.
    #[error("not connected, so nothing was sent{}", because(.why.as_deref()))]
    NotConnected {
        /// What became of the last connection; `None` while the first one is being made.
        why: Option<Arc<LinkError>>,
    },
    /// The time was over before there was a connection that answers, and room on it; nothing was
    /// sent.
    #[error("nothing could be sent within {after:?}{}", because(.why.as_deref()))]
    Unsent {
        /// How long was waited.
        after: Duration,
        /// What became of the last connection, if there is none.
        why: Option<Arc<LinkError>>,
    },
    /// No reply came in time. Whether the call was carried out is unknown.
    #[error("no reply within {after:?}; whether the call was carried out is unknown")]
    Timeout {
        /// How long was waited.
        after: Duration,
    },
    /// The connection was lost before the reply. Whether the call was carried out is unknown.
    #[error("whether the call was carried out is unknown: {why}")]
    ConnectionLost {
        /// How it was lost.
        why: Arc<LinkError>,
    },
    /// The call was made by the heartbeat's own thread, from within a reply's decoding or a waker, which would
    /// wait for itself; nothing was sent.
    #[error("the heartbeat's own thread cannot wait for a call, so nothing was sent")]
    HeartThread,
    /// The method, or its server, answered with an error; or the argument cannot be sent, or the reply
    /// cannot be read.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl ClientCallError {
    /// Whether nothing was sent, so that calling again does nothing twice.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::NotConnected { .. } | Self::Unsent { .. } | Self::HeartThread => true,
            Self::Call(error) => error.is_unsent(),
            Self::Timeout { .. } | Self::ConnectionLost { .. } => false,
        }
    }

    /// Whether there is a reply, if only one that says no.
    pub(super) const fn is_reply(&self) -> bool {
        matches!(self, Self::Call(CallError::Server(_)))
    }

    /// Whether another connection could do better.
    pub(super) const fn is_of_connection(&self) -> bool {
        matches!(
            self,
            Self::NotConnected { .. } | Self::ConnectionLost { .. }
        )
    }
}

fn because(why: Option<&LinkError>) -> String {
    why.map_or_else(String::new, |why| format!(": {why}"))
}
