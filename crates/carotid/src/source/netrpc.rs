//! The `Heartbeat` methods of Go's recipe, and every other call as a sign of life.

mod calls;
mod connections;
mod reception;
mod roster;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use carotid_core::{Allowance, BreakerConfig, Disconnect, Opened, SessionName, Terms, Vitals};
use carotid_netrpc::{Answer, Argument, End, Interceptor, PeerAddr, Protocol, ServerError};

use super::messages::{
    BEAT, BeatArgs, BeatReply, CHECK, CLOSE, NameArgs, OPEN, OpenArgs, OpenReply, PING, SERVING,
};
use crate::connection::{ConnectionId, disconnect};
use calls::count;
use roster::{Deal, Named, Roster};

pub(crate) use calls::Calls;
pub(crate) use connections::Connections;
pub(crate) use reception::Reception;

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
    reception: Arc<Reception>,
    connection: ConnectionId,
    peer: PeerAddr,
    /// What it speaks, once it has.
    protocol: Option<Protocol>,
    roster: Roster,
    /// How many names bring the next search for ended ones.
    purge_at: usize,
    /// For how long it may be silent.
    idle_timeout: Duration,
    /// The session named last has beaten with this read.
    has_beaten: bool,
    /// All of them have.
    have_all_beaten: bool,
}

const PONG: Answer = Answer::text("Pong");

impl Heartbeat {
    fn new(reception: Arc<Reception>, connection: ConnectionId, peer: PeerAddr) -> Self {
        reception.census.begin(peer.into());
        Self {
            protocol: None,
            idle_timeout: idle_timeout(reception.terms, &reception.breaker),
            reception,
            connection,
            peer,
            roster: Roster::default(),
            purge_at: FIRST_PURGE,
            has_beaten: false,
            have_all_beaten: false,
        }
    }

    /// Tells the driver that the connection is gone.
    async fn detach(mut self, why: Disconnect) {
        for (count, named) in self.roster.take().into_iter().enumerate() {
            // A session that ended meanwhile needs to hear nothing.
            let _ended = self.reception.driver.detach(named.key, why);
            if count % DETACHED_AT_ONCE == DETACHED_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
        }
    }

    /// The same at once, for those of whom there are few.
    fn detach_now(&mut self, why: Disconnect) {
        for named in self.roster.take() {
            let _ended = self.reception.driver.detach(named.key, why);
        }
    }

    fn ping(&mut self, argument: &mut Argument<'_>) -> Result<Answer, ServerError> {
        count(&self.reception.calls.ping);
        if self.has_beaten
            && self
                .roster
                .last()
                .is_some_and(|named| argument.is_text(&named.name))
        {
            // What came in one read is one sign of life.
            return Ok(PONG);
        }
        let name = argument.as_str()?;
        self.beat(&self.own_name(name), Vitals::default(), None)?;
        self.has_beaten = true;
        Ok(PONG)
    }

    fn open(&mut self, argument: &mut Argument<'_>) -> Result<Answer, ServerError> {
        let args: OpenArgs = argument.decode()?;
        count(&self.reception.calls.open);
        let wish = args.terms(self.reception.terms).map_err(refuse)?;
        let name = self.own_name(Cow::Borrowed(&args.name));
        let (_, opened) = self.attach(&name, Some(wish))?;
        let sessions = self.reception.driver.sessions();
        let allowance = &self.reception.allowance;
        let grant = allowance.grant(opened.terms, sessions, rand::random());
        Ok(Answer::value(OpenReply::new(&opened, &grant)))
    }

    fn beat_with_vitals(&mut self, argument: &mut Argument<'_>) -> Result<Answer, ServerError> {
        let args: BeatArgs = argument.decode()?;
        count(&self.reception.calls.beat);
        let name = self.own_name(Cow::Borrowed(&args.name));
        let at = self.beat(&name, args.vitals(), args.round_trip())?;
        let revised = self.revise(at);
        Ok(Answer::value(BeatReply::new(
            self.roster[at].epoch,
            revised,
        )))
    }

    /// Other terms for a session that has just beaten, where its fleet has grown or shrunk.
    fn revise(&mut self, at: usize) -> Option<Terms> {
        let Reception {
            driver, allowance, ..
        } = &*self.reception;
        let Named { key, deal, .. } = &mut self.roster[at];
        let deal = deal.as_mut()?;
        if let Some(promised) = deal.promised.take() {
            // An end of the session is found out by its next beat.
            let _ended = driver.revise(*key, promised);
            deal.granted = promised;
        }
        let better = allowance.terms(deal.wish, driver.sessions()).ok()?;
        if !Allowance::is_worth_telling(deal.granted, better) {
            return None;
        }
        if deal.granted.interval() < better.interval() {
            // A longer interval must be known here before it is known there.
            let _ended = driver.revise(*key, better);
            deal.granted = better;
        } else {
            deal.promised = Some(better);
        }
        self.outlast(better);
        Some(better)
    }

    fn close(&mut self, argument: &mut Argument<'_>) -> Result<Answer, ServerError> {
        let args: NameArgs = argument.decode()?;
        count(&self.reception.calls.close);
        let name = self.own_name(Cow::Borrowed(&args.name));
        let Some(named) = self.roster.remove(&name) else {
            return Err("carotid: this connection has no session of that name".into());
        };
        // One that has died meanwhile has nothing left to say goodbye to.
        let _ended = self.reception.driver.close(named.key);
        Ok(Answer::value(BeatReply::new(named.epoch, None)))
    }

    /// A beat of the session with this name; begins it if this connection did not name it before,
    /// or if it has ended since. Returns where it stands in the roster.
    fn beat(
        &mut self,
        name: &str,
        vitals: Vitals,
        round_trip: Option<Duration>,
    ) -> Result<usize, ServerError> {
        let known = self.roster.find(name);
        if let Some(at) = known {
            let named = &self.roster[at];
            if let Ok(terms) = self.reception.driver.beat(named.key, vitals, round_trip) {
                self.reclaim(named, terms);
                return Ok(at);
            }
        }
        let deal = known.and_then(|at| self.roster[at].deal.as_deref().copied());
        let (at, _) = self.attach(name, deal.map(|deal| deal.wish))?;
        // A peer that has not heard of its death beats as it was told in its last life.
        if let (Some(before), Some(deal)) = (deal, &mut self.roster[at].deal) {
            deal.granted = before.granted;
        }
        Ok(at)
    }

    /// Another connection may have brought the session other terms. If it is gone, this one's hold
    /// again.
    fn reclaim(&self, named: &Named, in_force: Terms) {
        if let Some(deal) = &named.deal
            && deal.granted.timeout() != in_force.timeout()
        {
            tracing::debug!(name = %named.name, "terms of another connection are in force");
            // An end of the session is found out by its next beat.
            let _ended = self.reception.driver.revise(named.key, deal.granted);
        }
    }

    fn attach(&mut self, name: &str, wish: Option<Terms>) -> Result<(usize, Opened), ServerError> {
        let name = SessionName::new(name).map_err(refuse)?;
        let Reception {
            driver, allowance, ..
        } = &*self.reception;
        let terms = wish.map(|wish| allowance.terms(wish, driver.sessions()));
        let terms = terms.transpose().map_err(refuse)?;
        if let Some(at) = self.roster.find(name.as_str()) {
            // It is to have one connection more, and that is still this one.
            let _ended = driver.detach(self.roster[at].key, Disconnect::Local);
        }
        let opened = driver.open(name.clone(), terms, self.peer);
        let (key, opened) = opened.map_err(|error| {
            driver.warn_of(error);
            refuse(error)
        })?;
        let deal = wish.map(|wish| {
            Box::new(Deal {
                wish,
                granted: opened.terms,
                promised: None,
            })
        });
        self.purge();
        let at = self.roster.insert(Named {
            name: name.as_str().into(),
            key,
            epoch: opened.epoch,
            deal,
        });
        self.outlast(opened.terms);
        Ok((at, opened))
    }

    /// Keeps the connection for as long as such terms may need it: a shorter time would end
    /// connections of living peers, and detection comes first.
    fn outlast(&mut self, terms: Terms) {
        let needed = idle_timeout(terms, &self.reception.breaker);
        self.idle_timeout = self.idle_timeout.max(needed);
    }

    /// Forgets names whose sessions have ended, so that a connection with ever new names takes no
    /// more memory than the sessions it keeps alive (I9).
    fn purge(&mut self) {
        if self.purge_at <= self.roster.len() + 1 {
            let driver = &self.reception.driver;
            self.roster.retain(|named| driver.is_watched(named.key));
            self.purge_at = (2 * self.roster.len()).max(FIRST_PURGE);
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

    /// Any call shows that the peer lives; those of one read show it once (I4).
    fn beat_all(&mut self) {
        if std::mem::replace(&mut self.have_all_beaten, true) {
            return;
        }
        if self.roster.len() <= OWN_SESSIONS {
            for named in self.roster.iter() {
                // The next call that names it begins it anew.
                let beaten = self
                    .reception
                    .driver
                    .beat(named.key, Vitals::default(), None);
                let _ended = beaten;
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
        if method == PING {
            return Some(self.ping(argument));
        }
        // Another session may be the one named last from here on.
        self.has_beaten = false;
        match method {
            OPEN => Some(self.open(argument)),
            CLOSE => Some(self.close(argument)),
            BEAT => Some(self.beat_with_vitals(argument)),
            CHECK => {
                count(&self.reception.calls.check);
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

    fn begin_read(&mut self) {
        self.has_beaten = false;
        self.have_all_beaten = false;
    }

    fn speaks(&mut self, protocol: Protocol) {
        self.protocol = Some(protocol);
        self.reception.census.speaks(self.peer.into(), protocol);
    }

    fn idle_timeout(&self) -> Option<Duration> {
        Some(self.idle_timeout)
    }

    fn peer_closed(&mut self) {
        self.detach_now(Disconnect::Closed);
    }

    fn end(self, end: &End) {
        log_end(self.connection, self.peer, end);
        self.reception.census.count_end(end);
        let why = disconnect(end);
        if self.roster.len() <= DETACHED_AT_ONCE {
            let mut few = self;
            few.detach_now(why);
        } else {
            // A relay's sessions are told apart from the thread that others wait for.
            let runtime = self.reception.runtime.clone();
            runtime.spawn(self.detach(why));
        }
    }
}

/// A connection that is dropped in the middle leaves nothing attached.
impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.detach_now(Disconnect::Local);
        self.reception.census.end(self.peer.into(), self.protocol);
    }
}

fn log_end(connection: ConnectionId, peer: PeerAddr, end: &End) {
    if matches!(
        end,
        End::Malformed(_) | End::WriteTimeout | End::NoFirstCall
    ) {
        tracing::warn!(%peer, %connection, reason = %end, "connection ended");
    } else {
        tracing::debug!(%peer, %connection, reason = %end, "connection ended");
    }
}

/// For how long a connection may be silent without its sessions being dead: their timeout, and for as
/// long as mass silence may hold their deaths, so that a network that heals finds it open.
fn idle_timeout(terms: Terms, breaker: &BreakerConfig) -> Duration {
    terms.timeout() + breaker.longest_hold(terms.interval())
}

fn refuse(error: impl std::fmt::Display) -> ServerError {
    ServerError::from(format!("carotid: {error}"))
}
