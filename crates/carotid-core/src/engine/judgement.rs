//! What follows from beats and from silence.

use alloc::boxed::Box;

use super::{Ended, Engine};
use crate::breaker::{Plea, Sentence};
use crate::evidence::Phase;
use crate::health::Finding;
use crate::session::{Limit, Session};
use crate::{
    Breaker, Cause, Event, EventKind, Health, SessionId, SessionName, Terms, Tick, UnknownSession,
    Vitals,
};

/// How far a judgement came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    Done,
    /// It is to come again a moment later.
    TooEarly,
}

impl Engine {
    /// The session, suspect if it has been silent for too long at `now`; an error if it has ended.
    pub(super) fn settled(
        &mut self,
        id: SessionId,
        now: Tick,
    ) -> Result<&mut Session, UnknownSession> {
        let session = self.table.get_mut(id).ok_or(UnknownSession)?;
        if session.is_overdue(now, &self.rule, self.own_health_score) {
            self.refresh(id);
            self.apply(now, id, Finding::Silence, Some(Cause::Silence));
        }
        let session = self.table.get_mut(id).ok_or(UnknownSession)?;
        if session.health.is_final() {
            return Err(UnknownSession);
        }
        Ok(session)
    }

    /// Draws what follows from a session's silence, death included.
    pub(super) fn judge(&mut self, now: Tick, id: SessionId, breaker: &mut Breaker) -> Judged {
        self.refresh(id);
        if self.settled(id, now).is_err() {
            return Judged::Done;
        }
        let Some((session, profile)) = self.table.whole_mut(id) else {
            return Judged::Done;
        };
        let is_due = |session: &Session| {
            session.health == Health::Suspect && session.deadline() <= Some(now)
        };
        if session.phase == Phase::Clear && is_due(session) {
            session.phase = Phase::AtRisk;
            breaker.count_at_risk(&profile.name);
            if is_due(session) {
                // The sweep is late: whoever else is at risk is counted first.
                return Judged::TooEarly;
            }
        }
        if session.phase == Phase::Clear || !is_due(session) {
            return Judged::Done;
        }
        let plea = Plea {
            name: &profile.name,
            interval: session.terms.interval(),
            timeout_at: session.timeout_at(),
            phase: session.phase,
        };
        let (phase, until) = match breaker.judge(now, plea) {
            Sentence::Hold(until) => (Phase::Held, until),
            Sentence::Release(turn) => (Phase::Released, turn),
            Sentence::Die => {
                self.apply(now, id, Finding::Timeout, Some(Cause::Silence));
                return Judged::Done;
            }
        };
        session.phase = phase;
        session.limit = Limit::hold(until.since(session.timeout_at()));
        Judged::Done
    }

    /// Makes a deadline of what a living session's beats have taught.
    pub(super) fn refresh(&mut self, id: SessionId) {
        if let Some(session) = self.table.get_mut(id)
            && session.health == Health::Alive
        {
            // While we are unwell, silence proves less.
            let score = self.own_health_score;
            let patience = self.rule.patience(&session.detector, session.terms, score);
            session.limit = Limit::patience(patience);
        }
    }

    pub(super) fn on_beat(&mut self, id: SessionId, now: Tick, vitals: Vitals) {
        if let Some(session) = self.table.get_mut(id)
            // What silenced many says nothing of this one.
            && matches!(session.phase, Phase::Clear | Phase::AtRisk)
        {
            session.learn(now, &mut self.rule);
        }
        let is_back = self.apply(now, id, Finding::Beat, None);
        let Some(session) = self.table.get_mut(id) else {
            return;
        };
        let news = vitals.progress.filter(|_| session.is_news(now, vitals));
        session.hear(now);
        if is_back {
            session.phase = Phase::Clear;
            let patience = self.rule.patience(&session.detector, session.terms, 0);
            session.limit = Limit::patience(patience);
        }
        if let Some(stuck) = news {
            let wedged = !session.wedged;
            let kind = if wedged {
                EventKind::Wedged { stuck }
            } else {
                EventKind::Unwedged
            };
            self.conclude(now, id, kind);
            if let Some(session) = self.table.get_mut(id) {
                session.wedged = wedged;
            }
        }
        // Suspicion is due again before the timeout for which the wheel's entry waits, or patience
        // shrank (I2).
        self.rearm(id);
    }

    /// Lets a session live by these terms; shorter ones bring its deadline forward (I2).
    pub(super) fn adopt(&mut self, now: Tick, id: SessionId, terms: Terms) {
        let mut is_news = false;
        if let Some(session) = self.table.get_mut(id) {
            is_news = session.terms != terms;
            session.terms = terms;
            if matches!(session.phase, Phase::Clear | Phase::AtRisk) {
                let patience = self.rule.patience(&session.detector, terms, 0);
                session.limit = Limit::patience(patience);
            }
        }
        if is_news {
            self.conclude(now, id, EventKind::Revised);
        }
        self.rearm(id);
    }

    /// Changes a session's health as the transition table says, and concludes it. Returns whether
    /// there was anything to change.
    pub(super) fn apply(
        &mut self,
        now: Tick,
        id: SessionId,
        finding: Finding,
        cause: Option<Cause>,
    ) -> bool {
        let Some(session) = self.table.get_mut(id) else {
            return false;
        };
        let health = session.health.after(finding);
        if health == session.health {
            return false;
        }
        let kind = match health {
            Health::Alive => EventKind::Back,
            Health::Suspect => EventKind::Suspect {
                cause: cause.unwrap_or(Cause::Silence),
            },
            // Its own word says more than what was held against it so far.
            Health::Dead if finding == Finding::Failure => EventKind::Dead {
                cause: Cause::Failed,
            },
            Health::Dead => EventKind::Dead {
                // Our own restart is nothing to be held against it.
                cause: session
                    .cause
                    .filter(|held| *held != Cause::Restart)
                    .or(cause)
                    .unwrap_or(Cause::Silence),
            },
            Health::Left => EventKind::Left,
        };
        self.conclude(now, id, kind);
        if let Some((session, profile)) = self.table.whole_mut(id) {
            session.health = health;
            session.cause = kind.cause();
            profile.since = now;
        }
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

    /// Tells what is concluded of a session, as it was until then.
    pub(super) fn conclude(&mut self, now: Tick, id: SessionId, kind: EventKind) {
        let (Some(session), Some(profile)) = (self.table.get(id), self.table.profile(id)) else {
            return;
        };
        let silent = now.since(session.last_beat);
        let evidence = (!matches!(kind, EventKind::Opened { .. })).then(|| {
            let mut evidence = session.evidence(&self.rule, self.own_health_score);
            // A connection that is lost at this very moment.
            evidence.lost = evidence
                .lost
                .or(kind.cause().filter(Cause::is_lost_connection));
            Box::new(evidence)
        });
        self.events.push_back(Event {
            at: now,
            id,
            name: SessionName::trusted(&profile.name),
            epoch: profile.epoch,
            silent,
            kind,
            evidence,
        });
    }

    /// Files the session's next deadline in the wheel (I2).
    pub(super) fn rearm(&mut self, id: SessionId) {
        let deadline = self.table.get(id).and_then(Session::deadline);
        if let Some(deadline) = deadline {
            self.wheel.file(id.slot, deadline);
        }
    }
}
