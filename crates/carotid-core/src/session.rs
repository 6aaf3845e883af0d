//! One watched session.

use alloc::boxed::Box;
use core::time::Duration;

use crate::detector::Detector;
use crate::evidence::Phase;
use crate::history::History;
use crate::patience::{Patience, Rule};
use crate::{Cause, Evidence, Health, SessionName, Standing, Terms, Tick, Vitals};

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
#[derive(Clone, Debug, PartialEq)]
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
    /// How often it showed life; no more than 2³² − 1 are counted.
    pub beats: u32,
    /// How many connections it has now.
    pub connections: u32,
    /// What was agreed.
    pub terms: Terms,
    /// The silence after which it is suspect.
    pub patience: Duration,
    /// How late its beats are, as the detector sees it: 0.05 intervals at least.
    pub spread: Duration,
    /// How many of those beyond its interval a beat may come; `None` under the fixed rule.
    pub quantile: Option<f32>,
    /// What the breaker makes of its silence.
    pub standing: Standing,
    /// Whether it beats and its main loop makes no progress.
    pub wedged: bool,
}

/// What the table keeps of a session that no plain beat touches.
#[derive(Debug)]
pub(crate) struct Profile {
    /// Checked when it was a [`SessionName`]; what shares it outside costs 24 bytes more in here.
    pub(crate) name: Box<str>,
    pub(crate) since: Tick,
    pub(crate) epoch: u32,
}

/// What a beat touches of a session: one line of the processor's cache, as a table of a million lies
/// far outside of it.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Session {
    /// Which of the sessions that its slot has had it is.
    pub(crate) generation: u32,
    pub(crate) terms: Terms,
    pub(crate) history: History,
    pub(crate) detector: Detector,
    /// The silence after which it is suspect; while it is held, how long after its timeout it may be
    /// let go.
    pub(crate) limit: Limit,
    pub(crate) last_beat: Tick,
    pub(crate) beats: u32,
    pub(crate) connections: u32,
    pub(crate) health: Health,
    pub(crate) cause: Option<Cause>,
    pub(crate) phase: Phase,
    pub(crate) wedged: bool,
}

impl Session {
    /// Learns from the lateness of a beat that has just come. The time without a connection is no
    /// lateness.
    pub(crate) fn learn(&mut self, now: Tick, rule: &mut Rule) {
        if matches!(self.cause, None | Some(Cause::Silence)) {
            let gap = now.nanos_since(self.last_beat);
            rule.learn(&mut self.detector, gap, self.terms);
        }
    }

    /// Stores a beat.
    pub(crate) fn hear(&mut self, now: Tick) {
        self.beats = self.beats.saturating_add(1);
        let gap = now.nanos_since(self.last_beat);
        self.history.store(self.beats, gap);
        self.last_beat = self.last_beat.max(now);
    }

    /// Whether these vitals make it wedged when it was not, or the other way round. A peer that beats
    /// more often than agreed is not asked each time, or it could fill the log with it (I9).
    pub(crate) fn is_news(&self, now: Tick, vitals: Vitals) -> bool {
        let Some(ago) = vitals.progress else {
            return false;
        };
        let is_stuck = self.terms.wedged_after() < ago;
        is_stuck != self.wedged
            && now.nanos_since(self.last_beat) >= self.terms.interval_nanos() / 2
    }

    pub(crate) fn timeout_at(&self) -> Tick {
        self.last_beat.after(self.terms.timeout())
    }

    /// When it is suspect, if it is not held.
    pub(crate) fn suspect_at(&self) -> Tick {
        self.last_beat
            .after_nanos(u64::from(self.limit.0) * Patience::UNIT_NANOS)
    }

    /// Whether it is silent for longer than it may be, by what its beats have taught meanwhile.
    pub(crate) fn is_overdue(&self, now: Tick, rule: &Rule, own_health_score: u32) -> bool {
        let overdue = |patience: Patience| self.last_beat.after(patience.silence()) <= now;
        self.health == Health::Alive
            && self.suspect_at() <= now
            && overdue(rule.patience(&self.detector, self.terms, own_health_score))
    }

    /// The next point at which its silence means more than it does; none if it has ended.
    pub(crate) fn deadline(&self) -> Option<Tick> {
        match (self.health, self.phase) {
            (Health::Alive, _) => Some(self.suspect_at()),
            (Health::Suspect, Phase::Clear) => {
                Some(self.last_beat.after(self.terms.at_risk_after()))
            }
            (Health::Suspect, Phase::AtRisk) => Some(self.timeout_at()),
            (Health::Suspect, Phase::Held | Phase::Released) => {
                Some(self.timeout_at().after(self.limit.as_hold()))
            }
            (Health::Dead | Health::Left, _) => None,
        }
    }

    /// The silence after which it is suspect.
    fn patience(&self, rule: &Rule) -> Duration {
        match self.phase {
            Phase::Clear | Phase::AtRisk => self.limit.as_patience(),
            Phase::Held | Phase::Released => rule.patience(&self.detector, self.terms, 0).silence(),
        }
    }

    /// What is known of it, for a conclusion.
    pub(crate) fn evidence(&self, rule: &Rule, own_health_score: u32) -> Evidence {
        Evidence {
            health: self.health,
            last_beat: self.last_beat,
            spread: self.detector.spread(self.terms),
            quantile: rule.quantile(self.terms),
            suspect_after: self.patience(rule),
            dead_after: self.terms.timeout(),
            connections: self.connections,
            lost: self.cause.filter(Cause::is_lost_connection),
            standing: self.phase.standing(),
            phase: self.phase,
            wedged: self.wedged,
            own_health_score,
            history: self.history,
            beats: self.beats,
        }
    }

    pub(crate) fn view(
        &self,
        profile: &Profile,
        id: SessionId,
        now: Tick,
        rule: &Rule,
        score: u32,
    ) -> SessionView {
        let mut view = SessionView {
            id,
            name: SessionName::trusted(&profile.name),
            epoch: profile.epoch,
            health: self.health,
            cause: self.cause,
            since: profile.since,
            last_beat: self.last_beat,
            beats: self.beats,
            connections: self.connections,
            terms: self.terms,
            patience: self.patience(rule),
            spread: self.detector.spread(self.terms),
            quantile: rule.quantile(self.terms),
            standing: self.phase.standing(),
            wedged: self.wedged,
        };
        if self.health == Health::Alive && self.suspect_at() <= now {
            let patience = rule.patience(&self.detector, self.terms, score).silence();
            view.patience = patience;
            // Whether or not a sweep came by yet (I3).
            if self.is_overdue(now, rule, score) {
                view.health = Health::Suspect;
                view.cause = Some(Cause::Silence);
                view.since = self.last_beat.after(patience);
            }
        }
        view
    }
}

/// A patience or a hold, whichever a session needs: never both at once, and they share four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Limit(u32);

impl Limit {
    pub(crate) const fn patience(patience: Patience) -> Self {
        Self(patience.as_units())
    }

    /// In milliseconds rounded up (I5).
    pub(crate) fn hold(length: Duration) -> Self {
        let ms = length.as_micros().div_ceil(1000);
        Self(u32::try_from(ms).unwrap_or(u32::MAX))
    }

    const fn as_patience(self) -> Duration {
        Duration::from_nanos(self.0 as u64 * Patience::UNIT_NANOS)
    }

    const fn as_hold(self) -> Duration {
        Duration::from_millis(self.0 as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_session_stays_small() {
        assert_eq!(size_of::<Session>(), 64);
        assert_eq!(size_of::<Option<Profile>>(), 32);
        // What detection needs of it, the last beat included.
        let detection = size_of::<Detector>() + size_of::<Limit>() + size_of::<Tick>();
        assert!(detection <= 24, "{detection}");
    }
}
