//! What must hold, whatever happens.

use std::fmt;

use super::Subject;

/// Something that must hold in every history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Law {
    /// Nobody dies of silence before the timeout has passed since the last sign of life reached our
    /// socket, our own stalls not counted.
    NoEarlyDeath,
    /// Nobody is suspected of silence before an interval and the longest stall have passed.
    NoEarlySuspicion,
    /// Whoever is silent is dead at the timeout, one tick and 50 ms later at most, unless mass silence
    /// holds it back; and then not for ever.
    NoLateDeath,
    /// Whoever is silent is suspect when it is at risk, one tick and 50 ms later at most.
    NoLateSuspicion,
    /// Each session has one beginning, one end, and nothing after it.
    OneEnd,
    /// Each event is one that its input can bring about, in an order that makes sense.
    Order,
    /// Nobody is called alive past a deadline, nor dead before the event that says so.
    Health,
    /// The engine asks to be woken before the next deadline.
    Wake,
    /// One call does a bounded amount of work.
    BoundedWork,
    /// Attended time is the clock without our stalls and the grace after them, and the ledger has them
    /// all.
    Attendance,
    /// No more of a service, or of all, than the share die within an interval, unless they were held
    /// before.
    MassIsHeld,
    /// Held deaths are let go at the configured rate.
    ReleaseRate,
    /// An incident is told once, of a mass that there is, and ends by itself.
    Incident,
    /// Tallies agree with the sessions that there are.
    Tally,
    /// Whoever beats is back.
    Return,
    /// What an event stands on is what happened.
    Evidence,
    /// The clock on the wall changes nothing.
    WallClock,
}

impl Law {
    /// What is demanded.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoEarlyDeath => "no death before the timeout",
            Self::NoEarlySuspicion => "no suspicion of silence before a beat is due",
            Self::NoLateDeath => "no death later than its deadline, and no ghosts",
            Self::NoLateSuspicion => "no suspicion later than its deadline",
            Self::OneEnd => "one beginning, one end, and nothing after it",
            Self::Order => "events follow from inputs, in an order that makes sense",
            Self::Health => "health tells no more and no less than is known",
            Self::Wake => "the engine does not oversleep a deadline",
            Self::BoundedWork => "one call does a bounded amount of work",
            Self::Attendance => "time that we did not attend does not count",
            Self::MassIsHeld => "mass silence is held back",
            Self::ReleaseRate => "held deaths are let go at the configured rate",
            Self::Incident => "an incident is told once, and ends by itself",
            Self::Tally => "tallies agree with the sessions that there are",
            Self::Return => "whoever beats is back",
            Self::Evidence => "what an event stands on is what happened",
            Self::WallClock => "the clock on the wall changes nothing",
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// A history that broke a law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The law.
    pub law: Law,
    /// Whose history, if it is that of one session.
    pub name: Option<String>,
    /// What was seen and what was expected.
    pub detail: String,
}

impl Violation {
    pub(crate) const fn new(law: Law, detail: String) -> Self {
        Self {
            law,
            name: None,
            detail,
        }
    }

    pub(crate) fn of(law: Law, subject: &Subject, detail: String) -> Self {
        Self {
            law,
            name: Some(subject.name.to_string()),
            detail,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.law)?;
        if let Some(name) = &self.name {
            write!(f, ": {name}")?;
        }
        write!(f, ": {}", self.detail)
    }
}
