//! Health as monitors outside read it: `application/health+json`, after
//! draft-inadarei-api-health-check-06.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{to_the_millisecond, whole_ms};
use crate::driver::{ServiceStatus, Watched};

/// The health of a service or a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// `pass`, `warn` or `fail`.
    pub status: Cow<'static, str>,
    /// Of this interface.
    pub version: Cow<'static, str>,
    /// The daemon's own.
    pub release_id: Cow<'static, str>,
    /// The name of the service, or of the session.
    pub service_id: String,
    /// Why it does not pass, in words for a person; the draft has nothing here for what passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Why it passes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What it stands on, by `component:measurement`.
    pub checks: BTreeMap<String, Vec<Measurement>>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measurement {
    /// `component` for sessions together, `system` for one.
    pub component_type: Cow<'static, str>,
    /// How many, or how long.
    pub observed_value: u64,
    /// Of what.
    pub observed_unit: Cow<'static, str>,
    /// `pass`, `warn` or `fail`.
    pub status: Cow<'static, str>,
    /// When it was looked at.
    #[serde(serialize_with = "to_the_millisecond")]
    pub time: Timestamp,
}

/// The health of one session: what its service's tally makes of it, in a word and in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opinion {
    pub(crate) status: &'static str,
    pub(crate) output: String,
}

impl Opinion {
    /// A suspicion is no verdict: `warn`. Whoever is wedged does no work, and `fail`s like the dead.
    pub(crate) fn of(watched: &Watched) -> Self {
        use carotid_core::Health;
        let view = &watched.view;
        let since = watched.since.strftime("%H:%M:%S");
        let cause = view.cause.map_or("", |cause| cause.as_str());
        let (status, output) = match view.health {
            Health::Alive if view.wedged => (
                "fail",
                "alive, but wedged: its main loop makes no progress".to_owned(),
            ),
            Health::Alive => ("pass", format!("alive since {since} UTC")),
            Health::Suspect => ("warn", format!("suspect since {since} UTC, {cause}")),
            Health::Dead => ("fail", format!("dead since {since} UTC, {cause}")),
            Health::Left => ("fail", format!("left at {since} UTC")),
        };
        Self { status, output }
    }
}

impl Check {
    pub(crate) fn of_service(service: &ServiceStatus, now: Timestamp) -> Self {
        let tally = service.tally;
        let status = service.health().as_str();
        let warn_of = |count| if count > 0 { "warn" } else { "pass" };
        let alive = if tally.alive() < service.min_alive {
            "fail"
        } else {
            "pass"
        };
        let counts = [
            ("alive", tally.alive(), alive),
            ("suspect", tally.suspect, warn_of(tally.suspect)),
            ("wedged", tally.wedged, warn_of(tally.wedged)),
            ("at_risk", tally.at_risk, warn_of(tally.at_risk)),
        ];
        let checks = counts.map(|(what, count, status)| {
            let measurement = Measurement {
                component_type: "component".into(),
                observed_value: count.into(),
                observed_unit: "sessions".into(),
                status: status.into(),
                time: now,
            };
            (format!("sessions:{what}"), vec![measurement])
        });
        Self::new(status, &service.name, service.reason(), checks)
    }

    pub(crate) fn of_session(session: &Watched, opinion: Opinion, now: Timestamp) -> Self {
        let silence = Measurement {
            component_type: "system".into(),
            observed_value: whole_ms(session.silent),
            observed_unit: "ms".into(),
            status: opinion.status.into(),
            time: now,
        };
        let checks = [("beats:silence".to_owned(), vec![silence])];
        let name = session.view.name.as_str();
        Self::new(opinion.status, name, opinion.output, checks)
    }

    /// Why, in words for a person.
    pub(crate) fn reason(&self) -> &str {
        self.output
            .as_deref()
            .unwrap_or_else(|| self.notes.first().map_or("", |note| note))
    }

    fn new<const N: usize>(
        status: &'static str,
        service_id: &str,
        reason: String,
        checks: [(String, Vec<Measurement>); N],
    ) -> Self {
        let (output, notes) = match status {
            "pass" => (None, vec![reason]),
            _ => (Some(reason), Vec::new()),
        };
        Self {
            status: status.into(),
            version: "1".into(),
            release_id: env!("CARGO_PKG_VERSION").into(),
            service_id: service_id.to_owned(),
            output,
            notes,
            checks: checks.into(),
        }
    }
}
