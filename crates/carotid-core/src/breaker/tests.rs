//! Mass silence, seen from outside: engines in virtual time, and what the breaker made of them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::*;
use crate::{Config, Engine, Health, Open, SessionId, SessionName, Standing, Terms, Vitals};

const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
/// Deadlines are swept at most one slot of the wheel late.
const SWEEP: Duration = Duration::from_micros(1049);

/// Two engines that share a fleet and a breaker.
struct World {
    engines: [Engine; 2],
    breaker: Breaker,
    now: Tick,
    events: Vec<Event>,
}

impl World {
    fn new() -> Self {
        Self::with(BreakerConfig::default())
    }

    fn with(config: BreakerConfig) -> Self {
        Self::seeded(config, 7)
    }

    fn seeded(config: BreakerConfig, seed: u64) -> Self {
        Self {
            engines: [0, 1].map(|_| Engine::new(&Config::default()).unwrap()),
            breaker: Breaker::new(config, seed).unwrap(),
            now: Tick::from_nanos(77_000_000_000),
            events: Vec::new(),
        }
    }

    /// So many sessions of a service, with this long between one and the next.
    fn open(&mut self, service: &str, count: u32, apart: Duration) -> Vec<(usize, SessionId)> {
        let mut ids = Vec::new();
        for number in 0..count {
            let name = SessionName::new(&format!("{service}/{number}")).unwrap();
            let engine = number as usize % 2;
            let opened = self.engines[engine].open(self.now, Open { name, terms: None });
            ids.push((engine, opened.unwrap().id));
            self.advance(apart);
        }
        self.drain();
        ids
    }

    fn beat(&mut self, ids: &[(usize, SessionId)]) {
        for &(engine, id) in ids {
            let beaten = self.engines[engine].beat(self.now, id, Vitals::default());
            beaten.unwrap();
        }
        self.drain();
    }

    fn drain(&mut self) {
        for engine in &mut self.engines {
            while let Some(event) = engine.poll_event() {
                self.breaker.observe(&event);
                self.events.push(event);
            }
        }
    }

    fn advance(&mut self, time: Duration) {
        let end = self.now.after(time);
        loop {
            let due = self.engines.iter().filter_map(Engine::poll_timeout).min();
            let Some(due) = due.filter(|due| *due <= end) else {
                break;
            };
            self.now = self.now.max(due);
            for engine in &mut self.engines {
                engine.handle_timeout(self.now, &mut self.breaker);
            }
            self.drain();
        }
        self.now = end;
    }

    fn incident(&mut self) -> Option<Incident> {
        self.breaker.poll_incident()
    }

    /// Names and times of the dead, in the order of their deaths.
    fn deaths(&self) -> Vec<(String, Tick)> {
        let dead = |event: &&Event| matches!(event.kind, EventKind::Dead { .. });
        let dead = self.events.iter().filter(dead);
        dead.map(|event| (event.name.to_string(), event.at))
            .collect()
    }
}

#[test]
fn a_few_deaths_among_many_come_on_time() {
    let mut world = World::new();
    let ids = world.open("web", 20, Duration::ZERO);
    for _ in 0..6 {
        world.advance(INTERVAL);
        world.beat(&ids[3..]);
    }
    world.advance(SWEEP);
    assert_eq!(world.deaths().len(), 3);
    assert_eq!(world.incident(), None);
}

#[test]
fn mass_silence_is_one_incident_and_nobody_dies_for_an_interval() {
    let mut world = World::new();
    // Spread over an interval, as beats are.
    world.open("web", 100, INTERVAL / 100);
    world.advance(TIMEOUT - SWEEP);
    assert_eq!(world.deaths(), []);
    let incident = world.incident().unwrap();
    assert_eq!((incident.number, incident.all), (1, false));
    assert_eq!(incident.services, [Box::from("web")]);
    assert_eq!(incident.sessions, 100);
    assert!(incident.at_risk >= 99, "{incident:?}");
    assert_eq!(incident.held_until, incident.at.after(INTERVAL));
    world.advance(INTERVAL + SECOND);
    assert_eq!(world.deaths().len(), 100);
    assert_eq!(world.incident(), None);
    let deaths = world.events.iter().filter(|event| event.kind.is_terminal());
    for event in deaths {
        assert!(event.silent >= TIMEOUT + INTERVAL, "{event:?}");
        let evidence = event.evidence.as_deref().unwrap();
        assert_eq!(evidence.standing, Standing::Held);
    }
}

#[test]
fn everybody_is_held_for_an_interval_of_its_own() {
    let mut world = World::new();
    let hasty = Terms::new(SECOND / 100, SECOND * 60).unwrap();
    let name = SessionName::new("odd/1").unwrap();
    let open = Open {
        name,
        terms: Some(hasty),
    };
    world.engines[0].open(world.now, open).unwrap();
    world.advance(SECOND / 10);
    let ids = world.open("fleet", 1000, INTERVAL / 1000);
    // The network is back five seconds after the first of them would have died.
    world.advance(TIMEOUT - INTERVAL + SECOND * 5);
    world.beat(&ids);
    world.advance(SECOND);
    assert!(world.deaths().iter().all(|(name, _)| name == "odd/1"));
    assert_eq!(world.breaker.all().at_risk, 0);
}

#[test]
fn a_peer_of_long_intervals_holds_nobody_but_itself() {
    let hour = Duration::from_secs(3600);
    let mut world = World::new();
    let slow = Terms::new(hour * 12, hour * 24).unwrap();
    for number in 0..20 {
        let name = SessionName::new(&format!("batch/{number}")).unwrap();
        let open = Open {
            name,
            terms: Some(slow),
        };
        world.engines[0].open(world.now, open).unwrap();
    }
    world.advance(hour * 24 - TIMEOUT / 2);
    let ids = world.open("web", 20, Duration::ZERO);
    world.advance(TIMEOUT + INTERVAL + SECOND);
    let dead = world.deaths();
    assert_eq!(dead.len(), 20, "{dead:?}");
    assert!(dead.iter().all(|(name, _)| name.starts_with("web")));
    drop(ids);
}

#[test]
fn a_new_blip_while_others_are_released_is_held_as_well() {
    let mut world = World::with(BreakerConfig {
        releases_per_second: 10,
        ..BreakerConfig::default()
    });
    let late = world.open("late", 100, Duration::ZERO);
    world.open("first", 1000, Duration::ZERO);
    for _ in 0..11 {
        world.advance(INTERVAL);
        world.beat(&late);
    }
    assert!(world.deaths().len() > 300, "its releases are under way");
    world.advance(TIMEOUT + SECOND * 3);
    world.beat(&late);
    assert!(
        world
            .deaths()
            .iter()
            .all(|(name, _)| name.starts_with("first"))
    );
}

#[test]
fn a_late_sweep_counts_everybody_before_anybody_dies() {
    let mut world = World::new();
    world.open("web", 1000, Duration::ZERO);
    world.now = world.now.after(TIMEOUT * 2);
    world.advance(SWEEP);
    assert_eq!(world.deaths(), []);
    assert!(world.incident().is_some());
}

#[test]
fn whoever_beats_meanwhile_is_back_without_a_trace_of_death() {
    let mut world = World::new();
    let ids = world.open("web", 100, Duration::ZERO);
    world.advance(TIMEOUT + INTERVAL / 2);
    assert!(world.incident().is_some());
    let (engine, id) = ids[0];
    let view = world.engines[engine].view(world.now, id).unwrap();
    assert_eq!(
        (view.health, view.standing),
        (Health::Suspect, Standing::Held)
    );
    world.beat(&ids);
    let view = world.engines[engine].view(world.now, id).unwrap();
    assert_eq!(
        (view.health, view.standing),
        (Health::Alive, Standing::Clear)
    );
    for _ in 0..3 {
        world.advance(INTERVAL);
        world.beat(&ids);
    }
    assert_eq!(world.deaths(), []);
    assert_eq!(world.breaker.all().at_risk, 0);
}

#[test]
fn the_end_of_an_incident_tells_what_became_of_it() {
    let mut world = World::new();
    let ids = world.open("web", 100, Duration::ZERO);
    world.advance(TIMEOUT + SECOND);
    assert_eq!(world.breaker.poll_end(), None);
    world.beat(&ids[..40]);
    world.advance(INTERVAL + SECOND);
    let end = world.breaker.poll_end().unwrap();
    assert_eq!((end.number, end.died, end.returned), (1, 60, 40));

    world.beat(&ids[..40]);
    world.advance(TIMEOUT + SECOND);
    let back = world.now;
    world.beat(&ids[..40]);
    world.advance(SWEEP);
    let end = world.breaker.poll_end().unwrap();
    assert_eq!((end.number, end.died, end.returned), (2, 0, 40));
    assert!(end.at.since(back) <= SWEEP, "as soon as nobody is at risk");
}

#[test]
fn the_scope_is_no_wider_than_the_silence() {
    let mut world = World::new();
    world.open("web", 30, Duration::ZERO);
    let others = world.open("other", 62, Duration::ZERO);
    for _ in 0..5 {
        world.advance(INTERVAL);
        world.beat(&others);
    }
    world.advance(INTERVAL + SWEEP);
    let incident = world.incident().unwrap();
    assert!(!incident.all);
    assert_eq!((incident.at_risk, incident.sessions), (30, 30));

    let mut world = World::new();
    for service in ["web", "other", "third"] {
        world.open(service, 12, Duration::ZERO);
    }
    world.open("small", 3, Duration::ZERO);
    world.advance(TIMEOUT + SWEEP);
    let incident = world.incident().unwrap();
    assert!(incident.all, "the small one is silent, too");
    assert_eq!(incident.services.len(), 3);
    assert_eq!(world.incident(), None);
}

#[test]
fn a_silent_service_is_held_while_another_dies_on_time() {
    let mut world = World::new();
    let others = world.open("other", 200, Duration::ZERO);
    world.open("web", 20, Duration::ZERO);
    for _ in 0..6 {
        world.advance(INTERVAL);
        world.beat(&others[1..]);
    }
    world.advance(SWEEP);
    assert_eq!(world.deaths()[0].0, "other/0");
    assert_eq!(world.deaths().len(), 1);
    let incident = world.incident().unwrap();
    assert!(!incident.all);
    assert_eq!((incident.sessions, incident.at_risk), (20, 20));
    assert_eq!(incident.services, [Box::from("web")]);
    world.beat(&others[1..]);
    world.advance(INTERVAL + SECOND);
    assert_eq!(world.deaths().len(), 21);
}

#[test]
fn names_without_a_slash_are_a_mass_together() {
    let mut world = World::new();
    for number in 0..30 {
        let name = SessionName::new(&format!("client-{number}")).unwrap();
        world.engines[0]
            .open(world.now, Open { name, terms: None })
            .unwrap();
    }
    world.drain();
    world.advance(TIMEOUT + SECOND);
    let incident = world.incident().unwrap();
    assert!(incident.all && incident.services.is_empty());
    assert_eq!(world.deaths(), []);
}

#[test]
fn deaths_are_released_in_random_order_and_at_the_rate() {
    const SESSIONS: u32 = 5000;
    let order = |seed| {
        let config = BreakerConfig {
            releases_per_second: 1000,
            ..BreakerConfig::default()
        };
        let mut world = World::seeded(config, seed);
        world.open("web", SESSIONS, Duration::from_millis(1));
        world.advance(TIMEOUT + INTERVAL + SECOND * 6);
        assert!(world.incident().is_some());
        assert_eq!(world.incident(), None);
        let deaths = world.deaths();
        assert_eq!(deaths.len(), SESSIONS as usize);
        for many in deaths.windows(1010) {
            assert!(many[1009].1.since(many[0].1) >= SECOND - SWEEP);
        }
        let names: Vec<_> = deaths.into_iter().map(|(name, _)| name).collect();
        names
    };
    let first = order(1);
    assert_ne!(first, order(2));
    assert_eq!(first, order(1));
    let rising = first.windows(2).filter(|two| two[0] < two[1]).count();
    assert!((2000..3000).contains(&rising), "{rising} of 4999 rise");
}

#[test]
fn a_longer_hold_is_used_while_sessions_come_back() {
    let config = BreakerConfig {
        max_hold: Some(INTERVAL * 6),
        ..BreakerConfig::default()
    };
    let mut world = World::with(config);
    let ids = world.open("web", 50, Duration::ZERO);
    world.advance(TIMEOUT + SECOND);
    assert!(world.incident().is_some());
    world.beat(&ids[..1]);
    world.advance(INTERVAL * 5 - SECOND);
    assert_eq!(world.deaths(), []);
    world.advance(INTERVAL + SECOND);
    assert_eq!(world.deaths().len(), 49);

    let mut world = World::with(config);
    world.open("web", 50, Duration::ZERO);
    world.advance(TIMEOUT + INTERVAL + SECOND);
    assert_eq!(
        world.deaths().len(),
        50,
        "nobody came back, so it is confirmed"
    );
}

#[test]
fn it_leaves_by_itself_and_trips_again() {
    let mut world = World::new();
    for number in 1..=3 {
        world.open("web", 30, Duration::ZERO);
        world.advance(TIMEOUT + INTERVAL + SECOND);
        assert_eq!(world.incident().unwrap().number, number);
        assert_eq!(world.incident(), None);
        assert_eq!(world.deaths().len() as u64, 30 * number);
        assert_eq!(world.breaker.all(), Tally::default());
        assert_eq!(world.breaker.service("web"), None);
    }
}

#[test]
fn a_fleet_that_falls_silent_over_and_over_waits_no_longer_for_it() {
    let config = BreakerConfig {
        releases_per_second: 1,
        ..BreakerConfig::default()
    };
    let mut world = World::with(config);
    let ids = world.open("web", 100, Duration::ZERO);
    for _ in 0..20 {
        world.advance(TIMEOUT + SECOND);
        assert!(world.incident().is_some());
        world.beat(&ids);
    }
    assert_eq!(world.deaths(), []);
    // A hundred at one a second, and not what was promised to those who came back.
    world.advance(TIMEOUT + INTERVAL + SECOND * 101);
    assert_eq!(world.deaths().len(), 100);
}

#[test]
fn a_service_that_became_a_mass_because_others_left_is_named() {
    let mut world = World::new();
    let others = world.open("other", 1000, Duration::ZERO);
    let ids = world.open("web", 40, Duration::ZERO);
    for _ in 0..5 {
        world.advance(INTERVAL);
        world.beat(&others);
        world.beat(&ids[4..]);
    }
    world.advance(INTERVAL / 2);
    for &(engine, id) in &ids[14..] {
        world.engines[engine].close(world.now, id).unwrap();
    }
    world.drain();
    world.beat(&others);
    world.advance(INTERVAL / 2 + SWEEP);
    let incident = world.incident().unwrap();
    assert_eq!(incident.services, [Box::from("web")]);
    assert_eq!((incident.sessions, incident.at_risk), (14, 4));
}

#[test]
fn with_a_share_of_one_there_is_no_mass() {
    let mut world = World::with(BreakerConfig {
        share: 1.0,
        ..BreakerConfig::default()
    });
    world.open("web", 100, Duration::ZERO);
    world.advance(TIMEOUT + SWEEP);
    assert_eq!(world.deaths().len(), 100);
    assert_eq!(world.incident(), None);
}

#[test]
fn short_terms_are_held_too() {
    let mut world = World::new();
    let terms = Terms::new(SECOND, SECOND * 2).unwrap();
    for number in 0..100 {
        let name = SessionName::new(&format!("web/{number}")).unwrap();
        let open = Open {
            name,
            terms: Some(terms),
        };
        world.engines[0].open(world.now, open).unwrap();
        world.advance(SECOND / 100);
    }
    world.advance(SECOND + SECOND / 10);
    assert_eq!(world.deaths(), []);
    assert!(world.incident().is_some());
    world.advance(SECOND * 3);
    assert_eq!(world.deaths().len(), 100);
}

#[test]
fn contradictions_are_refused() {
    for config in [
        BreakerConfig {
            share: 1.1,
            ..BreakerConfig::default()
        },
        BreakerConfig {
            share: f64::NAN,
            ..BreakerConfig::default()
        },
        BreakerConfig {
            releases_per_second: 0,
            ..BreakerConfig::default()
        },
    ] {
        assert!(Breaker::new(config, 1).is_err(), "{config:?}");
    }
}
