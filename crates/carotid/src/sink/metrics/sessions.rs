//! Sessions: how they are, service by service, and what was concluded of them.

use std::collections::BTreeMap;
use std::fmt;

use carotid_core::{ServiceHealth, Tally};

use super::exposition::{Exposition, Metric, metric, seconds};
use crate::driver::{Figures, Listed, Services};

/// What stands for all services that are not listed.
const OTHERS: &str = "(other)";

/// What stands for sessions whose names have no slash.
const NONE: &str = "(none)";

const SESSIONS: Metric = metric(
    "carotid_sessions",
    "Sessions that have not ended, by service and health.",
);
const WEDGED: Metric = metric(
    "carotid_sessions_wedged",
    "Sessions that beat while their main loop makes no progress.",
);
const AT_RISK: Metric = metric(
    "carotid_sessions_at_risk",
    "Sessions at most one interval from their death, or whose death is held back.",
);
const HEALTH: Metric = metric(
    "carotid_service_health",
    "Health of a service: 2 passes, 1 warns, 0 fails.",
);
const MIN_ALIVE: Metric = metric(
    "carotid_service_min_alive",
    "Sessions that a service needs to be alive, or it fails.",
);
const DEATHS: Metric = metric("carotid_deaths", "Sessions that died, by service.");
const TRANSITIONS: Metric = metric(
    "carotid_transitions",
    "Conclusions that were drawn of sessions, by kind and cause.",
);
const LATENESS: Metric = seconds(
    "carotid_detection_lateness",
    "How long after its deadline the silence of a session was noticed.",
);
const ROUND_TRIPS: Metric = seconds(
    "carotid_round_trip",
    "Round trips of beats, as the peers that tell them measured them.",
);
const BEATS: Metric = metric("carotid_beats", "Signs of life of sessions.");
const REFUSED: Metric = metric(
    "carotid_sessions_refused",
    "Sessions that could not be opened because the table was full.",
);

/// A service as it is listed.
#[derive(Debug, Default)]
struct Row<'f> {
    tally: Tally,
    /// The one service that it is.
    service: Option<&'f Listed>,
    deaths: u64,
}

pub(super) fn write(to: &mut Exposition<'_>, figures: &Figures) -> fmt::Result {
    let rows = rows(figures);
    let sessions = rows.iter().flat_map(|(service, row)| {
        let Tally {
            sessions, suspect, ..
        } = row.tally;
        [("alive", sessions - suspect), ("suspect", suspect)]
            .map(|(health, count)| ([("service", *service), ("health", health)], count.into()))
    });
    to.gauges(SESSIONS, sessions)?;
    let by_service = |count: fn(&Row<'_>) -> u64| {
        rows.iter()
            .map(move |(service, row)| ([("service", *service)], count(row)))
    };
    to.gauges(WEDGED, by_service(|row| row.tally.wedged.into()))?;
    to.gauges(AT_RISK, by_service(|row| row.tally.at_risk.into()))?;
    let healths = rows.iter().filter_map(|(service, row)| {
        let degree = match row.service?.health() {
            ServiceHealth::Pass => 2,
            ServiceHealth::Warn => 1,
            ServiceHealth::Fail => 0,
        };
        Some(([("service", *service)], degree))
    });
    to.gauges(HEALTH, healths)?;
    let needed = rows.iter().filter_map(|(service, row)| {
        let min_alive = row.service?.min_alive;
        Some(([("service", *service)], min_alive.into()))
    });
    to.gauges(MIN_ALIVE, needed)?;
    to.counters(DEATHS, by_service(|row| row.deaths))?;

    let concluded = &figures.concluded;
    let transitions = concluded.transitions();
    let transitions =
        transitions.map(|((kind, cause), count)| ([("kind", kind), ("cause", cause)], count));
    to.counters(TRANSITIONS, transitions)?;
    let lateness = [
        ([("kind", "suspect")], &concluded.suspicions),
        ([("kind", "dead")], &concluded.deaths),
    ];
    to.histograms(LATENESS, lateness)?;
    to.histogram(ROUND_TRIPS, &figures.counts.round_trips)?;
    to.counter(BEATS, figures.counts.beats)?;
    to.counter(REFUSED, figures.refused)
}

/// Services by the name under which they are listed.
fn rows(figures: &Figures) -> BTreeMap<&str, Row<'_>> {
    let Services {
        listed,
        others,
        alone,
    } = &figures.services;
    let mut rows = BTreeMap::<&str, Row<'_>>::new();
    for service in listed {
        let row = rows.entry(label(&service.name)).or_default();
        row.tally = row.tally.with(service.tally);
        row.service = Some(service);
    }
    for (name, tally) in [(OTHERS, others), (NONE, alone)] {
        // A service that is called so is counted here.
        if tally.sessions > 0 {
            let row = rows.entry(name).or_default();
            row.tally = row.tally.with(*tally);
            row.service = None;
        }
    }
    let dead = &figures.concluded.dead;
    for (service, deaths) in dead.by_service() {
        rows.entry(label(service)).or_default().deaths += deaths;
    }
    if dead.others() > 0 {
        rows.entry(OTHERS).or_default().deaths += dead.others();
    }
    rows
}

fn label(service: &str) -> &str {
    if service.is_empty() { NONE } else { service }
}
