//! Conclusions: how many of which kind and cause, and how late they were.

use std::collections::BTreeMap;

use carotid_core::{Cause, Event, EventKind, Standing};

use super::deaths::Deaths;
use super::histogram::Histogram;

/// What was concluded of sessions, counted.
#[derive(Clone, Debug)]
pub(crate) struct Concluded {
    transitions: BTreeMap<Transition, u64>,
    /// How long after the end of its patience a silent session was suspected.
    pub(crate) suspicions: Histogram,
    /// How long after its timeout a silent session died.
    pub(crate) deaths: Histogram,
    /// Who died.
    pub(crate) dead: Deaths,
}

/// The word for what was concluded, and that for its cause, `none` if it has none.
pub(crate) type Transition = (&'static str, &'static str);

/// Bounds of lateness in seconds. The goal is 10 ms.
const LATENESS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// Those that are told of before they happen first: a counter that begins at 1 shows no increase.
const USUAL: [Transition; 17] = [
    ("opened", NO_CAUSE),
    ("suspect", "silence"),
    ("suspect", "closed"),
    ("suspect", "reset"),
    ("suspect", "unreachable"),
    ("suspect", "restart"),
    ("back", NO_CAUSE),
    ("dead", "silence"),
    ("dead", "closed"),
    ("dead", "reset"),
    ("dead", "unreachable"),
    ("dead", "restart"),
    ("dead", "failed"),
    ("left", "goodbye"),
    ("wedged", NO_CAUSE),
    ("unwedged", NO_CAUSE),
    ("revised", NO_CAUSE),
];

const NO_CAUSE: &str = "none";

impl Default for Concluded {
    fn default() -> Self {
        Self {
            transitions: USUAL.into_iter().map(|usual| (usual, 0)).collect(),
            suspicions: Histogram::new(LATENESS),
            deaths: Histogram::new(LATENESS),
            dead: Deaths::default(),
        }
    }
}

impl Concluded {
    /// Counts what an engine has concluded.
    pub(in crate::driver) fn observe(&mut self, event: &Event) {
        let cause = event.kind.cause();
        let transition = (event.kind.as_str(), cause.map_or(NO_CAUSE, Cause::as_str));
        *self.transitions.entry(transition).or_default() += 1;
        let died = matches!(event.kind, EventKind::Dead { .. });
        if died {
            self.dead.count(service_of(event.name.as_str()));
        }
        let Some(evidence) = event.evidence.as_deref() else {
            return;
        };
        let suspected = EventKind::Suspect {
            cause: Cause::Silence,
        };
        if event.kind == suspected {
            let lateness = event.silent.saturating_sub(evidence.suspect_after);
            self.suspicions.observe(lateness);
        } else if died
            && evidence.standing != Standing::Held
            // Otherwise a lost connection was its death.
            && let Some(lateness) = event.silent.checked_sub(evidence.dead_after)
        {
            self.deaths.observe(lateness);
        }
    }

    /// How often each kind of conclusion was drawn for each cause.
    pub(crate) fn transitions(&self) -> impl Iterator<Item = (Transition, u64)> {
        let transitions = self.transitions.iter();
        transitions.map(|(transition, count)| (*transition, *count))
    }
}

/// What stands before the first slash of a session's name; nothing if there is none.
pub(crate) fn service_of(name: &str) -> &str {
    name.split_once('/').map_or("", |(service, _)| service)
}
