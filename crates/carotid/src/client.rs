//! A client that keeps a session alive, and calls methods over the same connection.

mod backoff;
mod beating;
mod granted;
mod heart;
mod link;
mod progress;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use carotid_core::{SessionName, Terms};
use carotid_netrpc::{self as netrpc, CallError};
use gobwire::{Decode, Encode};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use beating::Beating;
use heart::Heart;
use progress::Watch;

pub use heart::StartError;
pub use link::LinkError;
pub use progress::Progress;

/// Settings of a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The server, `host:port`; resolved anew for each connection.
    pub address: String,
    /// What this peer calls itself.
    pub name: SessionName,
    /// What to ask for: a beat every interval, and patience with the longest stall. The server may
    /// grant a longer interval, see [`ClientState::Connected`]; one that only knows the recipe's
    /// `Heartbeat.Ping` is pinged as often as asked for. Default: 10 s, 60 s and no stall.
    pub terms: Terms,
    /// How long connecting to one address, a beat or a call may take. A beat that takes longer ends the
    /// connection. Default: 5 s.
    pub call_timeout: Duration,
    /// Whether each beat says for how long the tokio runtime that the client was started on has not
    /// answered, so that a process whose runtime is blocked is shown as wedged. Default: yes. Switch
    /// it off if that runtime is not what the process lives by, or runs only now and then; see also
    /// [`Client::progress`].
    pub watch_runtime: bool,
    /// The longest wait before the first retry; each further one may take twice as long. Each wait
    /// is drawn evenly from zero to its longest. After the loss of a connection the server's reconnect
    /// slots come before this, if it has granted any: the first wait is drawn from them. Default:
    /// 0.5 s.
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
            watch_runtime: true,
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
        /// What it has granted; what was asked for, if it knows only the recipe's ping.
        terms: Terms,
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
/// Beats come from a thread of their own, `carotid-heartbeat`, which all clients of a process share:
/// a blocked or starved runtime delays none of them. Replies to calls are decoded there too. Dropping
/// it closes the connection without a goodbye, as a crash would; see [`Client::close`].
#[derive(Debug)]
pub struct Client {
    call_timeout: Duration,
    /// Fewer calls at once than the connection carries, so that a beat always finds room.
    calls: Semaphore,
    link: watch::Receiver<Option<Arc<netrpc::Client>>>,
    state: watch::Receiver<ClientState>,
    goodbye: CancellationToken,
    progress: Progress,
    beating: JoinHandle<()>,
    /// Beats for as long as it is held.
    _heart: Arc<Heart>,
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
    /// # Errors
    ///
    /// The system gave no thread, or there is no tokio runtime here that
    /// [`ClientConfig::watch_runtime`] could watch; without that it may be started anywhere.
    pub fn start(config: ClientConfig) -> Result<Self, StartError> {
        let watched = if config.watch_runtime {
            Some(Handle::try_current().map_err(|_| StartError::NoRuntime)?)
        } else {
            None
        };
        let heart = Heart::shared()?;
        let progress = Progress::default();
        let watch = Watch::new(watched.as_ref(), progress.clone());
        let call_timeout = config.call_timeout;
        let (link_sender, link) = watch::channel(None);
        let (state_sender, state) = watch::channel(ClientState::Connecting);
        let goodbye = CancellationToken::new();
        let beating = Beating::new(config, watch, link_sender, state_sender, goodbye.clone());
        Ok(Self {
            call_timeout,
            calls: Semaphore::new(CALLS_AT_ONCE),
            link,
            state,
            goodbye,
            progress,
            beating: heart.runtime().spawn(beating.run()),
            _heart: heart,
        })
    }

    /// For a main loop that is no tokio runtime, or beside one: what it marks is watched from its
    /// first mark on. Until then nothing is said of it.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
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
