//! One watched session.

use crate::health::Evidence;
use crate::terms::Patience;
use crate::{Cause, Health, SessionName, Terms, Tick};

/// Names one session for ever: a slot is reused, a generation is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl SessionId {
    /// A small number that no other session of this engine has at the same time, for tables beside
    /// the engine's own.
    #[must_use]
    pub const fn index(self) -> usize {
        self.slot as usize
    }
}

/// What is known of a session, as of the moment it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Which session.
    pub id: SessionId,
    /// Its name.
    pub name: SessionName,
    /// Which life of this name: 1 for the first, one more after each end.
    pub epoch: u32,
    /// What we believe of it (I3).
    pub health: Health,
    /// Why, unless it is simply Alive.
    pub cause: Option<Cause>,
    /// Since when.
    pub since: Tick,
    /// When it last showed life.
    pub last_beat: Tick,
    /// How often it showed life.
    pub beats: u64,
    /// How many connections it has now.
    pub connections: u32,
    /// What was agreed.
    pub terms: Terms,
}

/// What the table keeps of a session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) name: SessionName,
    pub(crate) terms: Terms,
    pub(crate) last_beat: Tick,
    pub(crate) since: Tick,
    pub(crate) beats: u64,
    pub(crate) epoch: u32,
    pub(crate) connections: u32,
    pub(crate) health: Health,
    pub(crate) cause: Option<Cause>,
}

impl Session {
    pub(crate) fn timeout_at(&self) -> Tick {
        self.last_beat.after(self.terms.timeout())
    }

    pub(crate) fn suspect_at(&self, patience: Patience) -> Tick {
        self.last_beat.after(patience.with(self.terms))
    }

    /// The next point at which silence changes its health; none if it has ended.
    pub(crate) fn deadline(&self, patience: Patience) -> Option<Tick> {
        match self.health {
            Health::Alive => Some(self.suspect_at(patience)),
            Health::Suspect => Some(self.timeout_at()),
            Health::Dead | Health::Left => None,
        }
    }

    /// What silence alone proves at `now`, whether or not a sweep came by yet (I3).
    pub(crate) fn silence_at(&self, now: Tick, patience: Patience) -> Option<Evidence> {
        // Suspicion never comes after the timeout, so it alone decides the usual case.
        if now < self.suspect_at(patience) || self.health.is_final() {
            None
        } else if now < self.timeout_at() {
            Some(Evidence::Silence)
        } else {
            Some(Evidence::Timeout)
        }
    }

    pub(crate) fn view(&self, id: SessionId, now: Tick, patience: Patience) -> SessionView {
        let mut view = SessionView {
            id,
            name: self.name.clone(),
            epoch: self.epoch,
            health: self.health,
            cause: self.cause,
            since: self.since,
            last_beat: self.last_beat,
            beats: self.beats,
            connections: self.connections,
            terms: self.terms,
        };
        if let Some(evidence) = self.silence_at(now, patience) {
            let health = self.health.after(evidence);
            if health != self.health {
                view.health = health;
                view.cause = self.cause.or(Some(Cause::Silence));
                view.since = match health {
                    Health::Dead | Health::Left => self.timeout_at(),
                    Health::Alive | Health::Suspect => self.suspect_at(patience),
                };
            }
        }
        view
    }
}
