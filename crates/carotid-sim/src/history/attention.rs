//! When the monitor ran, told by those who stopped it.

use std::time::Duration;

use carotid_core::{Attendance, Tick};

/// A span on the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: Tick,
    to: Tick,
}

/// The monitor's stalls since it was started.
///
/// *Attended* time leaves out the stalls alone: by it, nothing may come early. *Counted* time is
/// what the engine is promised: it also leaves out what lies between the last pulse before a stall
/// and the first one after, and the grace in which queued input is read. By it, nothing may be late.
#[derive(Debug, Default)]
pub(crate) struct Attention {
    stalls: Vec<Span>,
    uncounted: Vec<Span>,
    /// The last time that we did not run for less than what makes a stall.
    hiccup: Option<Span>,
}

impl Attention {
    /// The monitor did not run.
    pub(crate) fn stalled(&mut self, from: Tick, to: Tick) {
        self.stalls.push(Span { from, to });
    }

    /// The monitor did not run, for too short a time to be a stall.
    pub(crate) fn hiccuped(&mut self, from: Tick, to: Tick) {
        self.hiccup = Some(Span { from, to });
    }

    /// The first thing that the monitor does after a stall, and when it had last looked at the clock
    /// before.
    pub(crate) fn noticed(&mut self, seen: Tick, now: Tick) {
        let to = now.after(Attendance::GRACE);
        match self.uncounted.last_mut() {
            // It is one with the stall in whose grace it began.
            Some(last) if seen < last.to => last.to = to,
            Some(_) | None => self.uncounted.push(Span { from: seen, to }),
        }
    }

    /// The clock without the stalls.
    pub(crate) fn attended(&self, clock: Tick) -> Tick {
        without(&self.stalls, clock)
    }

    /// The clock without all that the engine is promised not to count.
    pub(crate) fn counted(&self, clock: Tick) -> Tick {
        without(&self.uncounted, clock)
    }

    /// How long all stalls together were.
    pub(crate) fn total(&self) -> Duration {
        self.stalls
            .iter()
            .map(|stall| stall.to.since(stall.from))
            .sum()
    }

    /// How many stalls there were.
    pub(crate) fn count(&self) -> usize {
        self.stalls.len()
    }

    /// How much later than usual a sweep may be, because we could not run just now.
    pub(crate) fn excuse(&self, clock: Tick) -> Duration {
        match self.hiccup {
            Some(hiccup) if clock.since(hiccup.to) <= super::LATENESS => {
                hiccup.to.since(hiccup.from)
            }
            Some(_) | None => Duration::ZERO,
        }
    }
}

fn without(spans: &[Span], clock: Tick) -> Tick {
    let before = spans.iter().map(|span| span.to.min(clock).since(span.from));
    let uncounted: Duration = before.sum();
    Tick::default().after(clock.since(Tick::default()).saturating_sub(uncounted))
}
