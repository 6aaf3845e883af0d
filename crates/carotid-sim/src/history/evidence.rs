//! What an event says that it stands on is what happened.

use std::time::Duration;

use carotid_core::{Cause, Event, EventKind, Evidence, Standing, Suspicion};

use super::subject::{Input, Subject};
use super::{History, Law, Violation};

/// What quantiles the adaptive rule may use, in σ.
const QUANTILES: std::ops::RangeInclusive<f32> = 4.0..=64.0;

/// When a stall is noticed, attended time goes back to the last pulse before it.
const BACKWARDS: Duration = Duration::from_millis(60);

impl History {
    pub(super) fn check_evidence(
        &self,
        owner: usize,
        input: Input,
        event: &Event,
    ) -> Result<(), Violation> {
        let subject = &self.subjects[owner];
        let Some(evidence) = event.evidence.as_deref() else {
            let detail = format!("{event:?} stands on nothing");
            return Err(Violation::of(Law::Evidence, subject, detail));
        };
        let silent = event.at.since(subject.heard);
        let resumes = matches!(input, Input::Open { .. }) && event.kind == EventKind::Back;
        // A resumption brings its connection and its terms before it brings the session back.
        let connections = subject.connections + u32::from(resumes);
        // The connection that is lost at this very moment counts, if none was lost before.
        let is_silence = event.kind.cause() == Some(Cause::Silence);
        let lost = subject.lost.or(input.loss().filter(|_| !is_silence));
        let is_adaptive = matches!(self.settings.suspicion, Suspicion::Adaptive(_));
        // A sign of life that turns out to wedge it was heard before that is told.
        let wedging = matches!(event.kind, EventKind::Wedged { .. } | EventKind::Unwedged);
        let failed = if wedging {
            (evidence.last_beat != event.at.max(subject.heard) || !event.silent.is_zero())
                .then_some("last beat")
        } else if evidence.last_beat != subject.heard || event.silent != silent {
            Some("last beat")
        } else if !agree(subject, evidence) {
            Some("gaps")
        } else {
            None
        };
        let standing_fits = match evidence.standing {
            Standing::Clear => {
                input != Input::Sweep || !matches!(event.kind, EventKind::Dead { .. })
            }
            Standing::AtRisk => subject.at_risk_after() <= silent + BACKWARDS,
            Standing::Held => subject.terms.timeout() <= silent + BACKWARDS,
        };
        let failed = if failed.is_some() {
            failed
        } else if subject.state.health() != Some(evidence.health) {
            Some("health")
        } else if evidence.connections != connections || evidence.lost != lost {
            Some("connections")
        } else if !resumes && evidence.dead_after != subject.terms.timeout() {
            Some("timeout")
        } else if evidence.wedged != subject.wedged {
            Some("wedged")
        } else if !resumes && !standing_fits {
            Some("standing")
        } else if evidence.quantile.is_some() != is_adaptive
            || evidence
                .quantile
                .is_some_and(|quantile| !QUANTILES.contains(&quantile))
        {
            Some("quantile")
        } else {
            None
        };
        match failed {
            Some(what) => {
                let detail = format!("{what} of {event:?}, {subject:?}");
                Err(Violation::of(Law::Evidence, subject, detail))
            }
            None => Ok(()),
        }
    }
}

/// Whether the gaps are those between the beats, right to 0.1 %.
fn agree(subject: &Subject, evidence: &Evidence) -> bool {
    let mut gaps = evidence.gaps();
    let all = subject.gaps().all(|expected| {
        gaps.next().is_some_and(|gap| {
            gap <= expected && expected - gap <= expected / 1000 + Duration::from_micros(1)
        })
    });
    all && gaps.next().is_none()
}
