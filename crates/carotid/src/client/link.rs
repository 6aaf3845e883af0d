//! One connection of a client, and the session's beats on it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use carotid_netrpc::{CallError, Lost};
use tokio::time::{Instant, sleep, timeout};

use super::ClientConfig;
use super::counters::{Tally, whole_us};
use super::granted::Granted;
use super::line::{Line, LineError};
use crate::address::Address;
use crate::dial::{UserTimeout, dial};
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
        address: Address,
        /// What the system said.
        error: io::Error,
    },
    /// The server refused the session, or its beat.
    #[error("refused by {address}: {error}")]
    Refused {
        /// The address as configured.
        address: Address,
        /// What the server said, or what is wrong with that.
        error: CallError,
    },
    /// A beat was not answered in time.
    #[error("no answer to a beat within {after:?} from {address}")]
    NoPong {
        /// The address as configured.
        address: Address,
        /// How long was waited.
        after: Duration,
    },
    /// The connection was lost.
    #[error("connection to {address} lost: {lost}")]
    Lost {
        /// The address as configured.
        address: Address,
        /// How it ended.
        lost: Lost,
    },
    /// None of several servers could be reached.
    #[error("{}", all(.0))]
    Everywhere(Vec<Arc<Self>>),
}

fn all(errors: &[Arc<LinkError>]) -> String {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    errors.join("; ")
}

impl LinkError {
    /// Whether nothing was heard at all: another try would take its whole time too.
    pub(super) fn is_silence(&self) -> bool {
        let timed_out = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
        match self {
            Self::NoPong { .. } => true,
            Self::Connect { error, .. } => timed_out(error),
            Self::Lost { lost, .. } => {
                matches!(lost, Lost::WriteTimeout)
                    || matches!(lost, Lost::Io(error) if timed_out(error))
            }
            Self::Refused { .. } | Self::Everywhere(_) => false,
        }
    }

    fn is_unknown_method(&self) -> bool {
        matches!(self, Self::Refused { error, .. } if error.is_unknown_method())
    }
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) server: Option<SocketAddr>,
    pub(super) line: Arc<Line>,
    /// Which life of the name the server counts; `None` in front of a server that knows only pings.
    pub(super) epoch: Option<u64>,
    pub(super) granted: Granted,
    /// How long the answer to the last beat took.
    round_trip: Option<Duration>,
    user_timeout: UserTimeout,
    tally: Arc<Tally>,
}

impl Link {
    /// Connects, and introduces the session.
    pub(super) async fn connect(
        config: &ClientConfig,
        address: &Address,
        tally: Arc<Tally>,
    ) -> Result<Self, Arc<LinkError>> {
        let dialled = dial(address, config.call_timeout, config.terms.timeout()).await;
        let dialled = dialled.map_err(|error| {
            Arc::new(LinkError::Connect {
                address: address.clone(),
                error,
            })
        })?;
        let mut link = Self {
            server: dialled.server,
            line: Arc::new(Line::new(address.clone(), dialled.client)),
            epoch: None,
            granted: Granted::wish(config.terms),
            round_trip: None,
            user_timeout: dialled.user_timeout,
            tally,
        };
        link.introduce(config).await?;
        link.settle(config);
        link.tally.pong(None);
        Ok(link)
    }

    /// Opens the session; where the server knows no `Open`, the first ping does.
    async fn introduce(&mut self, config: &ClientConfig) -> Result<(), Arc<LinkError>> {
        let args = OpenArgs::new(config.name.as_str(), config.terms);
        let opened = self.line.call::<OpenReply>(OPEN, &args);
        match self.answered(config, opened).await {
            Ok(reply) => {
                self.epoch = Some(reply.epoch);
                self.granted = Granted::read(&reply, config.terms);
                Ok(())
            }
            Err(error) if error.is_unknown_method() => {
                let ponged = self.line.call::<String>(PING, config.name.as_str());
                self.answered(config, ponged).await.map(|_pong| ())
            }
            Err(error) => Err(error),
        }
    }

    /// One beat of a peer that has made no progress for as long as `stuck`, if anybody tells; at once
    /// because a call waits for it, if it was `asked` for. Returns whether it brought other terms.
    pub(super) async fn beat(
        &mut self,
        config: &ClientConfig,
        stuck: Option<Duration>,
        asked: bool,
    ) -> Result<bool, Arc<LinkError>> {
        self.tally.beats_sent.one_more();
        let sent = Instant::now();
        let revised = if self.epoch.is_some() {
            let args = BeatArgs {
                name: config.name.as_str().to_owned(),
                // Zero says that nobody tells.
                progress_ms: stuck.map_or(0, |stuck| whole_ms(stuck).max(1)),
                round_trip_us: self.round_trip.map_or(0, wire_us),
            };
            let beaten = self.line.call::<BeatReply>(BEAT, &args);
            let reply = self.pong(config, beaten, asked).await?;
            self.epoch = Some(reply.epoch);
            self.granted.revise(&reply)
        } else {
            let ponged = self.line.call::<String>(PING, config.name.as_str());
            let _pong = self.pong(config, ponged, asked).await?;
            false
        };
        let round_trip = sent.elapsed();
        self.round_trip = Some(round_trip);
        self.tally.pong(self.round_trip);
        if revised {
            self.settle(config);
        }
        Ok(revised)
    }

    /// Takes to the terms as they are now.
    fn settle(&self, config: &ClientConfig) {
        let terms = self.granted.terms;
        // The connection must not end before the session would.
        self.user_timeout.raise(terms.timeout());
        self.line
            .trust_for((terms.interval() / 2).min(config.call_timeout));
    }

    /// Says goodbye, where the server knows the word, and closes the connection.
    pub(super) async fn leave(self, config: &ClientConfig) {
        if self.epoch.is_some() {
            let args = NameArgs {
                name: config.name.as_str().to_owned(),
            };
            let left = self.line.call::<BeatReply>(CLOSE, &args);
            if let Err(error) = self.answered(config, left).await {
                tracing::debug!(%error, "the goodbye was not heard");
            }
        }
        self.line.close().await;
    }

    /// The answer to a beat, if it comes in time: within the time of a ping from the moment on at which
    /// a call waits for it.
    async fn pong<R>(
        &self,
        config: &ClientConfig,
        call: impl Future<Output = Result<R, LineError>>,
        mut asked: bool,
    ) -> Result<R, Arc<LinkError>> {
        let ping_timeout = config.ping_timeout.min(config.call_timeout);
        let mut after = if asked {
            ping_timeout
        } else {
            config.call_timeout
        };
        let mut deadline = pin!(sleep(after));
        let mut call = pin!(call);
        loop {
            tokio::select! {
                biased;
                outcome = call.as_mut() => return self.outcome(Some(outcome), after),
                () = self.line.asked(), if !asked => {
                    asked = true;
                    after = ping_timeout;
                    let due = Instant::now() + ping_timeout;
                    let due = due.min(deadline.deadline());
                    deadline.as_mut().reset(due);
                }
                () = deadline.as_mut() => return self.outcome(None, after),
            }
        }
    }

    /// The answer to another call, if it comes in time.
    async fn answered<R>(
        &self,
        config: &ClientConfig,
        call: impl Future<Output = Result<R, LineError>>,
    ) -> Result<R, Arc<LinkError>> {
        let after = config.call_timeout;
        self.outcome(timeout(after, call).await.ok(), after)
    }

    /// What the answer, or its absence, means for the connection.
    fn outcome<R>(
        &self,
        outcome: Option<Result<R, LineError>>,
        after: Duration,
    ) -> Result<R, Arc<LinkError>> {
        let address = || self.line.address().clone();
        match outcome {
            Some(Ok(reply)) => Ok(reply),
            Some(Err(LineError::Unsent(why) | LineError::Over(why))) => Err(why),
            Some(Err(LineError::Call(error))) => Err(Arc::new(LinkError::Refused {
                address: address(),
                error,
            })),
            None => {
                self.tally.missed_pongs.one_more();
                Err(Arc::new(LinkError::NoPong {
                    address: address(),
                    after,
                }))
            }
        }
    }
}

/// Zero would say that it is unknown.
fn wire_us(duration: Duration) -> i64 {
    i64::try_from(whole_us(duration)).map_or(i64::MAX, |us| us.max(1))
}
