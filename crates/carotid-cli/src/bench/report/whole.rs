//! What all threads have measured, as one.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::bench::clock::Spent;
use crate::bench::tally::{Counters, Faults, Tally};
use crate::bench::worker::Outcome;

/// What all threads have measured.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) counters: Counters,
    pub(super) window: Counters,
    pub(super) measured: Duration,
    pub(super) cpu: Duration,
    pub(super) busiest: Busy,
    pub(super) latency: Histogram<u64>,
    pub(super) tardiness: Histogram<u64>,
    pub(super) faults: Faults,
    pub(super) unsent: u64,
    pub(super) unanswered: u64,
    pub(super) up: usize,
}

/// How much of its time a thread had no rest in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Busy {
    pub(super) running: f64,
    pub(super) waiting: f64,
}

impl Busy {
    fn of(spent: Spent, measured: Duration) -> Self {
        Self {
            running: percent(spent.running, measured),
            waiting: percent(spent.waiting, measured),
        }
    }

    pub(super) fn total(self) -> f64 {
        self.running + self.waiting
    }
}

impl Whole {
    pub(super) fn of(outcomes: &[Outcome]) -> Self {
        let empty = Tally::new();
        let mut whole = Self {
            counters: Counters::ZERO,
            window: Counters::ZERO,
            measured: Duration::ZERO,
            cpu: Duration::ZERO,
            busiest: Busy::default(),
            latency: empty.latency,
            tardiness: empty.tardiness,
            faults: empty.faults,
            unsent: 0,
            unanswered: 0,
            up: 0,
        };
        for outcome in outcomes {
            whole.counters.add(&outcome.tally.counters);
            whole.window.add(&outcome.window);
            whole.measured = whole.measured.max(outcome.measured);
            whole.cpu += outcome.spent.running;
            let busy = Busy::of(outcome.spent, outcome.measured);
            if whole.busiest.total() < busy.total() {
                whole.busiest = busy;
            }
            // All have the bounds of the empty one.
            let _fits = whole.latency.add(&outcome.tally.latency);
            let _fits = whole.tardiness.add(&outcome.tally.tardiness);
            whole.faults.add(outcome.tally.faults.clone());
            whole.unsent += outcome.unsent;
            whole.unanswered += outcome.unanswered;
            whole.up += outcome.up;
        }
        whole
    }

    pub(super) fn per_second(&self, count: u64) -> f64 {
        ratio(count as f64, self.measured.as_secs_f64())
    }
}

pub(super) fn percent(cpu: Duration, passed: Duration) -> f64 {
    ratio(cpu.as_secs_f64() * 100.0, passed.as_secs_f64())
}

/// Nothing in no time is nothing.
pub(super) fn ratio(of: f64, by: f64) -> f64 {
    if by > 0.0 { of / by } else { 0.0 }
}
