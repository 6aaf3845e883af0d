//! One watched session.

use crate::health::Evidence;
use alloc::boxed::Box;
use core::time::Duration;

use crate::detector::Detector;
use crate::history::History;
use crate::patience::{Patience, Rule};
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

/// The session has ended, or never was. Peers are late, not wrong: open it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such session is being watched")]
pub struct UnknownSession;

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
    /// The silence after which it is suspect.
    pub patience: Duration,
    /// How late its beats are, as the detector sees it: 0.05 intervals at least.
    pub spread: Duration,
}

/// What the table keeps of a session.
#[derive(Debug)]
pub(crate) struct Session {
    /// Checked when it was a [`SessionName`]; what shares it outside costs 24 bytes more in here.
    pub(crate) name: Box<str>,
    pub(crate) terms: Terms,
    pub(crate) history: History,
    pub(crate) detector: Detector,
    pub(crate) patience: Patience,
    pub(crate) last_beat: Tick,
    pub(crate) since: Tick,
    pub(crate) beats: u64,
    pub(crate) epoch: u32,
    pub(crate) connections: u32,
    pub(crate) health: Health,
    pub(crate) cause: Option<Cause>,
}

impl Session {
    /// Learns from the lateness of a beat that has just come. The time without a connection is no
    /// lateness.
    pub(crate) fn learn(&mut self, now: Tick, rule: &mut Rule) {
        if matches!(self.cause, None | Some(Cause::Silence)) {
            let gap = now.since(self.last_beat);
            if let Some(patience) = rule.learn(&mut self.detector, gap, self.terms) {
                self.patience = patience;
            }
        }
    }

    /// Stores a beat.
    pub(crate) fn hear(&mut self, now: Tick) {
        self.beats += 1;
        self.history.store(self.beats, now.since(self.last_beat));
        self.last_beat = self.last_beat.max(now);
    }

    pub(crate) fn timeout_at(&self) -> Tick {
        self.last_beat.after(self.terms.timeout())
    }

    pub(crate) fn suspect_at(&self) -> Tick {
        self.last_beat.after(self.patience.silence())
    }

    /// The next point at which silence changes its health; none if it has ended.
    pub(crate) fn deadline(&self) -> Option<Tick> {
        match self.health {
            Health::Alive => Some(self.suspect_at()),
            Health::Suspect => Some(self.timeout_at()),
            Health::Dead | Health::Left => None,
        }
    }

    /// What silence alone proves at `now`, whether or not a sweep came by yet (I3).
    pub(crate) fn silence_at(&self, now: Tick) -> Option<Evidence> {
        // Suspicion never comes after the timeout, so it alone decides the usual case.
        if now < self.suspect_at() || self.health.is_final() {
            None
        } else if now < self.timeout_at() {
            Some(Evidence::Silence)
        } else {
            Some(Evidence::Timeout)
        }
    }

    pub(crate) fn view(&self, id: SessionId, now: Tick) -> SessionView {
        let mut view = SessionView {
            id,
            name: SessionName::trusted(&self.name),
            epoch: self.epoch,
            health: self.health,
            cause: self.cause,
            since: self.since,
            last_beat: self.last_beat,
            beats: self.beats,
            connections: self.connections,
            terms: self.terms,
            patience: self.patience.silence(),
            spread: self.detector.spread(self.terms),
        };
        if let Some(evidence) = self.silence_at(now) {
            let health = self.health.after(evidence);
            if health != self.health {
                view.health = health;
                view.cause = self.cause.or(Some(Cause::Silence));
                view.since = match health {
                    Health::Dead | Health::Left => self.timeout_at(),
                    Health::Alive | Health::Suspect => self.suspect_at(),
                };
            }
        }
        view
    }
}
