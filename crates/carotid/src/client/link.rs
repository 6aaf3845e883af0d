//! One connection of a client, and the session's beats on it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use carotid_netrpc::{self as netrpc, CallError, Lost};
use tokio::time::{Instant, timeout};

use super::ClientConfig;
use super::granted::Granted;
use crate::connection::{Stream, UserTimeout, dial};
use crate::source::messages::{
    BEAT, BeatArgs, BeatReply, CLOSE, NameArgs, OPEN, OpenArgs, OpenReply, PING, whole_ms,
};

/// Why a client's connection failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The server's address did not resolve, or nothing answers there.
    #[error("cannot connect to {address}: {error}")]
    Connect {
        /// The address as configured.
        address: String,
        /// What the system said.
        error: io::Error,
    },
    /// The server refused the session, or its beat.
    #[error("refused by the server: {0}")]
    Refused(CallError),
    /// A beat was not answered in time.
    #[error("no answer to a beat within {after:?}")]
    NoPong {
        /// How long was waited.
        after: Duration,
    },
    /// The connection was lost.
    #[error("connection lost: {0}")]
    Lost(Lost),
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) server: SocketAddr,
    pub(super) calls: Arc<netrpc::Client>,
    /// Which life of the name the server counts; `None` in front of a server that knows only pings.
    pub(super) epoch: Option<u64>,
    pub(super) granted: Granted,
    /// How long the answer to the last beat took.
    round_trip: Option<Duration>,
    user_timeout: UserTimeout,
}

impl Link {
    /// Connects, and introduces the session.
    pub(super) async fn connect(config: &ClientConfig) -> Result<Self, LinkError> {
        let dialled = dial(&config.address, config.call_timeout).await;
        let tcp = dialled.map_err(|error| cannot_connect(config, error))?;
        let server = tcp.peer_addr();
        let server = server.map_err(|error| cannot_connect(config, error))?;
        let stream = Stream::new(tcp, config.terms.timeout());
        let (stream, user_timeout) = stream.map_err(|error| cannot_connect(config, error))?;
        let mut link = Self {
            server,
            calls: Arc::new(netrpc::Client::new(stream)),
            epoch: None,
            granted: Granted::wish(config.terms),
            round_trip: None,
            user_timeout,
        };
        link.introduce(config).await?;
        Ok(link)
    }

    /// Opens the session; where the server knows no `Open`, the first ping does.
    async fn introduce(&mut self, config: &ClientConfig) -> Result<(), LinkError> {
        let args = OpenArgs::new(config.name.as_str(), config.terms);
        let opened = answered(config, self.calls.call::<OpenReply>(OPEN, &args)).await;
        match opened {
            Ok(reply) => {
                self.epoch = Some(reply.epoch);
                self.granted = Granted::read(&reply, config.terms);
                self.outlast();
                Ok(())
            }
            Err(LinkError::Refused(error)) if error.is_unknown_method() => self.ping(config).await,
            Err(error) => Err(error),
        }
    }

    /// One beat of a peer that has made no progress for as long as `stuck`, if anybody tells. Returns
    /// whether it brought other terms.
    pub(super) async fn beat(
        &mut self,
        config: &ClientConfig,
        stuck: Option<Duration>,
    ) -> Result<bool, LinkError> {
        if self.epoch.is_none() {
            self.ping(config).await?;
            return Ok(false);
        }
        let args = BeatArgs {
            name: config.name.as_str().to_owned(),
            // Zero says that nobody tells.
            progress_ms: stuck.map_or(0, |stuck| whole_ms(stuck).max(1)),
            round_trip_us: self.round_trip.map_or(0, whole_us),
        };
        let sent = Instant::now();
        let reply = answered(config, self.calls.call::<BeatReply>(BEAT, &args)).await?;
        self.round_trip = Some(sent.elapsed());
        self.epoch = Some(reply.epoch);
        let revised = self.granted.revise(&reply);
        self.outlast();
        Ok(revised)
    }

    /// Keeps the connection for as long as the terms may need it.
    fn outlast(&self) {
        self.user_timeout.raise(self.granted.terms.timeout());
    }

    async fn ping(&self, config: &ClientConfig) -> Result<(), LinkError> {
        let name = config.name.as_str();
        let _pong: String = answered(config, self.calls.call(PING, name)).await?;
        Ok(())
    }

    /// Says goodbye, where the server knows the word, and closes the connection.
    pub(super) async fn leave(self, config: &ClientConfig) {
        if self.epoch.is_some() {
            let args = NameArgs {
                name: config.name.as_str().to_owned(),
            };
            let left = answered(config, self.calls.call::<BeatReply>(CLOSE, &args)).await;
            if let Err(error) = left {
                tracing::debug!(%error, "the goodbye was not heard");
            }
        }
        self.calls.close().await;
    }
}

fn cannot_connect(config: &ClientConfig, error: io::Error) -> LinkError {
    LinkError::Connect {
        address: config.address.clone(),
        error,
    }
}

/// Zero would say that it is unknown.
fn whole_us(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).map_or(i64::MAX, |us| us.max(1))
}

/// The answer to a call, if it comes in time.
async fn answered<R>(
    config: &ClientConfig,
    call: impl Future<Output = Result<R, CallError>>,
) -> Result<R, LinkError> {
    let after = config.call_timeout;
    match timeout(after, call).await {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(CallError::ConnectionLost(lost))) => Err(LinkError::Lost(lost)),
        Ok(Err(error)) => Err(LinkError::Refused(error)),
        Err(_) => Err(LinkError::NoPong { after }),
    }
}
