//! Asks the engine about everything at some moment, and compares.

use carotid_core::{Breaker, Engine, Health, Standing, Suspicion, Tally, Tick};

use super::subject::{State, Subject};
use super::{History, LATENESS, Law, TICK, Violation};

impl History {
    /// Compares what the engines and the breaker say at this moment with what is true.
    pub(crate) fn ask(
        &self,
        clock: Tick,
        engines: &[Engine],
        breaker: &Breaker,
    ) -> Result<(), Violation> {
        let now = self.attention.counted(clock);
        let mut at_risk = 0;
        for subject in &self.subjects {
            let Some(handle) = subject.handle else {
                continue;
            };
            let engine = &engines[handle.shard];
            let Some(view) = engine.view(now, handle.id) else {
                let detail = format!("forgotten: {subject:?}");
                return Err(Violation::of(Law::Health, subject, detail));
            };
            if !subject.is_open() {
                if subject.state.health() != Some(view.health) {
                    let detail = format!("{:?} is said of {subject:?}", view.health);
                    return Err(Violation::of(Law::Health, subject, detail));
                }
                continue;
            }
            at_risk += u32::from(view.standing != Standing::Clear);
            if view.last_beat != subject.heard || view.wedged != subject.wedged {
                let detail = format!("{view:?} is said of {subject:?}");
                return Err(Violation::of(Law::Evidence, subject, detail));
            }
            self.check_health(subject, clock, view.health)?;
            self.check_wake(subject, clock, engine, view.standing)?;
        }
        self.check_tally(breaker, at_risk)
    }

    fn check_health(
        &self,
        subject: &Subject,
        clock: Tick,
        health: Health,
    ) -> Result<(), Violation> {
        let silent = self.attention.counted(clock).since(subject.heard);
        let least = subject.terms.interval() + subject.terms.longest_stall();
        let mut most = subject.at_risk_after();
        if let Suspicion::Fixed { intervals } = self.settings.suspicion {
            // While we are unwell suspicion may wait, and so may the one after: a deadline is made of
            // what is known when the one before it passes. Otherwise this rule can be told in advance.
            let well_since = self.unwell_until.after(subject.at_risk_after());
            let has_been_well = well_since < subject.arrived;
            let patience = subject.terms.interval().mul_f64(intervals) + TICK;
            if has_been_well {
                most = most.min(patience.max(least));
            }
        }
        let is_right = match (subject.state, health) {
            (State::Alive, Health::Alive) => silent < most,
            (State::Alive, Health::Suspect) => least.min(subject.at_risk_after()) <= silent,
            (state, health) => state.health() == Some(health),
        };
        if is_right {
            return Ok(());
        }
        let detail = format!("{health:?} is said after {silent:?} of silence of {subject:?}");
        Err(Violation::of(Law::Health, subject, detail))
    }

    fn check_wake(
        &self,
        subject: &Subject,
        clock: Tick,
        engine: &Engine,
        standing: Standing,
    ) -> Result<(), Violation> {
        let now = self.attention.counted(clock);
        let deadline = match (subject.state, standing) {
            (State::Suspect, Standing::Held) => self.mass.latest_release(subject),
            (State::Suspect, Standing::AtRisk) => subject.timeout_at(),
            _ => subject.heard.after(subject.at_risk_after()),
        };
        let slack = TICK + LATENESS + self.attention.excuse(clock);
        if deadline.after(slack) < now {
            let detail = format!("at {now:?} nothing followed from the silence of {subject:?}");
            return Err(Violation::of(Law::NoLateDeath, subject, detail));
        }
        if engine
            .poll_timeout()
            .is_none_or(|wake| deadline.after(TICK) < wake)
        {
            let wake = engine.poll_timeout();
            let detail = format!("{wake:?} is after {deadline:?}, a deadline of {subject:?}");
            return Err(Violation::of(Law::Wake, subject, detail));
        }
        Ok(())
    }

    fn check_tally(&self, breaker: &Breaker, at_risk: u32) -> Result<(), Violation> {
        let services = self
            .subjects
            .iter()
            .filter_map(|subject| subject.service)
            .max();
        let mut expected = Tally::default();
        let mut by_service = vec![Tally::default(); services.map_or(0, |last| last + 1)];
        let mut names = vec![""; by_service.len()];
        for subject in self.subjects.iter().filter(|subject| subject.is_open()) {
            let count = |tally: &mut Tally| {
                tally.sessions += 1;
                tally.suspect += u32::from(subject.state == State::Suspect);
                tally.wedged += u32::from(subject.wedged);
                let is_unfit = subject.state == State::Suspect || subject.wedged;
                tally.unfit += u32::from(is_unfit);
            };
            count(&mut expected);
            if let Some(service) = subject.service {
                count(&mut by_service[service]);
                names[service] = subject.name.service();
            }
        }
        expected.at_risk = at_risk;
        if expected != breaker.all() || self.mass.sessions() != expected.sessions {
            let detail = format!("{:?} is said of {expected:?}", breaker.all());
            return Err(Violation::new(Law::Tally, detail));
        }
        for (name, mut expected) in names.into_iter().zip(by_service) {
            let Some(tally) = breaker.service(name) else {
                continue;
            };
            expected.at_risk = tally.at_risk;
            if tally != expected {
                let detail = format!("{tally:?} is said of {name}, {expected:?}");
                return Err(Violation::new(Law::Tally, detail));
            }
        }
        Ok(())
    }
}
