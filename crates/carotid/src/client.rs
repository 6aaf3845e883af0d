//! A client that keeps a session alive, and calls methods over the same connection.

mod backoff;
mod beating;
mod link;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use carotid_core::{SessionName, Terms};
use carotid_netrpc::{self as netrpc, CallError};
use gobwire::{Decode, Encode};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use beating::Beating;

pub use link::LinkError;

/// Settings of a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The server, `host:port`; resolved anew for each connection.
    pub address: String,
    /// What this peer calls itself.
    pub name: SessionName,
    /// What to ask for: a beat every interval. Default: 10 s and 60 s. A server that only knows the
    /// recipe's `Heartbeat.Ping` is pinged that often.
    pub terms: Terms,
    /// How long connecting to one address, a beat or a call may take. A beat that takes longer ends the
    /// connection. Default: 5 s.
    pub call_timeout: Duration,
    /// The longest wait before the first retry; each further one may take twice as long. Each wait
    /// is drawn evenly from zero to its longest. Default: 0.5 s.
    pub min_backoff: Duration,
    /// The longest wait before any retry. Default: 30 s.
    pub max_backoff: Duration,
}

impl ClientConfig {
    /// The defaults for this server and name.
    #[must_use]
    pub fn new(address: impl Into<String>, name: SessionName) -> Self {
        Self {
            address: address.into(),
            name,
            terms: Terms::default(),
            call_timeout: Duration::from_secs(5),
            min_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
        }
    }
}

/// How a client stands with its server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientState {
    /// It is connecting.
    Connecting,
    /// The server answers.
    Connected {
        /// Where it is.
        server: SocketAddr,
        /// Which life of the name the server counts; `None` if it knows only the recipe's ping.
        epoch: Option<u64>,
    },
    /// The connection failed; the next attempt comes after `retry_in`.
    Waiting {
        /// What failed.
        error: Arc<LinkError>,
        /// How long after the failure.
        retry_in: Duration,
    },
    /// [`Client::close`] was called.
    Closed,
}

/// A connection carries [`carotid_netrpc::Options::max_in_flight`] calls, 256.
const CALLS_AT_ONCE: usize = 240;

/// Keeps one session alive on one server, and reconnects for as long as it takes.
///
/// Beats run in a task of the runtime it was created on. Dropping it closes the connection without
/// a goodbye, as a crash would; see [`Client::close`].
#[derive(Debug)]
pub struct Client {
    call_timeout: Duration,
    /// Fewer calls at once than the connection carries, so that a beat always finds room.
    calls: Semaphore,
    link: watch::Receiver<Option<Arc<netrpc::Client>>>,
    state: watch::Receiver<ClientState>,
    goodbye: CancellationToken,
    beating: JoinHandle<()>,
}

/// Why a call of a [`Client`] has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientCallError {
    /// There is no connection right now; nothing was sent.
    #[error("not connected")]
    NotConnected,
    /// No reply came in time. Whether the call was carried out is unknown.
    #[error("no reply within {after:?}")]
    Timeout {
        /// How long was waited.
        after: Duration,
    },
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Client {
    /// Starts to beat, and to connect first, in the background.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(config: ClientConfig) -> Self {
        let call_timeout = config.call_timeout;
        let (link_sender, link) = watch::channel(None);
        let (state_sender, state) = watch::channel(ClientState::Connecting);
        let goodbye = CancellationToken::new();
        let beating = Beating::new(config, link_sender, state_sender, goodbye.clone());
        Self {
            call_timeout,
            calls: Semaphore::new(CALLS_AT_ONCE),
            link,
            state,
            goodbye,
            beating: tokio::spawn(beating.run()),
        }
    }

    /// How it stands with the server, and how that changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<ClientState> {
        self.state.clone()
    }

    /// Waits for the server's first answer.
    pub async fn connected(&self) {
        let mut state = self.state();
        // The sender lives as long as the task, which ends after this client only.
        let _closed = state
            .wait_for(|state| matches!(state, ClientState::Connected { .. }))
            .await;
    }

    /// Calls a method of the server over the connection that the beats use.
    ///
    /// # Errors
    ///
    /// See [`ClientCallError`]. Nothing is retried.
    pub async fn call<R>(
        &self,
        method: &str,
        argument: &(impl Encode + ?Sized + Sync),
    ) -> Result<R, ClientCallError>
    where
        R: Decode + Default + Send + 'static,
    {
        let link = self.link.borrow().clone();
        let link = link.ok_or(ClientCallError::NotConnected)?;
        let after = self.call_timeout;
        let called = async {
            let _room = self.calls.acquire().await;
            link.call(method, argument).await
        };
        match tokio::time::timeout(after, called).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(ClientCallError::Timeout { after }),
        }
    }

    /// Closes the connection without a goodbye, as a process that fails does.
    pub async fn disconnect(mut self) {
        self.beating.abort();
        let _aborted = (&mut self.beating).await;
        let link = self.link.borrow().clone();
        if let Some(link) = link {
            link.close().await;
        }
    }

    /// Says goodbye, so that the session has left instead of died, and closes the connection. If
    /// the server cannot be reached this takes a few of [`ClientConfig::call_timeout`].
    pub async fn close(mut self) {
        self.goodbye.cancel();
        // The task has nothing to report; a panic in it was printed already.
        let _ended = (&mut self.beating).await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.beating.abort();
    }
}
