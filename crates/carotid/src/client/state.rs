//! How a client stands with its server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use carotid_core::Terms;
use tokio::sync::watch;

use super::link::LinkError;
use crate::address::Address;

/// How a client stands with its server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientState {
    /// It is connecting.
    Connecting,
    /// The server answers.
    Connected {
        /// Which of the servers, as it was given.
        address: Address,
        /// Where that is now; `None` for a Unix socket.
        server: Option<SocketAddr>,
        /// Which life of the name the server counts; `None` if it knows only the recipe's ping.
        epoch: Option<u64>,
        /// What it has granted; what was asked for, if it knows only the recipe's ping.
        terms: Terms,
    },
    /// The connection failed, or none could be made to any server; the next attempt comes after
    /// `retry_in`.
    Waiting {
        /// What failed.
        error: Arc<LinkError>,
        /// How long after the failure.
        retry_in: Duration,
    },
    /// [`Client::close`](super::Client::close) was called.
    Closed,
}

/// The states of a client, as they change.
///
/// Who looks gets a copy: whatever it does with that, it keeps no beat waiting. States that pass
/// between two looks are not seen.
#[derive(Clone, Debug)]
pub struct States(watch::Receiver<ClientState>);

impl States {
    pub(super) const fn new(states: watch::Receiver<ClientState>) -> Self {
        Self(states)
    }

    /// The state right now.
    #[must_use]
    pub fn now(&self) -> ClientState {
        self.0.borrow().clone()
    }

    /// Waits for a state that this has not shown yet; `None` when the client is gone. Needs no
    /// particular runtime.
    pub async fn changed(&mut self) -> Option<ClientState> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }

    /// Waits for a state that is `wanted`, the one right now included; `None` when the client is gone.
    pub async fn wait_for(
        &mut self,
        mut wanted: impl FnMut(&ClientState) -> bool,
    ) -> Option<ClientState> {
        let mut state = self.0.borrow_and_update().clone();
        while !wanted(&state) {
            state = self.changed().await?;
        }
        Some(state)
    }
}
