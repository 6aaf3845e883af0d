//! The one public state machine: inputs, outputs, queries.
//!
//! A session whose suspicion deadline has passed is suspected before anything else happens to it
//! (I3). Death by silence is a verdict that only [`Engine::handle_timeout`] draws, when it has heard
//! the [`Breaker`]; until then a sign of life saves.

use alloc::collections::VecDeque;

use crate::detector::Detector;
use crate::evidence::Phase;
use crate::health::Finding;
use crate::history::History;
use crate::patience::Rule;
use crate::session::{Limit, Profile, Session};
use crate::table::Table;
use crate::wheel::Wheel;
use crate::{
    Breaker, Cause, Config, ConfigError, Disconnect, Event, EventKind, Health, OnDisconnect, Open,
    OpenError, Opened, SessionId, Terms, Tick, UnknownSession, Vitals,
};

use judgement::Judged;

/// Watches sessions.
///
/// Feed it [`open`](Self::open), [`beat`](Self::beat), [`detach`](Self::detach),
/// [`close`](Self::close) and [`fail`](Self::fail); call [`handle_timeout`](Self::handle_timeout) when
/// [`poll_timeout`](Self::poll_timeout) says so; after each of these drain
/// [`poll_event`](Self::poll_event) and show the events to the [`Breaker`]. Times must come from one
/// clock. A time before one already seen is harmless: nothing becomes younger by it.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    rule: Rule,
    table: Table,
    /// Exactly one entry for each watched session, keyed by slot (I2); none for ended ones.
    wheel: Wheel,
    /// Ended sessions in the order in which they are forgotten. May name some that were replaced
    /// by a successor already.
    ended: VecDeque<Ended>,
    events: VecDeque<Event>,
    /// How unwell this host is.
    own_health_score: u32,
    /// No verdict can be kept now, so nobody dies (I8).
    barred: bool,
}

#[derive(Debug)]
struct Ended {
    forget_at: Tick,
    id: SessionId,
}

impl Engine {
    /// An engine that watches nothing yet.
    ///
    /// # Errors
    ///
    /// Settings that contradict themselves.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        config.check()?;
        let mut config = config.clone();
        config.max_sessions = config.max_sessions.min(Wheel::MAX_KEY);
        Ok(Self {
            rule: Rule::new(config.suspicion),
            table: Table::new(config.hash_seed),
            wheel: Wheel::new(),
            ended: VecDeque::new(),
            events: VecDeque::new(),
            own_health_score: 0,
            barred: false,
            config,
        })
    }

    /// A peer names itself on a connection: begins a session, or resumes the one it still has.
    /// Counts as a beat. Each `open` is matched by one [`Self::detach`] when its connection ends.
    ///
    /// # Errors
    ///
    /// A full table; nothing has changed then.
    pub fn open(&mut self, now: Tick, open: Open) -> Result<Opened, OpenError> {
        let predecessor = self.table.find(open.name.as_str());
        if let Some(id) = predecessor
            && self.settled(id, now).is_ok()
            && let Some((session, profile)) = self.table.whole_mut(id)
        {
            let terms = match open.terms {
                // Another connection counts on the terms that it was granted.
                Some(asked) if session.connections > 0 => session.terms.widest(asked),
                Some(asked) => asked,
                None => session.terms,
            };
            session.connections = session.connections.saturating_add(1);
            let epoch = profile.epoch;
            self.on_beat(id, now, Vitals::default());
            self.adopt(now, id, terms);
            return Ok(Opened {
                id,
                epoch,
                resumed: true,
                terms,
            });
        }
        self.begin(now, open, predecessor)
    }

    /// The session showed life.
    ///
    /// # Errors
    ///
    /// A session that has ended, by this very moment's deadline included.
    pub fn beat(&mut self, now: Tick, id: SessionId, vitals: Vitals) -> Result<(), UnknownSession> {
        let session = self.table.get_mut(id).ok_or(UnknownSession)?;
        if session.health == Health::Alive
            && now < session.suspect_at()
            && !session.is_news(now, vitals)
        {
            // A beat only stores; the wheel's entry is re-filed when it fires (I2), and what was
            // learned becomes a deadline then.
            session.learn(now, &mut self.rule);
            session.hear(now);
            return Ok(());
        }
        self.settled(id, now)?;
        self.on_beat(id, now, vitals);
        Ok(())
    }

    /// The session lives by other terms from now on; one with several connections by the longest of
    /// those and its own. Returns what it lives by.
    ///
    /// # Errors
    ///
    /// A session that has ended.
    pub fn revise(
        &mut self,
        now: Tick,
        id: SessionId,
        terms: Terms,
    ) -> Result<Terms, UnknownSession> {
        let session = self.settled(id, now)?;
        let terms = if session.connections > 1 {
            session.terms.widest(terms)
        } else {
            terms
        };
        self.adopt(now, id, terms);
        Ok(terms)
    }

    /// How unwell this host is, see [`Attendance::score`](crate::Attendance::score). While it is not 0,
    /// whoever would be suspected is given more time.
    pub const fn set_own_health(&mut self, score: u32) {
        self.own_health_score = score;
    }

    /// While barred, a lost connection is never death at once (I8). The [`Breaker`] holds the others,
    /// see [`Breaker::bar`].
    pub const fn bar(&mut self, barred: bool) {
        self.barred = barred;
    }

    /// One of the session's connections ended.
    ///
    /// # Errors
    ///
    /// A session that is not remembered any more.
    pub fn detach(
        &mut self,
        now: Tick,
        id: SessionId,
        why: Disconnect,
    ) -> Result<(), UnknownSession> {
        let session = self.table.get_mut(id).ok_or(UnknownSession)?;
        session.connections = session.connections.saturating_sub(1);
        if session.connections > 0 {
            return Ok(());
        }
        let (Ok(session), Some(cause)) = (self.settled(id, now), why.cause()) else {
            return Ok(());
        };
        if session.cause == Some(Cause::Silence) {
            session.cause = Some(cause);
        }
        let finding = match self.config.on_disconnect {
            OnDisconnect::Suspect => Finding::ConnectionLost,
            OnDisconnect::Dead if self.barred => Finding::ConnectionLost,
            OnDisconnect::Dead => Finding::FatalConnectionLost,
        };
        self.apply(now, id, finding, Some(cause));
        Ok(())
    }

    /// The peer said goodbye on one of the session's connections, which counts as its
    /// [`Self::detach`]. The session has left when no other connection carries it.
    ///
    /// # Errors
    ///
    /// A session that has ended already.
    pub fn close(&mut self, now: Tick, id: SessionId) -> Result<(), UnknownSession> {
        let session = self.table.get_mut(id).ok_or(UnknownSession)?;
        session.connections = session.connections.saturating_sub(1);
        let others = session.connections;
        self.settled(id, now)?;
        if others == 0 {
            self.apply(now, id, Finding::Goodbye, None);
        }
        Ok(())
    }

    /// The peer said that it failed: the session is dead at once, whatever carries it. It is no verdict on
    /// silence, so no breaker is asked; while deaths are [barred](Self::bar) it is suspect until its timeout.
    ///
    /// # Errors
    ///
    /// A session that has ended already.
    pub fn fail(&mut self, now: Tick, id: SessionId) -> Result<(), UnknownSession> {
        let barred = self.barred;
        let session = self.settled(id, now)?;
        let finding = if barred {
            // Its own word says more than what was held against it so far.
            session.cause = Some(Cause::Failed);
            Finding::ConnectionLost
        } else {
            Finding::Failure
        };
        self.apply(now, id, finding, Some(Cause::Failed));
        Ok(())
    }

    /// Judges the sessions whose deadline has passed, a bounded number of them (I4), and asks the
    /// breaker before one dies. If some are left, [`Self::poll_timeout`] is not later than `now`.
    pub fn handle_timeout(&mut self, now: Tick, breaker: &mut Breaker) {
        let mut steps = self.config.max_steps_per_call;
        while let Some(slot) = self.wheel.pop_due(now, &mut steps) {
            let Some((id, ..)) = self.table.at(slot) else {
                continue;
            };
            if self.judge(now, id, breaker) == Judged::TooEarly {
                self.wheel.file(slot, now.after_nanos(1));
            } else if !cfg!(carotid_break = "refile") {
                // The beat that came meanwhile only stored itself (I2).
                self.rearm(id);
            }
        }
        while steps > 0 && self.ended.front().is_some_and(|next| next.forget_at <= now) {
            steps -= 1;
            self.forget_first_ended();
        }
    }

    /// The next conclusion, in the order in which they were drawn.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`Self::handle_timeout`] next; `None` while there is nothing to wait for.
    /// It may be early, never late.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        let forget_at = self.ended.front().map(|next| next.forget_at);
        [self.wheel.next_due(), forget_at]
            .into_iter()
            .flatten()
            .min()
    }

    fn begin(
        &mut self,
        now: Tick,
        open: Open,
        predecessor: Option<SessionId>,
    ) -> Result<Opened, OpenError> {
        let previous = predecessor.and_then(|id| self.table.remove(id));
        self.make_room()?;
        let epoch = previous.map_or(1, |profile| profile.epoch.saturating_add(1));
        let terms = open.terms.unwrap_or(self.config.terms);
        let detector = Detector::default();
        let session = Session {
            generation: 0,
            terms,
            limit: Limit::patience(self.rule.patience(&detector, terms, 0)),
            detector,
            history: History::default(),
            last_beat: now,
            beats: 1,
            connections: 1,
            health: Health::Alive,
            cause: None,
            phase: Phase::Clear,
            wedged: false,
        };
        let profile = Profile {
            name: open.name.as_str().into(),
            since: now,
            epoch,
        };
        let id = self.table.insert(session, profile);
        self.rearm(id);
        self.conclude(now, id, EventKind::Opened { predecessor });
        Ok(Opened {
            id,
            epoch,
            resumed: false,
            terms,
        })
    }

    /// Forgets ended sessions until one more fits. The queue may begin with sessions that a successor
    /// replaced long ago; each of them is skipped once, and only so many in one call (I4).
    fn make_room(&mut self) -> Result<(), OpenError> {
        let max_sessions = self.config.max_sessions;
        for _ in 0..self.config.max_steps_per_call {
            if self.table.len() < max_sessions as usize {
                return Ok(());
            }
            self.forget_first_ended();
        }
        Err(OpenError::Full { max_sessions })
    }

    fn forget_first_ended(&mut self) {
        if let Some(ended) = self.ended.pop_front() {
            self.table.remove(ended.id);
        }
    }
}

mod judgement;
mod query;
mod restore;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
