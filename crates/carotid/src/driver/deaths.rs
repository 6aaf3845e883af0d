//! Who of each service has died lately: what a service's health is told with, and what keeps one whose
//! last session died from being forgotten at once.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::time::Duration;

use carotid_core::{Cause, Event, EventKind, SessionName, Tick};
use jiff::Timestamp;

/// A session of a service that died and has not come back.
#[derive(Clone, Debug)]
pub struct Death {
    /// Its name.
    pub name: SessionName,
    /// Wall time of its death, for display only.
    pub at: Timestamp,
    /// What it died of.
    pub cause: Cause,
    /// The number of the event that said so; before that is shown, nobody is told.
    pub(super) seq: u64,
}

/// A session's beginning, or its death.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    name: SessionName,
    tick: Tick,
    died_of: Option<Cause>,
}

impl Turn {
    /// What an event tells; nothing if it is neither.
    pub(super) fn of(event: &Event) -> Option<Self> {
        let died_of = match event.kind {
            EventKind::Dead { cause } => Some(cause),
            EventKind::Opened { .. } => None,
            EventKind::Suspect { .. }
            | EventKind::Back
            | EventKind::Left
            | EventKind::Wedged { .. }
            | EventKind::Unwedged
            | EventKind::Revised
            | _ => return None,
        };
        Some(Self {
            name: event.name.clone(),
            tick: event.at,
            died_of,
        })
    }
}

/// How many deaths of one service are remembered: more than anybody reads.
const OF_ONE_SERVICE: usize = 8;

/// How many deaths are remembered in all (I9).
const OF_ALL: usize = 1 << 16;

/// Deaths of services whose names have a slash; others are a session each, which the engine remembers.
#[derive(Debug)]
pub(super) struct Deaths {
    /// For how long each is remembered.
    retention: Duration,
    by_service: BTreeMap<Box<str>, VecDeque<(Tick, Death)>>,
    /// All of them in the order in which they are forgotten; some were forgotten sooner.
    order: VecDeque<(Tick, Box<str>)>,
}

impl Deaths {
    pub(super) const fn new(retention: Duration) -> Self {
        Self {
            retention,
            by_service: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Remembers a death; forgets one whose name is back. It was at `at` by the clock on the wall, and is
    /// event number `seq`.
    pub(super) fn observe(&mut self, turn: Turn, at: Timestamp, seq: u64) {
        let Turn {
            name,
            tick,
            died_of,
        } = turn;
        match died_of {
            Some(cause) => {
                let death = Death {
                    name,
                    at,
                    cause,
                    seq,
                };
                self.remember(tick, death);
            }
            None => self.forget(name.service(), |_, death| death.name == name),
        }
        // At most one came, so that two a time keep up with any rate (I4).
        for _ in 0..2 {
            self.forget_first(tick);
        }
    }

    /// Remembers a death that was at `tick`.
    pub(super) fn remember(&mut self, tick: Tick, death: Death) {
        let Some((service, _)) = death.name.as_str().split_once('/') else {
            return;
        };
        let service: Box<str> = service.into();
        let deaths = self.by_service.entry(service.clone()).or_default();
        if deaths.len() == OF_ONE_SERVICE {
            deaths.pop_front();
        }
        deaths.push_back((tick, death));
        self.order.push_back((tick, service));
    }

    /// The deaths of a service that are remembered at `now`, up to event number `shown`, the latest
    /// last.
    pub(super) fn of(&self, service: &str, now: Tick, shown: u64) -> impl Iterator<Item = &Death> {
        let deaths = self.by_service.get(service).into_iter().flatten();
        deaths.filter_map(move |(at, death)| {
            (now < at.after(self.retention) && death.seq <= shown).then_some(death)
        })
    }

    /// Whether a service has deaths.
    pub(super) fn has(&self, service: &str) -> bool {
        self.by_service.contains_key(service)
    }

    /// Services with deaths, in the order of their names, from the one after `after` on.
    pub(super) fn services_after(&self, after: &str) -> impl Iterator<Item = &str> {
        let names = (Bound::Excluded(after), Bound::Unbounded);
        let services = self.by_service.range::<str, _>(names);
        services.map(|(service, _)| &**service)
    }

    fn forget_first(&mut self, now: Tick) {
        let is_due = |(at, _): &(Tick, Box<str>)| at.after(self.retention) <= now;
        if (self.order.len() > OF_ALL || self.order.front().is_some_and(is_due))
            && let Some((first, service)) = self.order.pop_front()
        {
            self.forget(&service, |at, _| at <= first);
        }
    }

    fn forget(&mut self, service: &str, which: impl Fn(Tick, &Death) -> bool) {
        if let Some(deaths) = self.by_service.get_mut(service) {
            deaths.retain(|(at, death)| !which(*at, death));
            if deaths.is_empty() {
                self.by_service.remove(service);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carotid_core::{Breaker, BreakerConfig, Config, Engine, Open};

    const RETENTION: Duration = Duration::from_secs(100);

    /// Sessions of these names that die at once, and the deaths of them that are remembered.
    struct Fleet {
        engine: Engine,
        breaker: Breaker,
        deaths: Deaths,
        now: Tick,
        seq: u64,
        shown: u64,
    }

    impl Fleet {
        fn new() -> Self {
            let breaker = BreakerConfig {
                share: 1.0,
                ..BreakerConfig::default()
            };
            Self {
                engine: Engine::new(&Config::default()).unwrap(),
                breaker: Breaker::new(breaker, 1).unwrap(),
                deaths: Deaths::new(RETENTION),
                now: Tick::default(),
                seq: 0,
                shown: u64::MAX,
            }
        }

        fn open(&mut self, name: &str) {
            let name = name.parse().unwrap();
            self.engine
                .open(self.now, Open { name, terms: None })
                .unwrap();
            self.observe();
        }

        fn pass(&mut self, time: Duration) {
            let end = self.now.after(time);
            while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= end) {
                self.now = self.now.max(due);
                self.engine.handle_timeout(self.now, &mut self.breaker);
                self.observe();
            }
            self.now = end;
        }

        fn observe(&mut self) {
            while let Some(event) = self.engine.poll_event() {
                self.breaker.observe(&event);
                if let Some(turn) = Turn::of(&event) {
                    self.seq += 1;
                    self.deaths.observe(turn, Timestamp::UNIX_EPOCH, self.seq);
                }
            }
        }

        fn dead(&self, service: &str) -> Vec<String> {
            let dead = self.deaths.of(service, self.now, self.shown);
            let mut names: Vec<_> = dead.map(|death| death.name.to_string()).collect();
            names.sort();
            names
        }
    }

    #[test]
    fn a_death_is_remembered_until_its_name_is_back_or_its_time_is_over() {
        let mut fleet = Fleet::new();
        for name in ["a/1", "a/2", "b/1", "solo"] {
            fleet.open(name);
        }
        fleet.pass(Duration::from_secs(61));
        assert_eq!(fleet.dead("a"), ["a/1", "a/2"]);
        let services: Vec<_> = fleet.deaths.services_after("").collect();
        assert_eq!(services, ["a", "b"]);
        fleet.open("a/1");
        assert_eq!(fleet.dead("a"), ["a/2"]);
        fleet.pass(RETENTION);
        assert_eq!(fleet.dead("b"), [""; 0]);
    }

    #[test]
    fn a_death_that_is_not_shown_yet_is_told_to_nobody() {
        let mut fleet = Fleet::new();
        fleet.shown = 2;
        fleet.open("a/1");
        fleet.open("a/2");
        fleet.pass(Duration::from_secs(61));
        assert_eq!(fleet.dead("a"), [""; 0]);
        fleet.shown = 3;
        assert_eq!(fleet.dead("a").len(), 1);
    }

    #[test]
    fn a_service_that_dies_over_and_over_is_remembered_in_bounded_room() {
        let mut fleet = Fleet::new();
        for instance in 0..100 {
            fleet.open(&format!("a/{instance}"));
        }
        fleet.pass(Duration::from_secs(61));
        assert_eq!(fleet.dead("a").len(), OF_ONE_SERVICE);
        assert_eq!(fleet.deaths.order.len(), 100);
        fleet.pass(RETENTION);
        for instance in 0..100 {
            fleet.open(&format!("b/{instance}"));
        }
        assert!(fleet.deaths.order.is_empty() && fleet.deaths.by_service.is_empty());
    }
}
