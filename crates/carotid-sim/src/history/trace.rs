//! What a person reads of a run.

use std::collections::VecDeque;

use carotid_core::{Event, Incident, Tick};

/// What to write down of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Listening {
    /// Nothing.
    #[default]
    Nothing,
    /// The last lines that are about this name or about everybody; or, without a name, the last of
    /// all.
    Last(Option<String>),
    /// Everything.
    Everything,
}

/// How many of the last lines are kept.
const LAST: usize = 40;

#[derive(Debug)]
pub(crate) struct Trace {
    listening: Listening,
    lines: VecDeque<String>,
    /// How far the clock on the wall is ahead, in seconds.
    wall: f64,
}

impl Trace {
    pub(super) const fn new(listening: Listening) -> Self {
        Self {
            listening,
            lines: VecDeque::new(),
            wall: 0.0,
        }
    }

    pub(crate) fn lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines).into()
    }

    /// The clock on the wall jumps by so many seconds: it is for display only.
    pub(crate) fn jump(&mut self, clock: Tick, by: f64) {
        self.wall += by;
        self.everybody(clock, || {
            format!("the clock on the wall jumps by {by:.0} s")
        });
    }

    /// Something that is about everybody.
    pub(crate) fn everybody(&mut self, clock: Tick, words: impl FnOnce() -> String) {
        if self.listening != Listening::Nothing {
            self.push(clock, &words());
        }
    }

    /// Something that is about one name.
    pub(crate) fn about(&mut self, clock: Tick, name: &str, words: impl FnOnce() -> String) {
        let is_heard = match &self.listening {
            Listening::Nothing => false,
            Listening::Last(Some(only)) => only == name,
            Listening::Last(None) | Listening::Everything => true,
        };
        if is_heard {
            let words = format!("{name} {}", words());
            self.push(clock, &words);
        }
    }

    pub(super) fn event(&mut self, clock: Tick, event: &Event) {
        self.about(clock, event.name.as_str(), || {
            let cause = event.kind.cause().map_or("", |cause| cause.as_str());
            let standing = event.evidence.as_deref().map(|evidence| evidence.standing);
            let standing = standing.map_or("", |standing| standing.as_str());
            format!(
                "=> {} {cause} (life {}, at {:.6} s of attended time, silent {:?}, {standing})",
                event.kind.as_str(),
                event.epoch,
                seconds(event.at),
                event.silent,
            )
        });
    }

    pub(super) fn incident(&mut self, clock: Tick, incident: &Incident) {
        self.everybody(clock, || {
            let scope = if incident.all {
                "all".to_owned()
            } else {
                incident.services.join(", ")
            };
            format!(
                "=> mass silence of {scope}: {} of {} at risk, held until {:.6} s",
                incident.at_risk,
                incident.sessions,
                seconds(incident.held_until),
            )
        });
    }

    fn push(&mut self, clock: Tick, words: &str) {
        if self.listening != Listening::Everything && self.lines.len() == LAST {
            self.lines.pop_front();
        }
        let clock = seconds(clock);
        let wall = clock + self.wall;
        self.lines
            .push_back(format!("{clock:14.6} s (wall {wall:12.3}) {words}"));
    }
}

fn seconds(tick: Tick) -> f64 {
    tick.since(Tick::default()).as_secs_f64()
}
