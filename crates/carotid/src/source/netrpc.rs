//! The `Heartbeat` methods of Go's recipe, and every other call as a sign of life.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use carotid_core::{Disconnect, Opened, SessionName, Terms};
use carotid_netrpc::{Answer, Argument, Interceptor, ServerError};

use super::messages::{
    BEAT, BeatReply, CHECK, CLOSE, NameArgs, OPEN, OpenArgs, OpenReply, PING, SERVING, whole_ms,
};
use crate::connection::{ConnectionId, UserTimeout};
use crate::driver::{Driver, SessionKey};

/// A connection with more sessions than this is a relay, whose own calls say nothing of the peers
/// behind it. It also bounds the work that one call causes (I4).
const OWN_SESSIONS: usize = 64;

/// Ended sessions are looked for when a connection has named this many, and then twice as many as
/// were left.
const FIRST_PURGE: usize = 64;

/// Sessions that leave a connection between two pauses for others.
const DETACHED_AT_ONCE: usize = 256;

/// One connection's `Heartbeat` service: the sessions it has named, and their beats.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    driver: Driver,
    connection: ConnectionId,
    peer: SocketAddr,
    terms: Terms,
    named: HashMap<SessionName, Named, foldhash::fast::RandomState>,
    /// How many names bring the next search for ended ones.
    purge_at: usize,
    /// The longest timeout of its sessions.
    idle_timeout: Duration,
    user_timeout: UserTimeout,
}

#[derive(Clone, Copy, Debug)]
struct Named {
    key: SessionKey,
    epoch: u32,
    /// What the peer asked for, for the next life of the name.
    terms: Option<Terms>,
}

impl Heartbeat {
    pub(crate) fn new(
        driver: Driver,
        connection: ConnectionId,
        peer: SocketAddr,
        terms: Terms,
        user_timeout: UserTimeout,
    ) -> Self {
        Self {
            driver,
            connection,
            peer,
            terms,
            named: HashMap::default(),
            purge_at: FIRST_PURGE,
            idle_timeout: terms.timeout(),
            user_timeout,
        }
    }

    /// Tells the driver that the connection is gone.
    pub(crate) async fn detach(mut self, why: Disconnect) {
        for (count, (_, named)) in std::mem::take(&mut self.named).into_iter().enumerate() {
            // A session that ended meanwhile needs to hear nothing.
            let _ended = self.driver.detach(named.key, why);
            if count % DETACHED_AT_ONCE == DETACHED_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn ping(&mut self, argument: &mut Argument<'_>) -> Result<Answer, ServerError> {
        let name = argument.as_str()?;
        self.beat(&self.own_name(name))?;
        Ok(Answer::text("Pong"))
    }

    fn open(&mut self, argument: &mut Argument<'_>) -> Result<Answer, ServerError> {
        let args: OpenArgs = argument.decode()?;
        let terms = args.terms(self.terms).map_err(refuse)?;
        let name = self.own_name(Cow::Borrowed(&args.name));
        let (_, opened) = self.attach(&name, Some(terms))?;
        Ok(Answer::value(OpenReply {
            epoch: u64::from(opened.epoch),
            resumed: opened.resumed,
            interval_ms: whole_ms(opened.terms.interval()),
            timeout_ms: whole_ms(opened.terms.timeout()),
        }))
    }

    fn close(&mut self, argument: &mut Argument<'_>) -> Result<Answer, ServerError> {
        let args: NameArgs = argument.decode()?;
        let name = self.own_name(Cow::Borrowed(&args.name));
        let Some(named) = self.named.remove(&*name) else {
            return Err("carotid: this connection has no session of that name".into());
        };
        // One that has died meanwhile has nothing left to say goodbye to.
        let _ended = self.driver.close(named.key);
        Ok(Answer::value(BeatReply {
            epoch: u64::from(named.epoch),
        }))
    }

    /// A beat of the session with this name; begins it if this connection did not name it before,
    /// or if it has ended since.
    fn beat(&mut self, name: &str) -> Result<Named, ServerError> {
        let known = self.named.get(name).copied();
        if let Some(named) = known
            && self.driver.beat(named.key).is_ok()
        {
            return Ok(named);
        }
        let terms = known.and_then(|named| named.terms);
        self.attach(name, terms).map(|(named, _)| named)
    }

    fn attach(&mut self, name: &str, terms: Option<Terms>) -> Result<(Named, Opened), ServerError> {
        let name = SessionName::new(name).map_err(refuse)?;
        if let Some(before) = self.named.get(&name) {
            // It is to have one connection more, and that is still this one.
            let _ended = self.driver.detach(before.key, Disconnect::Local);
        }
        let opened = self.driver.open(name.clone(), terms, self.peer);
        let (key, opened) = opened.map_err(|error| {
            self.driver.warn_of(error);
            refuse(error)
        })?;
        let named = Named {
            key,
            epoch: opened.epoch,
            terms,
        };
        self.named.insert(name, named);
        self.purge();
        self.idle_timeout = self.idle_timeout.max(opened.terms.timeout());
        // A shorter one would end connections of living peers: detection comes first.
        self.user_timeout.raise(self.idle_timeout);
        Ok((named, opened))
    }

    /// Forgets names whose sessions have ended, so that a connection with ever new names takes no
    /// more memory than the sessions it keeps alive (I9).
    fn purge(&mut self) {
        if self.purge_at <= self.named.len() {
            let driver = &self.driver;
            self.named.retain(|_, named| driver.is_watched(named.key));
            self.purge_at = (2 * self.named.len()).max(FIRST_PURGE);
        }
    }

    /// A peer without a name of its own is named after its connection.
    fn own_name<'a>(&self, name: Cow<'a, str>) -> Cow<'a, str> {
        if name.is_empty() {
            Cow::Owned(format!("conn/{}", self.connection))
        } else {
            name
        }
    }

    /// Any call shows that the peer lives.
    fn beat_all(&self) {
        if self.named.len() <= OWN_SESSIONS {
            for named in self.named.values() {
                // The next call that names it begins it anew.
                let _ended = self.driver.beat(named.key);
            }
        }
    }
}

impl Interceptor for Heartbeat {
    fn call(
        &mut self,
        method: &str,
        argument: &mut Argument<'_>,
    ) -> Option<Result<Answer, ServerError>> {
        match method {
            PING => Some(self.ping(argument)),
            OPEN => Some(self.open(argument)),
            CLOSE => Some(self.close(argument)),
            BEAT => {
                let args = argument.decode::<NameArgs>().map_err(ServerError::from);
                Some(args.and_then(|args| {
                    let name = self.own_name(Cow::Borrowed(&args.name));
                    let epoch = u64::from(self.beat(&name)?.epoch);
                    Ok(Answer::value(BeatReply { epoch }))
                }))
            }
            CHECK => {
                self.beat_all();
                Some(Ok(Answer::text(SERVING)))
            }
            other => {
                self.beat_all();
                other
                    .starts_with("Heartbeat.")
                    .then(|| Err(ServerError::no_method(other)))
            }
        }
    }

    fn idle_timeout(&self) -> Option<Duration> {
        Some(self.idle_timeout)
    }
}

/// A connection task that is dropped in the middle leaves nothing attached.
impl Drop for Heartbeat {
    fn drop(&mut self) {
        for named in self.named.values() {
            let _ended = self.driver.detach(named.key, Disconnect::Local);
        }
    }
}

fn refuse(error: impl std::fmt::Display) -> ServerError {
    ServerError::from(format!("carotid: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use carotid_core::Config;

    fn heartbeat() -> Heartbeat {
        let terms = Terms::default();
        let driver = Driver::new(&Config::default()).unwrap();
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let user_timeout = UserTimeout::new(terms.timeout());
        Heartbeat::new(driver, ConnectionId(1), peer, terms, user_timeout)
    }

    #[test]
    fn names_of_ended_sessions_are_not_kept_for_ever() {
        let mut heartbeat = heartbeat();
        let lasting = heartbeat.beat("lasting").unwrap();
        for index in 0..10_000 {
            let named = heartbeat.beat(&format!("brief/{index}")).unwrap();
            heartbeat.driver.close(named.key).unwrap();
            assert!(heartbeat.named.len() <= FIRST_PURGE);
        }
        assert!(heartbeat.driver.is_watched(lasting.key));
        assert_eq!(heartbeat.beat("lasting").unwrap().key, lasting.key);
    }

    #[test]
    fn the_idle_timeout_is_the_longest_that_was_granted() {
        let mut heartbeat = heartbeat();
        let ms = Duration::from_millis;
        let terms = |interval, timeout| Terms::new(ms(interval), ms(timeout)).ok();
        heartbeat.attach("short", terms(10, 20)).unwrap();
        assert_eq!(heartbeat.idle_timeout(), Some(Terms::default().timeout()));
        heartbeat.attach("long", terms(1000, 90_000)).unwrap();
        assert_eq!(heartbeat.idle_timeout(), Some(ms(90_000)));
    }
}
