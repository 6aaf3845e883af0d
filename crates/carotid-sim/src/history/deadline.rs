//! Nothing comes early, nothing comes late, and nothing comes that its input does not bring about.

use std::time::Duration;

use carotid_core::{Cause, Event, EventKind, OnDisconnect, Standing, Tick};

use super::subject::{Input, State};
use super::{History, LATENESS, Law, TICK, Violation};

impl History {
    /// Whether the event follows from its input, and may follow the events before it.
    pub(super) fn check_order(
        &self,
        owner: usize,
        input: Input,
        event: &Event,
    ) -> Result<(), Violation> {
        let subject = &self.subjects[owner];
        let is_this_life = subject.epoch == event.epoch
            && subject.handle.map(|handle| handle.id) == Some(event.id);
        if !subject.is_open() || !is_this_life {
            let detail = format!("{event:?} comes after the end of {subject:?}");
            return Err(Violation::of(Law::OneEnd, subject, detail));
        }
        let is_alive = subject.state == State::Alive;
        let lost = input.loss();
        let is_fatal = self.settings.on_disconnect == OnDisconnect::Dead;
        let follows = match event.kind {
            EventKind::Suspect {
                cause: Cause::Silence,
            } => is_alive,
            EventKind::Suspect { cause } => is_alive && lost == Some(cause) && !is_fatal,
            EventKind::Back => !is_alive && input.is_life(),
            EventKind::Dead { cause } if input == Input::Sweep => {
                !is_alive && cause == subject.lost.unwrap_or(Cause::Silence)
            }
            EventKind::Dead { cause } => is_fatal && lost == Some(cause),
            EventKind::Left => matches!(input, Input::Close { is_last: true, .. }),
            EventKind::Wedged { stuck } => {
                !subject.wedged && input.progress() == Some(stuck) && subject.is_wedged_by(stuck)
            }
            EventKind::Unwedged => {
                let progress = input.progress();
                subject.wedged && progress.is_some_and(|progress| !subject.is_wedged_by(progress))
            }
            // After the sign of life that brought the terms.
            EventKind::Revised => is_alive && input.is_life(),
            EventKind::Opened { .. } | _ => false,
        };
        if follows {
            return Ok(());
        }
        let detail = format!("{event:?} after {input:?}, of {subject:?}");
        Err(Violation::of(Law::Order, subject, detail))
    }

    /// Whether silence was long enough for what is concluded of it, and not much longer.
    pub(super) fn check_timing(
        &self,
        owner: usize,
        clock: Tick,
        input: Input,
        event: &Event,
    ) -> Result<(), Violation> {
        let subject = &self.subjects[owner];
        let (attended, now) = (
            self.attention.attended(clock),
            self.attention.counted(clock),
        );
        let silent = attended.since(self.attention.attended(subject.arrived));
        // What has come after the deadline, and was not read yet, does not make it early.
        let before_unread = subject.first_unread.map_or(Duration::ZERO, |unread| {
            let unread = self.attention.attended(unread);
            unread.since(self.attention.attended(subject.heard_from))
        });
        let silent = silent.max(before_unread);
        let fail = |law, by: &str| {
            let detail = format!("{event:?}, silent for {silent:?}, {by}, {subject:?}");
            Err(Violation::of(law, subject, detail))
        };
        let slack = TICK + LATENESS + self.attention.excuse(clock);
        if event.kind.cause() == Some(Cause::Silence) && subject.state == State::Alive {
            let least = subject.terms.interval() + subject.terms.longest_stall();
            // What ends a silence is no part of it; and what queued up in a span too short to be a
            // stall may be read a moment later.
            let is_catching_up = input != Input::Sweep && !self.attention.excuse(clock).is_zero();
            let silent = if input.is_life() || is_catching_up {
                now.since(subject.heard)
            } else {
                silent
            };
            if silent < least.min(subject.at_risk_after()) {
                return fail(Law::NoEarlySuspicion, "before a beat was due");
            }
            let latest = subject.heard.after(subject.at_risk_after()).after(slack);
            if input == Input::Sweep && latest < now {
                return fail(Law::NoLateSuspicion, "after it was at risk");
            }
        }
        if matches!(event.kind, EventKind::Dead { .. }) && input == Input::Sweep {
            if silent < subject.terms.timeout() {
                return fail(Law::NoEarlyDeath, "before its timeout");
            }
            let evidence = event.evidence.as_deref();
            let is_held = evidence.is_some_and(|evidence| evidence.standing == Standing::Held);
            if is_held && now < self.mass.earliest_release(subject) {
                return fail(Law::NoEarlyDeath, "before its hold was over");
            }
            let latest = if is_held {
                self.mass.latest_release(subject)
            } else {
                // Whoever is counted late is judged in the slot after that.
                subject.timeout_at().after(TICK)
            };
            if latest.after(slack) < now {
                return fail(Law::NoLateDeath, "after its deadline");
            }
        }
        Ok(())
    }
}
