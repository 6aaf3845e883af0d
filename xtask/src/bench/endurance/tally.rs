//! What happened to calls and connections, counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Counts of one run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) connections: u64,
    pub(crate) calls: u64,
    pub(crate) replies: u64,
    /// What went wrong, and how often.
    faults: BTreeMap<String, u64>,
    /// The longest time in which the generator itself did not run, so that nobody else is blamed.
    away: Duration,
    /// Microseconds of each reply.
    latencies: Vec<u32>,
}

impl Tally {
    /// A checked reply, and how long it took.
    pub(crate) fn reply(&mut self, took: Duration) {
        self.replies += 1;
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        self.latencies.push(micros);
    }

    /// The generator did not look at its schedule for so long.
    pub(crate) fn away(&mut self, away: Duration) {
        self.away = self.away.max(away);
    }

    /// Something that should not have happened.
    pub(crate) fn fault(&mut self, what: impl Into<String>) {
        *self.faults.entry(what.into()).or_default() += 1;
    }

    /// Forgets how long replies took so far, when that says nothing of what is to be measured.
    pub(crate) fn forget_latencies(&mut self) {
        self.latencies.clear();
    }

    /// Calls whose reply never came, or came wrong.
    pub(crate) const fn lost(&self) -> u64 {
        self.calls.saturating_sub(self.replies)
    }

    /// Whether each call got its reply and nothing failed.
    pub(crate) fn is_clean(&self) -> bool {
        self.lost() == 0 && self.faults.is_empty()
    }

    /// As rows of a Markdown table.
    pub(crate) fn rows(&mut self) -> String {
        self.latencies.sort_unstable();
        let at = |per_mille: usize| {
            let rank = self.latencies.len() * per_mille / 1000;
            let last = self.latencies.len().saturating_sub(1);
            let micros = self.latencies.get(rank.min(last)).copied();
            f64::from(micros.unwrap_or_default()) / 1e3
        };
        let mut rows = format!(
            "| connections | {} |\n| calls | {} |\n| replies lost | {} |\n\
             | round trip p50, p99, most | {:.2}, {:.2}, {:.1} ms |\n\
             | longest pause of the generator itself | {:.1} ms |\n",
            self.connections,
            self.calls,
            self.lost(),
            at(500),
            at(990),
            at(1000),
            self.away.as_secs_f64() * 1e3,
        );
        let errors: u64 = self.faults.values().sum();
        writeln!(rows, "| errors | {errors} |").expect("writing to a string does not fail");
        for (what, count) in &self.faults {
            writeln!(rows, "| {what} | {count} |").expect("writing to a string does not fail");
        }
        rows
    }
}
