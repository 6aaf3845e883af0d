//! The `Heartbeat` methods of Go's recipe, and every other call as a sign of life.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use carotid_core::{Allowance, BreakerConfig, Disconnect, Opened, SessionName, Terms, Vitals};
use carotid_netrpc::{Answer, Argument, Interceptor, ServerError};

use super::messages::{
    BEAT, BeatArgs, BeatReply, CHECK, CLOSE, NameArgs, OPEN, OpenArgs, OpenReply, PING, SERVING,
};
use crate::connection::{ConnectionId, UserTimeout};
use crate::driver::{Driver, SessionKey};
use crate::server::ServerConfig;

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
    /// For peers that wish nothing else.
    terms: Terms,
    allowance: Allowance,
    breaker: BreakerConfig,
    named: HashMap<SessionName, Named, foldhash::fast::RandomState>,
    /// How many names bring the next search for ended ones.
    purge_at: usize,
    /// For how long it may be silent.
    idle_timeout: Duration,
    user_timeout: UserTimeout,
}

#[derive(Clone, Copy, Debug)]
struct Named {
    key: SessionKey,
    epoch: u32,
    /// What the peer asked for, for the next life of the name.
    wish: Option<Terms>,
    /// What it was granted.
    granted: Terms,
    /// What it was told with its last beat, which holds from its next one: until then it may not know.
    promised: Option<Terms>,
}

impl Heartbeat {
    pub(crate) fn new(
        driver: Driver,
        connection: ConnectionId,
        peer: SocketAddr,
        config: &ServerConfig,
        user_timeout: UserTimeout,
    ) -> Self {
        let terms = config.engine.terms;
        Self {
            driver,
            connection,
            peer,
            terms,
            allowance: config.allowance,
            breaker: config.breaker,
            named: HashMap::default(),
            purge_at: FIRST_PURGE,
            idle_timeout: idle_timeout(terms, &config.breaker),
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
        self.beat(&self.own_name(name), Vitals::default(), None)?;
        Ok(Answer::text("Pong"))
    }

    fn open(&mut self, argument: &mut Argument<'_>) -> Result<Answer, ServerError> {
        let args: OpenArgs = argument.decode()?;
        let wish = args.terms(self.terms).map_err(refuse)?;
        let name = self.own_name(Cow::Borrowed(&args.name));
        let (_, opened) = self.attach(&name, Some(wish))?;
        let sessions = self.driver.sessions();
        let grant = self.allowance.grant(opened.terms, sessions, rand::random());
        Ok(Answer::value(OpenReply::new(&opened, &grant)))
    }

    fn beat_with_vitals(&mut self, argument: &mut Argument<'_>) -> Result<Answer, ServerError> {
        let args: BeatArgs = argument.decode()?;
        let name = self.own_name(Cow::Borrowed(&args.name));
        let named = self.beat(&name, args.vitals(), args.round_trip())?;
        let revised = self.revise(&name, named);
        Ok(Answer::value(BeatReply::new(named.epoch, revised)))
    }

    /// Other terms for a session that has just beaten, where its fleet has grown or shrunk.
    fn revise(&mut self, name: &str, named: Named) -> Option<Terms> {
        let wish = named.wish?;
        let kept = self.named.get_mut(name)?;
        if let Some(promised) = kept.promised.take() {
            // An end of the session is found out by its next beat.
            let _ended = self.driver.revise(named.key, promised);
            kept.granted = promised;
        }
        let better = self.allowance.terms(wish, self.driver.sessions()).ok()?;
        if !Allowance::is_worth_telling(kept.granted, better) {
            return None;
        }
        if kept.granted.interval() < better.interval() {
            // A longer interval must be known here before it is known there.
            let _ended = self.driver.revise(named.key, better);
            kept.granted = better;
        } else {
            kept.promised = Some(better);
        }
        self.outlast(better);
        Some(better)
    }

    fn close(&mut self, argument: &mut Argument<'_>) -> Result<Answer, ServerError> {
        let args: NameArgs = argument.decode()?;
        let name = self.own_name(Cow::Borrowed(&args.name));
        let Some(named) = self.named.remove(&*name) else {
            return Err("carotid: this connection has no session of that name".into());
        };
        // One that has died meanwhile has nothing left to say goodbye to.
        let _ended = self.driver.close(named.key);
        Ok(Answer::value(BeatReply::new(named.epoch, None)))
    }

    /// A beat of the session with this name; begins it if this connection did not name it before,
    /// or if it has ended since.
    fn beat(
        &mut self,
        name: &str,
        vitals: Vitals,
        round_trip: Option<Duration>,
    ) -> Result<Named, ServerError> {
        let known = self.named.get(name).copied();
        if let Some(named) = known
            && let Ok(terms) = self.driver.beat(named.key, vitals, round_trip)
        {
            if named.wish.is_some() && terms.timeout() != named.granted.timeout() {
                self.reclaim(name, named);
            }
            return Ok(named);
        }
        let wish = known.and_then(|named| named.wish);
        let (named, _) = self.attach(name, wish)?;
        // A peer that has not heard of its death beats as it was told in its last life.
        if let (Some(known), Some(named)) = (known, self.named.get_mut(name)) {
            named.granted = known.granted;
        }
        Ok(named)
    }

    /// Another connection has brought the session other terms. If it is gone, this one's hold again.
    fn reclaim(&self, name: &str, named: Named) {
        tracing::debug!(name, "terms of another connection are in force");
        // An end of the session is found out by its next beat.
        let _ended = self.driver.revise(named.key, named.granted);
    }

    fn attach(&mut self, name: &str, wish: Option<Terms>) -> Result<(Named, Opened), ServerError> {
        let name = SessionName::new(name).map_err(refuse)?;
        let sessions = self.driver.sessions();
        let terms = wish.map(|wish| self.allowance.terms(wish, sessions));
        let terms = terms.transpose().map_err(refuse)?;
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
            wish,
            granted: opened.terms,
            promised: None,
        };
        self.named.insert(name, named);
        self.purge();
        self.outlast(opened.terms);
        Ok((named, opened))
    }

    /// Keeps the connection for as long as such terms may need it.
    fn outlast(&mut self, terms: Terms) {
        self.idle_timeout = self.idle_timeout.max(idle_timeout(terms, &self.breaker));
        // A shorter one would end connections of living peers: detection comes first.
        self.user_timeout.raise(self.idle_timeout);
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
                let _ended = self.driver.beat(named.key, Vitals::default(), None);
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
            BEAT => Some(self.beat_with_vitals(argument)),
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

/// For how long a connection may be silent without its sessions being dead: their timeout, and for as
/// long as mass silence may hold their deaths, so that a network that heals finds it open.
pub(crate) fn idle_timeout(terms: Terms, breaker: &BreakerConfig) -> Duration {
    terms.timeout() + breaker.longest_hold(terms.interval())
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
        let driver = Driver::new(&Config::default(), BreakerConfig::default()).unwrap();
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let user_timeout = UserTimeout::new(terms.timeout());
        let config = ServerConfig {
            allowance: Allowance {
                beats_per_second: 100,
                ..Allowance::default()
            },
            ..ServerConfig::default()
        };
        Heartbeat::new(driver, ConnectionId(1), peer, &config, user_timeout)
    }

    fn beat(heartbeat: &mut Heartbeat, name: &str) -> Named {
        heartbeat.beat(name, Vitals::default(), None).unwrap()
    }

    #[test]
    fn names_of_ended_sessions_are_not_kept_for_ever() {
        let mut heartbeat = heartbeat();
        let lasting = beat(&mut heartbeat, "lasting");
        for index in 0..10_000 {
            let named = beat(&mut heartbeat, &format!("brief/{index}"));
            heartbeat.driver.close(named.key).unwrap();
            assert!(heartbeat.named.len() <= FIRST_PURGE);
        }
        assert!(heartbeat.driver.is_watched(lasting.key));
        assert_eq!(beat(&mut heartbeat, "lasting").key, lasting.key);
    }

    #[test]
    fn terms_follow_the_size_of_the_fleet() {
        let mut heartbeat = heartbeat();
        let seconds = Duration::from_secs;
        let wish = Terms::new(seconds(1), seconds(10)).unwrap();
        heartbeat.attach("fleet/0", Some(wish)).unwrap();
        let interval = |heartbeat: &Heartbeat, named: Named| {
            let view = heartbeat.driver.find("fleet/0").unwrap().view;
            assert_eq!(heartbeat.named["fleet/0"].key, named.key);
            view.terms.interval()
        };
        let named = beat(&mut heartbeat, "fleet/0");
        assert_eq!(heartbeat.revise("fleet/0", named), None);
        let others: Vec<_> = (1..1000)
            .map(|index| heartbeat.attach(&format!("fleet/{index}"), Some(wish)))
            .map(|attached| attached.unwrap().0)
            .collect();

        let longer = heartbeat.revise("fleet/0", named).unwrap();
        assert_eq!(
            (longer.interval(), longer.timeout()),
            (seconds(10), seconds(30))
        );
        assert_eq!(interval(&heartbeat, named), seconds(10), "at once");
        assert_eq!(heartbeat.idle_timeout(), Some(seconds(70)));

        for other in others {
            heartbeat.driver.close(other.key).unwrap();
        }
        assert_eq!(heartbeat.revise("fleet/0", named), Some(wish));
        assert_eq!(
            interval(&heartbeat, named),
            seconds(10),
            "it may not know yet"
        );
        assert_eq!(heartbeat.revise("fleet/0", named), None);
        assert_eq!(interval(&heartbeat, named), seconds(1));
    }

    #[test]
    fn a_peer_that_died_without_knowing_is_told_its_terms_anew() {
        let mut heartbeat = heartbeat();
        let seconds = Duration::from_secs;
        let wish = Terms::new(seconds(1), seconds(10)).unwrap();
        heartbeat.attach("fleet/0", Some(wish)).unwrap();
        let mut others = Vec::new();
        for index in 1..1000 {
            let attached = heartbeat.attach(&format!("fleet/{index}"), Some(wish));
            others.push(attached.unwrap().0);
        }
        let named = beat(&mut heartbeat, "fleet/0");
        assert!(heartbeat.revise("fleet/0", named).is_some());
        for other in others.iter().chain([&named]) {
            heartbeat.driver.close(other.key).unwrap();
        }
        let revived = beat(&mut heartbeat, "fleet/0");
        assert_eq!(revived.epoch, 2);
        assert_eq!(heartbeat.revise("fleet/0", revived), Some(wish));
    }

    #[test]
    fn the_idle_timeout_is_the_longest_that_was_granted() {
        let mut heartbeat = heartbeat();
        let ms = Duration::from_millis;
        let terms = |interval, timeout| Terms::new(ms(interval), ms(timeout)).ok();
        heartbeat.attach("short", terms(10, 20)).unwrap();
        assert_eq!(heartbeat.idle_timeout(), Some(ms(70_000)));
        heartbeat.attach("long", terms(1000, 90_000)).unwrap();
        assert_eq!(heartbeat.idle_timeout(), Some(ms(91_000)));
    }
}
