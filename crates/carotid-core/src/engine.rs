//! The one public state machine: inputs, outputs, queries.
//!
//! What it concludes depends on its inputs and their times alone, not on when its deadlines are
//! swept: a session whose deadline has passed is judged by it before anything else happens to that
//! session (I3).

use alloc::collections::VecDeque;

use crate::detector::Detector;
use crate::health::Evidence;
use crate::history::History;
use crate::patience::Rule;
use crate::session::Session;
use crate::table::Table;
use crate::wheel::Wheel;
use crate::{
    Cause, Config, ConfigError, Disconnect, Event, EventKind, Health, OnDisconnect, Open,
    OpenError, Opened, SessionId, SessionName, Tick, UnknownSession,
};

/// Watches sessions.
///
/// Feed it [`open`](Self::open), [`beat`](Self::beat), [`detach`](Self::detach) and
/// [`close`](Self::close); call [`handle_timeout`](Self::handle_timeout) when
/// [`poll_timeout`](Self::poll_timeout) says so; after each of these drain
/// [`poll_event`](Self::poll_event). Times must come from one clock. A time before one already seen
/// is harmless: nothing becomes younger by it.
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
            && let Some(session) = self.table.get_mut(id)
        {
            session.terms = match open.terms {
                // Another connection counts on the terms that it was granted.
                Some(asked) if session.connections > 0 => session.terms.widest(asked),
                Some(asked) => asked,
                None => session.terms,
            };
            session.connections = session.connections.saturating_add(1);
            session.patience = self.rule.patience(&session.detector, session.terms);
            let (epoch, terms) = (session.epoch, session.terms);
            self.on_beat(id, now);
            // Terms that became shorter bring the deadline forward (I2).
            self.rearm(id);
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
    pub fn beat(&mut self, now: Tick, id: SessionId) -> Result<(), UnknownSession> {
        let session = self.table.get_mut(id).ok_or(UnknownSession)?;
        if session.health == Health::Alive && session.silence_at(now).is_none() {
            // A beat only stores; the wheel's entry is re-filed when it fires (I2), but for a
            // patience that shrank by more than the time since the last beat.
            let (patience, deadline) = (session.patience, session.suspect_at());
            session.learn(now, &mut self.rule);
            session.hear(now);
            if session.patience < patience && session.suspect_at() < deadline {
                self.rearm(id);
            }
            return Ok(());
        }
        self.settled(id, now)?;
        self.on_beat(id, now);
        Ok(())
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
        let evidence = match self.config.on_disconnect {
            OnDisconnect::Suspect => Evidence::ConnectionLost,
            OnDisconnect::Dead => Evidence::FatalConnectionLost,
        };
        self.apply(now, id, evidence, Some(cause));
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
            self.apply(now, id, Evidence::Goodbye, None);
        }
        Ok(())
    }

    /// Judges the sessions whose deadline has passed, a bounded number of them (I4). If some are
    /// left, [`Self::poll_timeout`] is not later than `now`.
    pub fn handle_timeout(&mut self, now: Tick) {
        let mut steps = self.config.max_steps_per_call;
        while let Some(slot) = self.wheel.pop_due(now, &mut steps) {
            let Some((id, _)) = self.table.at(slot) else {
                continue;
            };
            if self.settled(id, now).is_ok() {
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
        let epoch = previous.map_or(1, |session| session.epoch.saturating_add(1));
        let terms = open.terms.unwrap_or(self.config.terms);
        let detector = Detector::default();
        let id = self.table.insert(Session {
            name: open.name.as_str().into(),
            terms,
            patience: self.rule.patience(&detector, terms),
            detector,
            history: History::default(),
            last_beat: now,
            since: now,
            beats: 1,
            epoch,
            connections: 1,
            health: Health::Alive,
            cause: None,
        });
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

    /// The session, after silence has been judged at `now`; an error if it has ended.
    fn settled(&mut self, id: SessionId, now: Tick) -> Result<&mut Session, UnknownSession> {
        let session = self.table.get(id).ok_or(UnknownSession)?;
        if let Some(evidence) = session.silence_at(now) {
            // Nobody dies unsuspected, however late we look.
            self.apply(now, id, Evidence::Silence, Some(Cause::Silence));
            self.apply(now, id, evidence, Some(Cause::Silence));
        }
        let session = self.table.get_mut(id).ok_or(UnknownSession)?;
        if session.health.is_final() {
            return Err(UnknownSession);
        }
        Ok(session)
    }

    fn on_beat(&mut self, id: SessionId, now: Tick) {
        if let Some(session) = self.table.get_mut(id) {
            session.learn(now, &mut self.rule);
        }
        let rearm = self.apply(now, id, Evidence::Beat, None);
        if let Some(session) = self.table.get_mut(id) {
            session.hear(now);
        }
        if rearm {
            // Suspicion is due again before the timeout for which the wheel's entry waits (I2).
            self.rearm(id);
        }
    }

    /// Changes a session's health as the transition table says, and concludes it. Returns whether
    /// there was anything to change.
    fn apply(
        &mut self,
        now: Tick,
        id: SessionId,
        evidence: Evidence,
        cause: Option<Cause>,
    ) -> bool {
        let Some(session) = self.table.get_mut(id) else {
            return false;
        };
        let health = session.health.after(evidence);
        if health == session.health {
            return false;
        }
        session.health = health;
        session.since = now;
        let kind = match health {
            Health::Alive => EventKind::Back,
            Health::Suspect => EventKind::Suspect {
                cause: cause.unwrap_or(Cause::Silence),
            },
            Health::Dead => EventKind::Dead {
                cause: session.cause.or(cause).unwrap_or(Cause::Silence),
            },
            Health::Left => EventKind::Left,
        };
        session.cause = kind.cause();
        self.conclude(now, id, kind);
        if health.is_final() {
            self.wheel.remove(id.slot);
            let forget_at = now.after(self.config.retention);
            self.ended.push_back(Ended { forget_at, id });
            // A name that ends over and over must not grow the queue for ever (I9).
            if self.ended.len() > self.config.max_sessions as usize {
                self.forget_first_ended();
            }
        }
        true
    }

    fn conclude(&mut self, now: Tick, id: SessionId, kind: EventKind) {
        let Some(session) = self.table.get(id) else {
            return;
        };
        self.events.push_back(Event {
            at: now,
            id,
            name: SessionName::trusted(&session.name),
            epoch: session.epoch,
            silent: now.since(session.last_beat),
            kind,
        });
    }

    /// Files the session's next deadline in the wheel (I2).
    fn rearm(&mut self, id: SessionId) {
        let deadline = self.table.get(id).and_then(Session::deadline);
        if let Some(deadline) = deadline {
            self.wheel.file(id.slot, deadline);
        }
    }
}

mod query;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
