//! How many sessions each service has, and how they are.

use crate::{Event, EventKind, Evidence, Health};

/// How the sessions of a service are, ended ones left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that have not ended.
    pub sessions: u32,
    /// Those of them that are suspect.
    pub suspect: u32,
    /// Those whose main loop makes no progress.
    pub wedged: u32,
    /// Those that are suspect, wedged or both: of no use at the moment.
    pub unfit: u32,
    /// Those that are at most one interval from their death, or whose death is held back.
    pub at_risk: u32,
}

/// Whether a service can do its work, as far as its sessions tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceHealth {
    /// Enough of its sessions are alive, and all are well.
    Pass,
    /// Enough are alive; some are suspect, wedged or at risk.
    Warn,
    /// Fewer are alive than it needs.
    Fail,
}

impl ServiceHealth {
    /// The word for it: `pass`, `warn` or `fail`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl Tally {
    /// Those of use: neither suspect nor wedged. A process that beats and does nothing else does the
    /// work of none.
    #[must_use]
    pub const fn alive(self) -> u32 {
        self.sessions.saturating_sub(self.unfit)
    }

    /// What these sessions make of a service that needs `min_alive` of them to be alive.
    #[must_use]
    pub const fn health(self, min_alive: u32) -> ServiceHealth {
        if self.alive() < min_alive {
            ServiceHealth::Fail
        } else if self.unfit > 0 || self.at_risk > 0 {
            ServiceHealth::Warn
        } else {
            ServiceHealth::Pass
        }
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self {
            sessions: self.sessions + other.sessions,
            suspect: self.suspect + other.suspect,
            wedged: self.wedged + other.wedged,
            unfit: self.unfit + other.unfit,
            at_risk: self.at_risk + other.at_risk,
        }
    }

    /// These but for a part of them.
    #[must_use]
    pub const fn without(self, part: Self) -> Self {
        Self {
            sessions: self.sessions.saturating_sub(part.sessions),
            suspect: self.suspect.saturating_sub(part.suspect),
            wedged: self.wedged.saturating_sub(part.wedged),
            unfit: self.unfit.saturating_sub(part.unfit),
            at_risk: self.at_risk.saturating_sub(part.at_risk),
        }
    }

    /// The same with twice as many at risk.
    pub(crate) const fn doubled(self) -> Self {
        Self {
            at_risk: self.at_risk.saturating_mul(2),
            ..self
        }
    }

    /// Counts a session that has come back from before a restart: suspect until it beats.
    pub(crate) const fn count_restored(&mut self) {
        self.sessions += 1;
        self.suspect += 1;
        self.unfit += 1;
    }

    /// Counts what an event tells.
    pub(crate) fn observe(&mut self, event: &Event) {
        let evidence = event.evidence.as_deref();
        let was_suspect = evidence.is_some_and(|before| before.health == Health::Suspect);
        let was_at_risk = evidence.is_some_and(Evidence::is_at_risk);
        let was_wedged = evidence.is_some_and(|before| before.wedged);
        let one_less = |count: &mut u32, is_one: bool| {
            *count = count.saturating_sub(u32::from(is_one));
        };
        match event.kind {
            EventKind::Opened { .. } => self.sessions += 1,
            EventKind::Suspect { .. } => {
                self.suspect += 1;
                self.unfit += u32::from(!was_wedged);
            }
            EventKind::Wedged { .. } => {
                self.wedged += 1;
                self.unfit += u32::from(!was_suspect);
            }
            EventKind::Unwedged => {
                one_less(&mut self.wedged, true);
                one_less(&mut self.unfit, !was_suspect);
            }
            EventKind::Revised => {}
            EventKind::Back => {
                one_less(&mut self.suspect, true);
                one_less(&mut self.unfit, !was_wedged);
                one_less(&mut self.at_risk, was_at_risk);
            }
            EventKind::Dead { .. } | EventKind::Left => {
                one_less(&mut self.sessions, true);
                one_less(&mut self.suspect, was_suspect);
                one_less(&mut self.unfit, was_suspect || was_wedged);
                one_less(&mut self.at_risk, was_at_risk);
                one_less(&mut self.wedged, was_wedged);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(sessions: u32, unfit: u32, at_risk: u32) -> Tally {
        Tally {
            sessions,
            unfit,
            at_risk,
            ..Tally::default()
        }
    }

    #[test]
    fn a_service_warns_of_some_and_fails_with_all() {
        assert_eq!(tally(3, 0, 0).health(1), ServiceHealth::Pass);
        assert_eq!(tally(3, 1, 0).health(1), ServiceHealth::Warn);
        assert_eq!(tally(3, 2, 2).health(1), ServiceHealth::Warn);
        assert_eq!(tally(3, 3, 0).health(1), ServiceHealth::Fail);
        assert_eq!(tally(0, 0, 0).health(1), ServiceHealth::Fail);
    }

    #[test]
    fn a_service_fails_with_fewer_alive_than_it_needs() {
        assert_eq!(tally(2, 0, 0).health(2), ServiceHealth::Pass);
        assert_eq!(tally(1, 0, 0).health(2), ServiceHealth::Fail);
        assert_eq!(tally(3, 1, 0).health(2), ServiceHealth::Warn);
        assert_eq!(tally(3, 2, 0).health(2), ServiceHealth::Fail);
        // One that may be away altogether.
        assert_eq!(tally(0, 0, 0).health(0), ServiceHealth::Pass);
    }
}
