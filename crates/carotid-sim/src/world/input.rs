//! What reaches the monitor, and how it tells its engines.

use carotid_core::{Disconnect, Open, Terms, Tick, Vitals};

use super::connection::{Handle, Message};
use super::schedule::Action;
use super::{Presence, World};
use crate::history::{Input, Law, Violation};

impl World {
    /// A message reaches our socket.
    pub(super) fn on_arrival(&mut self, index: usize, message: Message) -> Result<(), Violation> {
        self.under_way -= 1;
        let connection = &mut self.connections[index];
        // Nothing follows the end of a connection, even if we have not read that yet.
        let unread = connection.queue.back();
        let is_over = unread.is_some_and(|(_, message)| message.disconnect().is_some());
        if !connection.is_known || is_over || self.presence == Presence::Gone {
            return Ok(());
        }
        if message.is_life() && self.counts(index, message) {
            let peer = self.connections[index].peer;
            self.history.arrived(peer, self.clock);
        }
        let connection = &mut self.connections[index];
        if self.presence == Presence::Runs && !connection.is_draining {
            return self.hear(index, self.clock, message);
        }
        connection.queue.push_back((self.clock, message));
        Ok(())
    }

    /// Whether a sign of life on this connection is one of the session that its name has now: a beat
    /// of a peer that must say hello first is refused when its session has ended.
    fn counts(&self, index: usize, message: Message) -> bool {
        let connection = &self.connections[index];
        let handle = self.history.subjects[connection.peer].handle;
        let is_its = connection.session.is_some() && connection.session == handle;
        is_its || message == Message::Hello || !self.plan.peers[connection.peer].says_hello
    }

    /// We read what queued up on a connection.
    pub(super) fn on_drain(&mut self, index: usize, round: u32) -> Result<(), Violation> {
        let connection = &mut self.connections[index];
        if self.presence != Presence::Runs || connection.round != round {
            return Ok(());
        }
        connection.is_draining = false;
        while !self.connections[index].queue.is_empty() {
            self.read_one(index)?;
        }
        Ok(())
    }

    /// We read the first of what queued up on a connection.
    pub(super) fn read_one(&mut self, index: usize) -> Result<(), Violation> {
        let connection = &mut self.connections[index];
        match connection.queue.pop_front() {
            Some((arrived, message)) => self.hear(index, arrived, message),
            None => Ok(()),
        }
    }

    /// We read a message.
    fn hear(&mut self, index: usize, arrived: Tick, message: Message) -> Result<(), Violation> {
        let connection = &self.connections[index];
        if !connection.is_known {
            return Ok(());
        }
        let peer = connection.peer;
        match (message, connection.session) {
            (Message::Beat { progress }, Some(handle)) => {
                self.beat(index, handle, arrived, progress)
            }
            (Message::Beat { .. }, None) if self.plan.peers[peer].says_hello => {
                self.refuse(index);
                Ok(())
            }
            (Message::Hello | Message::Beat { .. }, _) => self.open(index, arrived),
            (Message::Goodbye, Some(handle)) => self.close(index, handle),
            (Message::Goodbye, None) => Ok(()),
            (Message::Close | Message::Reset, _) => {
                let why = message.disconnect().unwrap_or(Disconnect::Local);
                self.detach(index, why)
            }
        }
    }

    fn beat(
        &mut self,
        index: usize,
        handle: Handle,
        arrived: Tick,
        progress: Option<std::time::Duration>,
    ) -> Result<(), Violation> {
        let subject = self.connections[index].peer;
        let now = self.monitor.now(self.clock, &mut self.history);
        let truth = &self.history.subjects[subject];
        let lives = truth.is_open() && truth.handle == Some(handle);
        let done = self.monitor.engines[handle.shard].beat(now, handle.id, Vitals { progress });
        let input = Input::Beat { subject, progress };
        self.drain(handle.shard, input)?;
        let truth = &self.history.subjects[subject];
        if done.is_ok() != lives {
            let detail = format!("{done:?} answers a beat of {truth:?}");
            return Err(Violation::of(Law::Return, truth, detail));
        }
        if lives {
            self.history.heard(subject, self.clock, arrived);
            self.check_return(subject, handle, now)?;
            return self.revise(subject, handle, now);
        }
        self.connections[index].session = None;
        if self.plan.peers[subject].says_hello {
            self.refuse(index);
            return Ok(());
        }
        self.open(index, arrived)
    }

    /// With the answer to a beat a peer may be told of other terms.
    fn revise(&mut self, subject: usize, handle: Handle, now: Tick) -> Result<(), Violation> {
        let Some(terms) = self.peers[subject].revision.take() else {
            return Ok(());
        };
        let engine = &mut self.monitor.engines[handle.shard];
        let done = engine.revise(now, handle.id, terms);
        let in_force = engine.view(now, handle.id).map(|view| view.terms);
        let progress = None;
        self.drain(handle.shard, Input::Beat { subject, progress })?;
        self.history
            .revised(subject, terms, done.ok().and(in_force))?;
        self.peers[subject].terms = self.history.subjects[subject].terms;
        self.rearm(handle.shard);
        Ok(())
    }

    /// Opens a session on a connection, or resumes the one that its name has.
    pub(super) fn open(&mut self, index: usize, arrived: Tick) -> Result<(), Violation> {
        let subject = self.connections[index].peer;
        let terms = self.peers[subject].terms;
        let handle = self.open_session(subject, arrived, terms)?;
        let connection = &mut self.connections[index];
        let before = connection.session.replace(handle);
        if before == Some(handle) {
            // It said hello twice: one connection is one, so the first of the two is over.
            self.release(subject, handle, Disconnect::Local)?;
        }
        Ok(())
    }

    pub(super) fn open_session(
        &mut self,
        subject: usize,
        arrived: Tick,
        terms: Terms,
    ) -> Result<Handle, Violation> {
        let now = self.monitor.now(self.clock, &mut self.history);
        let name = self.history.subjects[subject].name.clone();
        let was_open = self.history.subjects[subject].is_open();
        let shard = self.monitor.shard_of(name.as_str());
        let open = Open {
            name,
            terms: Some(terms),
        };
        let opened = self.monitor.engines[shard].open(now, open);
        self.drain(shard, Input::Open { subject })?;
        let truth = &self.history.subjects[subject];
        let Ok(opened) = opened else {
            let detail = format!("{opened:?} answers {truth:?}");
            return Err(Violation::of(Law::OneEnd, truth, detail));
        };
        if opened.resumed != was_open {
            let detail = format!("{opened:?} answers {truth:?}");
            return Err(Violation::of(Law::OneEnd, truth, detail));
        }
        let handle = Handle {
            shard,
            id: opened.id,
        };
        let clock = self.clock;
        self.history
            .opened(subject, clock, arrived, handle, &opened, terms)?;
        self.check_return(subject, handle, now)?;
        Ok(handle)
    }

    fn close(&mut self, index: usize, handle: Handle) -> Result<(), Violation> {
        let subject = self.connections[index].peer;
        self.connections[index].session = None;
        let now = self.monitor.now(self.clock, &mut self.history);
        let (lives, is_last) = self.take_away(subject, handle);
        let done = self.monitor.engines[handle.shard].close(now, handle.id);
        self.drain(handle.shard, Input::Close { subject, is_last })?;
        let truth = &self.history.subjects[subject];
        let has_left = !truth.is_open();
        if lives && (done.is_err() || has_left != is_last) {
            let detail = format!("{done:?} answers the goodbye of {truth:?}");
            return Err(Violation::of(Law::Order, truth, detail));
        }
        Ok(())
    }

    /// A connection is over.
    pub(super) fn detach(&mut self, index: usize, why: Disconnect) -> Result<(), Violation> {
        let connection = &mut self.connections[index];
        connection.is_known = false;
        let subject = connection.peer;
        match connection.session.take() {
            Some(handle) => self.release(subject, handle, why),
            None => Ok(()),
        }
    }

    fn release(
        &mut self,
        subject: usize,
        handle: Handle,
        why: Disconnect,
    ) -> Result<(), Violation> {
        let now = self.monitor.now(self.clock, &mut self.history);
        let (lives, is_last) = self.take_away(subject, handle);
        let input = Input::Detach {
            subject,
            why,
            is_last,
        };
        let done = self.monitor.engines[handle.shard].detach(now, handle.id, why);
        self.drain(handle.shard, input)?;
        let truth = &mut self.history.subjects[subject];
        if lives && done.is_err() {
            let detail = format!("{done:?} answers the end of a connection of {truth:?}");
            return Err(Violation::of(Law::Order, truth, detail));
        }
        if lives && is_last {
            truth.lose(why);
        }
        Ok(())
    }

    /// One connection less; says whether the session lives, and whether this was its last one.
    fn take_away(&mut self, subject: usize, handle: Handle) -> (bool, bool) {
        let truth = &mut self.history.subjects[subject];
        if !truth.is_open() || truth.handle != Some(handle) {
            return (false, false);
        }
        truth.connections -= 1;
        (true, truth.connections == 0)
    }

    /// We close one of a peer's connections.
    pub(super) fn evict(&mut self, peer: usize) -> Result<(), Violation> {
        let Some(&index) = self.peers[peer].connections.first() else {
            return Ok(());
        };
        let connection = &self.connections[index];
        let is_idle = connection.queue.is_empty() && connection.path.is_stream();
        if self.presence != Presence::Runs || !is_idle || !connection.is_known {
            return Ok(());
        }
        let (life, connection) = (self.peers[peer].life, index);
        let delay = self.random.uniform(0.0, 0.3);
        self.after(
            delay,
            Action::Notice {
                peer,
                life,
                connection,
            },
        );
        self.detach(index, Disconnect::Local)
    }

    fn refuse(&mut self, connection: usize) {
        let peer = self.connections[connection].peer;
        let life = self.peers[peer].life;
        let delay = self.random.uniform(0.000_1, 0.3);
        self.after(
            delay,
            Action::Refuse {
                peer,
                life,
                connection,
            },
        );
    }

    /// Whoever shows life is alive, and nothing of a hold is left.
    fn check_return(&self, subject: usize, handle: Handle, now: Tick) -> Result<(), Violation> {
        let truth = &self.history.subjects[subject];
        let health = self.monitor.engines[handle.shard].health(now, handle.id);
        if health == Some(carotid_core::Health::Alive) && truth.state.health() == health {
            return Ok(());
        }
        let detail = format!("{health:?} is said after a sign of life of {truth:?}");
        Err(Violation::of(Law::Return, truth, detail))
    }

    fn drain(&mut self, shard: usize, input: Input) -> Result<(), Violation> {
        self.monitor
            .drain(self.clock, shard, input, &mut self.history)?;
        self.rearm(shard);
        Ok(())
    }
}
