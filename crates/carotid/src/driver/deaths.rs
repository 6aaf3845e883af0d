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

    /// Remembers a death; forgets one whose name is back. It was at `at` by the clock on the wall.
    pub(super) fn observe(&mut self, event: &Event, at: Timestamp) {
        let name = event.name.clone();
        if let EventKind::Dead { cause } = event.kind {
            self.remember(event.at, Death { name, at, cause });
        } else if matches!(event.kind, EventKind::Opened { .. }) {
            self.forget(name.service(), |_, death| death.name == name);
        } else {
            return;
        }
        // At most one came, so that two a time keep up with any rate (I4).
        for _ in 0..2 {
            self.forget_first(event.at);
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

    /// The deaths of a service that are remembered at `now`, the latest last.
    pub(super) fn of(&self, service: &str, now: Tick) -> impl Iterator<Item = &Death> {
        let deaths = self.by_service.get(service).into_iter().flatten();
        deaths.filter_map(move |(at, death)| (now < at.after(self.retention)).then_some(death))
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
                self.deaths.observe(&event, Timestamp::UNIX_EPOCH);
            }
        }

        fn dead(&self, service: &str) -> Vec<String> {
            let dead = self.deaths.of(service, self.now);
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
