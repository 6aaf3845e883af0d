//! The journal: what it has to write, and whether it can.

use std::fmt;

use super::exposition::{Exposition, Metric, metric, seconds};
use crate::sink::journal::JournalStatus;

const FAILING: Metric = metric(
    "carotid_journal_failing",
    "Whether the journal cannot be written, or not in time: 1 if so.",
);
const PENDING: Metric = metric(
    "carotid_journal_pending_events",
    "Events that are not durable yet.",
);
const LAG: Metric = seconds(
    "carotid_journal_lag",
    "How long the oldest of the events that are not durable yet has waited.",
);
const COMMIT: Metric = seconds(
    "carotid_journal_commit",
    "How long the last batch of events took to become durable.",
);
const COMMITS: Metric = metric("carotid_journal_commits", "Batches of events written.");
const EVENTS: Metric = metric("carotid_journal_events", "Events written.");
const SIZE: Metric = metric("carotid_journal_size_bytes", "Size of the journal's file.");

pub(super) fn write(to: &mut Exposition<'_>, journal: &JournalStatus) -> fmt::Result {
    to.gauge(FAILING, u32::from(journal.trouble().is_some()))?;
    to.gauge(PENDING, journal.pending)?;
    to.gauge(LAG, journal.lag.as_secs_f64())?;
    to.gauge(COMMIT, journal.commit.as_secs_f64())?;
    to.counter(COMMITS, journal.commits)?;
    to.counter(EVENTS, journal.written)?;
    to.gauge(SIZE, journal.size_bytes)
}
