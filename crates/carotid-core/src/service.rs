//! How many sessions each service has, and how they are.

use alloc::boxed::Box;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

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
    /// Those that are at most one interval from their death, or whose death is held back.
    pub at_risk: u32,
}

/// Whether a service can do its work, as far as its sessions tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceHealth {
    /// All of its sessions are alive and well.
    Pass,
    /// Some are suspect or wedged.
    Warn,
    /// None is above suspicion.
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
    /// What these sessions make of their service.
    #[must_use]
    pub const fn health(self) -> ServiceHealth {
        if self.sessions <= self.suspect {
            ServiceHealth::Fail
        } else if self.suspect > 0 || self.wedged > 0 {
            ServiceHealth::Warn
        } else {
            ServiceHealth::Pass
        }
    }

    fn observe(&mut self, event: &Event) {
        let evidence = event.evidence.as_deref();
        let was_suspect = evidence.is_some_and(|before| before.health == Health::Suspect);
        let was_at_risk = evidence.is_some_and(Evidence::is_at_risk);
        let was_wedged = evidence.is_some_and(|before| before.wedged);
        let one_less = |count: &mut u32, is_one: bool| {
            *count = count.saturating_sub(u32::from(is_one));
        };
        match event.kind {
            EventKind::Opened { .. } => self.sessions += 1,
            EventKind::Suspect { .. } => self.suspect += 1,
            EventKind::Wedged { .. } => self.wedged += 1,
            EventKind::Unwedged => one_less(&mut self.wedged, true),
            EventKind::Back => {
                one_less(&mut self.suspect, true);
                one_less(&mut self.at_risk, was_at_risk);
            }
            EventKind::Dead { .. } | EventKind::Left => {
                one_less(&mut self.sessions, true);
                one_less(&mut self.suspect, was_suspect);
                one_less(&mut self.at_risk, was_at_risk);
                one_less(&mut self.wedged, was_wedged);
            }
        }
    }
}

/// The tally of each service, and of all sessions.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) all: Tally,
    /// Services are what stands before a slash: a name without one is a service of its own, of
    /// which there is nothing to count.
    by_name: HashMap<Box<str>, Tally, FixedState>,
}

impl Services {
    pub(crate) fn new(hash_seed: u64) -> Self {
        Self {
            all: Tally::default(),
            by_name: HashMap::with_hasher(FixedState::with_seed(hash_seed)),
        }
    }

    /// How many services there are, those of a single session left out.
    pub(crate) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(crate) fn get(&self, service: &str) -> Option<Tally> {
        self.by_name.get(service).copied()
    }

    /// Counts one more that is at risk; returns its service's tally, if others are of it too.
    pub(crate) fn count_at_risk(&mut self, service: Option<&str>) -> Option<Tally> {
        self.all.at_risk += 1;
        let tally = self.by_name.get_mut(service?)?;
        tally.at_risk += 1;
        Some(*tally)
    }

    pub(crate) fn observe(&mut self, event: &Event) {
        self.all.observe(event);
        let Some(service) = shared_service(event.name.as_str()) else {
            return;
        };
        if matches!(event.kind, EventKind::Opened { .. }) && !self.by_name.contains_key(service) {
            self.by_name.insert(service.into(), Tally::default());
        }
        if let Some(tally) = self.by_name.get_mut(service) {
            tally.observe(event);
            // Names are the peers' choice: a service without sessions takes no memory (I9).
            if tally.sessions == 0 {
                self.by_name.remove(service);
            }
        }
    }
}

/// The service of a session's name, if others can be of it too.
pub(crate) fn shared_service(name: &str) -> Option<&str> {
    name.split_once('/').map(|(service, _)| service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_warns_of_some_and_fails_with_all() {
        let health = |sessions, suspect, wedged| {
            let tally = Tally {
                sessions,
                suspect,
                wedged,
                at_risk: 0,
            };
            tally.health()
        };
        assert_eq!(health(3, 0, 0), ServiceHealth::Pass);
        assert_eq!(health(3, 0, 1), ServiceHealth::Warn);
        assert_eq!(health(3, 2, 0), ServiceHealth::Warn);
        assert_eq!(health(3, 3, 0), ServiceHealth::Fail);
        assert_eq!(health(0, 0, 0), ServiceHealth::Fail);
    }

    #[test]
    fn only_what_stands_before_a_slash_is_shared() {
        assert_eq!(shared_service("payments/7"), Some("payments"));
        assert_eq!(shared_service("a/b/c"), Some("a"));
        assert_eq!(shared_service("client-42"), None);
    }
}
