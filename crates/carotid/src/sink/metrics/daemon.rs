//! The daemon itself: its stalls, its breaker, its log.

use std::fmt;

use super::exposition::{Exposition, Metric, metric, seconds};
use crate::driver::Figures;
use crate::vitality::{Loop, Progress};

const BUILD: Metric = metric("carotid_build", "The version that runs.");
const STALLS: Metric = metric(
    "carotid_stalls",
    "Spans in which the daemon did not run, or did not read what peers sent.",
);
const STALLED: Metric = seconds("carotid_stalled", "How long all stalls together were.");
const OWN_HEALTH: Metric = metric(
    "carotid_own_health_score",
    "How unwell this host is: 0 is well, 8 the worst.",
);
const MASS_SILENCES: Metric = metric(
    "carotid_mass_silences",
    "Times that many sessions fell silent together.",
);
const ONGOING: Metric = metric(
    "carotid_mass_silences_ongoing",
    "Mass silences that are not over.",
);
const HELD: Metric = metric(
    "carotid_sessions_held",
    "Sessions whose death mass silence holds back.",
);
const BARRED: Metric = metric(
    "carotid_deaths_barred",
    "Whether all deaths wait because verdicts cannot be kept now: 1 if so.",
);
const READERS: Metric = metric(
    "carotid_event_readers",
    "Readers that follow the event log, those inside the daemon among them.",
);

const LOOPS: Metric = metric(
    "carotid_loops",
    "Loops that everything depends on, by whether they come round.",
);

/// What runs.
pub(super) fn write_build(to: &mut Exposition<'_>) -> fmt::Result {
    to.note(BUILD, [("version", env!("CARGO_PKG_VERSION"))])
}

/// Whether it makes progress.
pub(super) fn write_loops(to: &mut Exposition<'_>, loops: &[(Loop, Progress)]) -> fmt::Result {
    let kinds = [
        ("good", Progress::Good),
        ("starved", Progress::Starved),
        ("stuck", Progress::Stuck),
    ];
    let counts = kinds.map(|(word, progress)| {
        let those = loops.iter().filter(|(_, is)| *is == progress);
        ([("progress", word)], those.count() as u64)
    });
    to.gauges(LOOPS, counts)
}

pub(super) fn write(to: &mut Exposition<'_>, figures: &Figures) -> fmt::Result {
    to.counter(STALLS, figures.stalls)?;
    to.counter(STALLED, figures.stalled.as_secs_f64())?;
    to.gauge(OWN_HEALTH, figures.own_health_score)?;
    to.counter(MASS_SILENCES, figures.incidents)?;
    to.gauge(ONGOING, figures.ongoing_incidents)?;
    to.gauge(HELD, figures.held)?;
    to.gauge(BARRED, u32::from(figures.barred))?;
    to.gauge(READERS, figures.readers)
}
