//! A client that keeps a session alive, and calls methods over the same connection.

mod backoff;
mod beating;
mod blocking;
mod caller;
mod config;
mod counters;
mod error;
mod granted;
mod heart;
mod line;
mod link;
mod progress;
mod round_trips;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use carotid_netrpc::{FromGob, ToGob};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use beating::{Beating, Shown};
use blocking::block_on;
use counters::Tally;
use heart::Heart;
use line::Line;
use progress::Watch;

pub use caller::Caller;
pub use config::ClientConfig;
pub use counters::ClientCounters;
pub use error::ClientCallError;
pub use heart::StartError;
pub use link::LinkError;
pub use progress::Progress;
pub use round_trips::RoundTrip;
pub use state::{ClientState, States};

/// Keeps one session alive on one server of several, and reconnects for as long as it takes.
///
/// Beats come from a thread of their own, `carotid-heartbeat`, which all clients of a process share:
/// a blocked or starved runtime delays none of them. Replies to calls are decoded there too. Dropping
/// it closes the connection without a goodbye, as a crash would; see [`Client::close`].
///
/// # Several servers
///
/// Whenever there is no connection, the servers of [`ClientConfig::addresses`] are tried in their
/// order, without a pause; the first that answers an introduction gets the session, and keeps it until
/// that connection is lost. So the first server is preferred at each loss, and nobody moves back as
/// long as all goes well elsewhere. A server that has just fallen silent is tried after all others,
/// once: another attempt would take its whole time again. After a loss, and after each round in
/// which no server could be reached, the client waits as [`ClientConfig::min_backoff`] says.
///
/// # Calls
///
/// All of them run over the connection that the beats use, up to 240 at once; further ones wait for
/// room. One that was given up, after its timeout or by dropping it, takes its room until the server
/// has answered it, which may still be at work on it. They need no particular runtime, and none at all for
/// [`call_blocking`](Self::call_blocking).
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example(client: carotid::Client) -> Result<(), carotid::ClientCallError> {
/// let stock: i64 = client.idempotent().call("Shop.Stock", "apples").await?;
/// let sold: i64 = client.within(Duration::from_secs(30)).call("Shop.Sell", "apples").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    call_timeout: Duration,
    line: watch::Receiver<Option<Arc<Line>>>,
    state: States,
    tally: Arc<Tally>,
    goodbye: CancellationToken,
    progress: Progress,
    beating: JoinHandle<()>,
    /// Beats for as long as it is held.
    heart: Arc<Heart>,
}

impl Client {
    /// Starts to beat, and to connect first, in the background.
    ///
    /// # Errors
    ///
    /// There is no address, the system gave no thread, or there is no tokio runtime here that
    /// [`ClientConfig::watch_runtime`] could watch; without that it may be started anywhere.
    pub fn start(config: ClientConfig) -> Result<Self, StartError> {
        if config.addresses.is_empty() {
            return Err(StartError::NoAddress);
        }
        let watched = if config.watch_runtime {
            Some(Handle::try_current().map_err(|_| StartError::NoRuntime)?)
        } else {
            None
        };
        let heart = Heart::shared()?;
        let progress = Progress::default();
        let watch = Watch::new(watched.as_ref(), progress.clone());
        let call_timeout = config.call_timeout;
        let (line_sender, line) = watch::channel(None);
        let (state_sender, state) = watch::channel(ClientState::Connecting);
        let goodbye = CancellationToken::new();
        let tally = Arc::new(Tally::new());
        let shown = Shown {
            line: line_sender,
            state: state_sender,
            tally: Arc::clone(&tally),
        };
        let beating = Beating::new(config, watch, shown, goodbye.clone());
        Ok(Self {
            call_timeout,
            line,
            state: States::new(state),
            tally,
            goodbye,
            progress,
            beating: heart.runtime().spawn(beating.run()),
            heart,
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
    pub fn state(&self) -> States {
        self.state.clone()
    }

    /// What has been counted until now. Reading it keeps nobody waiting.
    #[must_use]
    pub fn counters(&self) -> ClientCounters {
        self.tally.read()
    }

    /// Waits for the server's first answer. It returns without one if the task that beats has
    /// panicked, so that nobody waits for ever; every call then fails, and says that it was not sent.
    pub async fn connected(&self) {
        let mut state = self.state();
        // The states go on as long as the task, which ends after this client only.
        let _gone = state
            .wait_for(|state| matches!(state, ClientState::Connected { .. }))
            .await;
    }

    /// Calls a method of the server, once, and waits at most [`ClientConfig::call_timeout`]. It fails at
    /// once if there is no connection, and when the connection is lost.
    ///
    /// If no reply to anything has come for half an interval, or for [`ClientConfig::call_timeout`] if
    /// that is shorter, a beat is sent first, which all calls share that come meanwhile: on a
    /// connection that is dead without showing it, the call fails after
    /// [`ClientConfig::ping_timeout`], and was not sent.
    ///
    /// # Errors
    ///
    /// See [`ClientCallError`], which tells whether the call may have been carried out.
    pub async fn call<R>(
        &self,
        method: &str,
        argument: &(impl ToGob + ?Sized + Sync),
    ) -> Result<R, ClientCallError>
    where
        R: FromGob + Send + 'static,
    {
        Caller::new(self).call(method, argument).await
    }

    /// [`Client::call`] for code that is not async; this thread waits, and nothing of it needs a
    /// runtime.
    ///
    /// Within async code it works too, as the heartbeat's thread does all the work, but it blocks a
    /// thread of that runtime for up to the timeout, as any blocking call does. If the answer depends on
    /// that very thread it ends with that timeout, not with a deadlock.
    ///
    /// # Errors
    ///
    /// See [`ClientCallError`].
    pub fn call_blocking<R>(
        &self,
        method: &str,
        argument: &(impl ToGob + ?Sized + Sync),
    ) -> Result<R, ClientCallError>
    where
        R: FromGob + Send + 'static,
    {
        Caller::new(self).call_blocking(method, argument)
    }

    /// Makes calls that do no harm if they are carried out more than once. Within their time they wait
    /// for a connection, and are tried again on the next one when theirs is lost; once if they were
    /// sent, as it may be such a call that makes the server hang up.
    pub const fn idempotent(&self) -> Caller<'_> {
        Caller::new(self).idempotent()
    }

    /// Makes calls that may take another time than [`ClientConfig::call_timeout`].
    pub const fn within(&self, timeout: Duration) -> Caller<'_> {
        Caller::new(self).within(timeout)
    }

    /// Closes the connection without a goodbye, as a process that fails does.
    pub async fn disconnect(mut self) {
        self.beating.abort();
        let _aborted = (&mut self.beating).await;
        let line = self.line.borrow().clone();
        if let Some(line) = line {
            line.close().await;
        }
    }

    /// Says goodbye, so that the session has left instead of died, and closes the connection. If
    /// the server cannot be reached this takes a few of [`ClientConfig::call_timeout`].
    pub async fn close(mut self) {
        self.goodbye.cancel();
        // The task has nothing to report; a panic in it was printed already.
        let _ended = (&mut self.beating).await;
    }

    /// [`Client::close`] for code that is not async. The heartbeat's own thread, on which a reply's
    /// decoding and wakers run, does not wait, as it would for itself: it says goodbye afterwards.
    pub fn close_blocking(self) {
        if self.heart.is_here() {
            let runtime = self.heart.runtime().clone();
            runtime.spawn(self.close());
        } else {
            block_on(self.close());
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.beating.abort();
    }
}
