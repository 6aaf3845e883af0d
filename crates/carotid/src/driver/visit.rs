//! Peers that keep no connection: each time they come they say their name.
//!
//! A visit opens the session, or beats it, and takes no connection, so that nothing is concluded from its
//! having none. Sessions that connections carry can be visited, too.

use carotid_core::{
    Cause, Disconnect, Health, Open, OpenError, SessionId, SessionName, Terms, Tick,
};
use carotid_netrpc::PeerAddr;

use super::Driver;
use super::query::Watched;
use super::shard::{Shard, State};

impl Driver {
    /// A peer at `peer` shows life and names its session, which begins with that if it is not watched.
    /// With no terms of its own it keeps those it has, or had in its last life. Returns what is known of
    /// the session then.
    ///
    /// # Errors
    ///
    /// A full session table.
    pub fn visit(
        &self,
        name: SessionName,
        terms: Option<Terms>,
        peer: impl Into<PeerAddr>,
    ) -> Result<Watched, OpenError> {
        let (shard, mut state) = self.shard_of(name.as_str());
        let now = self.shared.now();
        self.shared.admit(&state, now, name.as_str())?;
        let id = state.enter(now, name, terms, peer.into())?;
        Ok(self.settle(shard, &mut state, now, id))
    }

    /// The same for a peer that says that it failed: its session is dead at once, also one that nobody
    /// had heard of. One that is dead of a failure already stays so: that is no new life.
    ///
    /// # Errors
    ///
    /// A full session table.
    pub fn fail(
        &self,
        name: SessionName,
        terms: Option<Terms>,
        peer: impl Into<PeerAddr>,
    ) -> Result<Watched, OpenError> {
        let (shard, mut state) = self.shard_of(name.as_str());
        let now = self.shared.now();
        if let Some(id) = state.failed(now, name.as_str()) {
            return Ok(self.settle(shard, &mut state, now, id));
        }
        let id = match state.watched(now, name.as_str()) {
            Some(id) => id,
            None => {
                self.shared.admit(&state, now, name.as_str())?;
                state.enter(now, name, terms, peer.into())?
            }
        };
        // It was watched a moment ago, under the same lock.
        let _ended = state.engine.fail(now, id);
        Ok(self.settle(shard, &mut state, now, id))
    }

    /// A peer without a connection says goodbye. A session that connections carry does not leave by it:
    /// they say goodbye themselves. Returns what is known of the session then; `None` if nothing is.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<Watched> {
        let (shard, mut state) = self.shard_of(name);
        let now = self.shared.now();
        let id = state.engine.find(name)?;
        let view = state.engine.view(now, id)?;
        if view.connections == 0 {
            // One that has ended has nothing left to say goodbye to.
            let _ended = state.engine.close(now, id);
        }
        Some(self.settle(shard, &mut state, now, id))
    }

    fn shard_of(&self, name: &str) -> (&Shard, std::sync::MutexGuard<'_, State>) {
        let shard = &self.shared.shards[self.shared.shard_of(name) as usize];
        (shard, shard.lock())
    }

    /// Tells what was concluded, and how the session is now.
    fn settle(&self, shard: &Shard, state: &mut State, now: Tick, id: SessionId) -> Watched {
        self.shared.conclude(state);
        shard.rearm(state);
        let view = state.engine.view(now, id);
        let view = view.expect("a session is remembered for longer than one call");
        self.shared.watched(state, view, now)
    }
}

impl State {
    /// The session of this name that has not ended.
    fn watched(&self, now: Tick, name: &str) -> Option<SessionId> {
        let id = self.engine.find(name)?;
        let health = self.engine.health(now, id);
        health
            .is_some_and(|health| !health.is_final())
            .then_some(id)
    }

    /// The session of this name that is dead because it said so.
    fn failed(&self, now: Tick, name: &str) -> Option<SessionId> {
        let id = self.engine.find(name)?;
        let view = self.engine.view(now, id)?;
        (view.health == Health::Dead && view.cause == Some(Cause::Failed)).then_some(id)
    }

    /// Opens or resumes a session that gets no connection by it.
    fn enter(
        &mut self,
        now: Tick,
        name: SessionName,
        terms: Option<Terms>,
        peer: PeerAddr,
    ) -> Result<SessionId, OpenError> {
        let ended = self.engine.find(name.as_str());
        let ended = ended.and_then(|id| self.engine.view(now, id));
        let last_life = ended.filter(|view| matches!(view.health, Health::Dead | Health::Left));
        let terms = terms.or(last_life.map(|view| view.terms));
        let opened = self.engine.open(now, Open { name, terms })?;
        // It came on no connection of which the end could tell anything.
        let _watched = self.engine.detach(now, opened.id, Disconnect::Local);
        self.place(&opened, peer);
        self.counts.beat(None);
        Ok(opened.id)
    }
}
