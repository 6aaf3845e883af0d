//! Scenarios for each row of the transition table, in virtual time.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::*;
use crate::{BreakerConfig, SessionName, Standing, Suspicion, SuspicionTarget, Tally, Terms};

const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(60);
const SUSPICION: Duration = Duration::from_secs(25);
/// Deadlines are swept at most one slot of the wheel late.
const SWEEP: Duration = Duration::from_micros(1049);

mod restored;

/// An engine and its clock.
struct World {
    engine: Engine,
    breaker: Breaker,
    now: Tick,
}

impl World {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        // The fixed rule, so that deadlines can be told in advance.
        let mut config = Config {
            suspicion: Suspicion::Fixed { intervals: 2.5 },
            ..Config::default()
        };
        change(&mut config);
        Self {
            engine: Engine::new(&config).unwrap(),
            breaker: Breaker::new(BreakerConfig::default(), 7).unwrap(),
            now: Tick::from_nanos(12_345_678_901),
        }
    }

    fn open(&mut self, name: &str) -> Opened {
        self.try_open(name, None).unwrap()
    }

    fn try_open(&mut self, name: &str, terms: Option<Terms>) -> Result<Opened, OpenError> {
        let name = SessionName::new(name).unwrap();
        self.engine.open(self.now, Open { name, terms })
    }

    fn beat(&mut self, id: SessionId) -> Result<(), UnknownSession> {
        self.engine.beat(self.now, id, Vitals::default())
    }

    fn health(&self, id: SessionId) -> Option<Health> {
        self.engine.health(self.now, id)
    }

    /// Time passes and nobody sweeps.
    fn sleep(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    /// Time passes, with a driver that attends every timeout; returns what was concluded.
    fn advance(&mut self, time: Duration) -> Vec<String> {
        let mut said = self.events();
        let end = self.now.after(time);
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.engine.handle_timeout(self.now, &mut self.breaker);
            said.extend(self.events());
        }
        self.now = end;
        said.extend(self.events());
        said
    }

    fn next_event(&mut self) -> Option<Event> {
        let event = self.engine.poll_event()?;
        self.breaker.observe(&event);
        Some(event)
    }

    fn events(&mut self) -> Vec<String> {
        core::iter::from_fn(|| self.next_event())
            .map(|event| match event.kind.cause() {
                Some(cause) => format!("{} {} {}", event.kind.as_str(), event.name, cause.as_str()),
                None => format!("{} {}", event.kind.as_str(), event.name),
            })
            .collect()
    }
}

#[test]
fn silence_suspects_then_kills() {
    let mut world = World::new();
    let a = world.open("a").id;
    assert_eq!(world.advance(SUSPICION - SWEEP), ["opened a"]);
    assert_eq!(world.health(a), Some(Health::Alive));
    assert_eq!(world.advance(SWEEP * 2), ["suspect a silence"]);
    assert_eq!(world.health(a), Some(Health::Suspect));
    assert_eq!(world.advance(TIMEOUT - SUSPICION - SWEEP * 2), [""; 0]);
    assert_eq!(world.advance(SWEEP * 2), ["dead a silence"]);
    assert_eq!(world.health(a), Some(Health::Dead));
    assert_eq!(world.advance(TIMEOUT * 10), [""; 0]);
}

#[test]
fn the_gaps_between_the_last_beats_are_remembered() {
    let mut world = World::new();
    let a = world.open("a").id;
    assert_eq!(world.engine.gaps(a).count(), 0);
    for seconds in 1..=10 {
        world.sleep(Duration::from_secs(seconds));
        world.beat(a).unwrap();
    }
    let gaps: Vec<_> = world
        .engine
        .gaps(a)
        .map(|gap| (gap.as_millis() + 10) / 1000)
        .collect();
    assert_eq!(gaps, [3, 4, 5, 6, 7, 8, 9, 10]);
}

#[test]
fn beats_keep_a_session_alive() {
    let mut world = World::new();
    let a = world.open("a").id;
    assert_eq!(world.events(), ["opened a"]);
    for _ in 0..100 {
        assert_eq!(world.advance(INTERVAL), [""; 0]);
        world.beat(a).unwrap();
    }
    let view = world.engine.view(world.now, a).unwrap();
    assert_eq!(
        (view.beats, view.last_beat, view.cause),
        (101, world.now, None)
    );
}

#[test]
fn a_beat_brings_a_suspect_back_and_its_next_suspicion_is_on_time() {
    let mut world = World::new();
    let a = world.open("a").id;
    world.advance(SUSPICION + SWEEP);
    world.beat(a).unwrap();
    assert_eq!(
        world.next_event().map(|event| event.silent),
        Some(SUSPICION + SWEEP)
    );
    // The wheel's entry waited for the timeout; a new suspicion comes before it.
    assert_eq!(world.advance(SUSPICION + SWEEP), ["suspect a silence"]);
    assert_eq!(world.health(a), Some(Health::Suspect));
}

#[test]
fn a_lost_connection_suspects_and_the_timeout_runs_on() {
    let mut world = World::new();
    let a = world.open("a").id;
    world.advance(INTERVAL);
    world
        .engine
        .detach(world.now, a, Disconnect::Closed)
        .unwrap();
    assert_eq!(world.events(), ["suspect a closed"]);
    assert_eq!(world.advance(TIMEOUT - INTERVAL - SWEEP), [""; 0]);
    assert_eq!(world.advance(SWEEP * 2), ["dead a closed"]);
}

#[test]
fn a_reconnect_resumes_the_session() {
    let mut world = World::new();
    let first = world.open("a");
    world
        .engine
        .detach(world.now, first.id, Disconnect::Reset)
        .unwrap();
    world.advance(INTERVAL);
    let second = world.open("a");
    assert_eq!(
        (second.id, second.epoch, second.resumed),
        (first.id, 1, true)
    );
    assert_eq!(world.events(), ["back a"]);
    assert_eq!(world.health(first.id), Some(Health::Alive));
}

#[test]
fn only_the_last_of_several_connections_counts() {
    let mut world = World::new();
    let a = world.open("a").id;
    world.open("a");
    world.events();
    world
        .engine
        .detach(world.now, a, Disconnect::Closed)
        .unwrap();
    assert_eq!(world.events(), [""; 0]);
    world
        .engine
        .detach(world.now, a, Disconnect::Closed)
        .unwrap();
    assert_eq!(world.events(), ["suspect a closed"]);
}

#[test]
fn a_connection_that_we_ended_ourselves_is_no_evidence() {
    let mut world = World::with(|config| config.on_disconnect = OnDisconnect::Dead);
    let a = world.open("a").id;
    world.events();
    world
        .engine
        .detach(world.now, a, Disconnect::Local)
        .unwrap();
    assert_eq!(world.events(), [""; 0]);
    assert_eq!(
        world.advance(TIMEOUT + SWEEP),
        ["suspect a silence", "dead a silence"]
    );
}

#[test]
fn a_lost_connection_kills_where_the_configuration_says_so() {
    let mut world = World::with(|config| config.on_disconnect = OnDisconnect::Dead);
    let [a, b] = ["a", "b"].map(|name| world.open(name).id);
    world.advance(INTERVAL);
    world
        .engine
        .detach(world.now, a, Disconnect::Unreachable)
        .unwrap();
    assert_eq!(world.events(), ["dead a unreachable"]);
    world.advance(SUSPICION - INTERVAL + SWEEP);
    world
        .engine
        .detach(world.now, b, Disconnect::Closed)
        .unwrap();
    assert_eq!(world.events(), ["dead b closed"]);
}

#[test]
fn a_lost_connection_outweighs_the_silence_before_it() {
    let mut world = World::new();
    let a = world.open("a").id;
    world.advance(SUSPICION + SWEEP);
    world
        .engine
        .detach(world.now, a, Disconnect::Closed)
        .unwrap();
    assert_eq!(world.events(), [""; 0]);
    assert_eq!(world.advance(TIMEOUT), ["dead a closed"]);
}

#[test]
fn a_goodbye_is_final_whether_alive_or_suspect() {
    let mut world = World::new();
    let [a, b] = ["a", "b"].map(|name| world.open(name).id);
    world.events();
    world.engine.close(world.now, a).unwrap();
    assert_eq!(world.events(), ["left a goodbye"]);
    world
        .engine
        .detach(world.now, b, Disconnect::Closed)
        .unwrap();
    world.engine.close(world.now, b).unwrap();
    assert_eq!(world.events(), ["suspect b closed", "left b goodbye"]);
    assert_eq!(world.advance(TIMEOUT * 2), [""; 0]);
    assert_eq!(world.health(a), Some(Health::Left));
}

#[test]
fn a_failure_is_death_by_its_own_word_whatever_carries_it() {
    let mut world = World::new();
    let [a, b] = ["a", "b"].map(|name| world.open(name).id);
    world.open("a");
    world.events();
    world.engine.fail(world.now, a).unwrap();
    assert_eq!(world.events(), ["dead a failed"]);
    world
        .engine
        .detach(world.now, b, Disconnect::Reset)
        .unwrap();
    world.engine.fail(world.now, b).unwrap();
    let said: Vec<_> = core::iter::from_fn(|| world.next_event()).collect();
    assert_eq!(said[1].kind.cause(), Some(Cause::Failed));
    let evidence = said[1].evidence.as_ref().unwrap();
    assert_eq!(evidence.lost, Some(Cause::Reset));
    assert_eq!(world.engine.fail(world.now, b), Err(UnknownSession));
    assert_eq!(world.advance(TIMEOUT * 2), [""; 0]);
}

#[test]
fn nothing_moves_a_session_that_has_ended() {
    let mut world = World::new();
    let [dead, left] = ["dead", "left"].map(|name| world.open(name).id);
    world.engine.close(world.now, left).unwrap();
    world.advance(TIMEOUT + SWEEP);
    for (id, health) in [(dead, Health::Dead), (left, Health::Left)] {
        assert_eq!(world.beat(id), Err(UnknownSession));
        assert_eq!(world.engine.close(world.now, id), Err(UnknownSession));
        assert_eq!(
            world.engine.detach(world.now, id, Disconnect::Closed),
            Ok(())
        );
        assert_eq!(world.events(), [""; 0]);
        assert_eq!(world.health(id), Some(health));
    }
}

#[test]
fn a_return_after_death_is_a_new_session_that_names_its_predecessor() {
    let mut world = World::new();
    let first = world.open("a");
    world.advance(TIMEOUT + SWEEP);
    let second = world.open("a");
    assert_eq!((second.epoch, second.resumed), (2, false));
    assert_ne!(second.id, first.id);
    let kind = world.next_event().unwrap().kind;
    assert_eq!(
        kind,
        EventKind::Opened {
            predecessor: Some(first.id)
        }
    );
    assert_eq!(world.beat(first.id), Err(UnknownSession));
    assert_eq!(world.health(first.id), None);
    assert_eq!(world.engine.find("a"), Some(second.id));
}

#[test]
fn nobody_is_called_alive_past_a_deadline_however_late_the_sweep() {
    let mut world = World::new();
    let a = world.open("a").id;
    world.events();
    world.sleep(SUSPICION);
    assert_eq!(world.health(a), Some(Health::Suspect));
    world.sleep(TIMEOUT);
    let view = world.engine.view(world.now, a).unwrap();
    assert_eq!(
        (view.health, view.cause),
        (Health::Suspect, Some(Cause::Silence))
    );
    assert_eq!(
        world.advance(SWEEP),
        ["suspect a silence", "dead a silence"]
    );
    assert_eq!(world.advance(TIMEOUT), [""; 0]);
}

#[test]
fn a_sign_of_life_before_the_verdict_saves() {
    let mut world = World::new();
    let a = world.open("a").id;
    world.events();
    world.sleep(TIMEOUT * 2);
    assert_eq!(world.beat(a), Ok(()));
    assert_eq!(world.events(), ["suspect a silence", "back a"]);
    assert_eq!(world.advance(SUSPICION - SWEEP), [""; 0]);
    assert_eq!(world.health(a), Some(Health::Alive));
}

#[test]
fn time_that_runs_backwards_makes_nobody_older_or_younger() {
    let mut world = World::new();
    let a = world.open("a").id;
    world.advance(INTERVAL);
    world.beat(a).unwrap();
    let at = world.now;
    world.now = Tick::from_nanos(at.as_nanos() - 5_000_000);
    world.beat(a).unwrap();
    assert_eq!(world.engine.view(world.now, a).unwrap().last_beat, at);
}

#[test]
fn shorter_terms_on_a_reconnect_bring_the_deadline_forward() {
    let mut world = World::new();
    let a = world.open("a").id;
    world
        .engine
        .detach(world.now, a, Disconnect::Closed)
        .unwrap();
    let short = Terms::new(Duration::from_millis(100), Duration::from_millis(400)).unwrap();
    assert_eq!(world.try_open("a", Some(short)).unwrap().terms, short);
    world.events();
    let events = world.advance(Duration::from_millis(402));
    assert_eq!(events, ["suspect a silence", "dead a silence"]);
}

#[test]
fn a_second_connection_cannot_shorten_what_the_first_was_granted() {
    let mut world = World::new();
    world.open("a");
    let short = Terms::new(Duration::from_millis(100), Duration::from_millis(400)).unwrap();
    assert_eq!(
        world.try_open("a", Some(short)).unwrap().terms,
        Terms::default()
    );
    let long = Terms::new(INTERVAL, TIMEOUT * 2).unwrap();
    assert_eq!(world.try_open("a", Some(long)).unwrap().terms, long);
}

#[test]
fn a_goodbye_on_one_of_two_connections_leaves_the_session_alive() {
    let mut world = World::new();
    let a = world.open("a").id;
    world.open("a");
    world.events();
    world.engine.close(world.now, a).unwrap();
    assert_eq!(world.events(), [""; 0]);
    assert_eq!(world.health(a), Some(Health::Alive));
    world.engine.close(world.now, a).unwrap();
    assert_eq!(world.events(), ["left a goodbye"]);
    assert_eq!(world.engine.view(world.now, a).unwrap().connections, 0);
}

#[test]
fn a_name_that_ends_over_and_over_takes_bounded_memory() {
    let mut world = World::with(|config| config.max_sessions = 100);
    for _ in 0..10_000 {
        let a = world.open("a").id;
        world.engine.close(world.now, a).unwrap();
        world.events();
    }
    assert!(world.engine.ended.len() <= 100);
    assert_eq!(world.engine.len(), 1);
}

/// A world with the adaptive rule, and a session in it that beat with these gaps, over and over.
fn adaptive(gaps: &[Duration]) -> (World, SessionId) {
    let mut world = World::with(|config| {
        config.suspicion = Suspicion::Adaptive(SuspicionTarget::default());
        config.terms = Terms::new(INTERVAL, INTERVAL * 30).unwrap();
    });
    let id = world.open("a").id;
    for gap in gaps.iter().cycle().take(600) {
        world.advance(*gap);
        world.beat(id).unwrap();
    }
    world.events();
    (world, id)
}

#[test]
fn the_adaptive_rule_suspects_an_exact_peer_sooner_than_a_late_one() {
    let patience = |gaps: &[Duration]| {
        let (world, id) = adaptive(gaps);
        world.engine.view(world.now, id).unwrap().patience
    };
    let exact = patience(&[INTERVAL]);
    let late = patience(&[INTERVAL, INTERVAL + Duration::from_secs(3)]);
    assert!(INTERVAL < exact && exact < SUSPICION, "{exact:?}");
    assert!(exact < late, "{late:?}");
}

#[test]
fn the_adaptive_rule_keeps_its_own_deadline_and_leaves_death_alone() {
    let (mut world, id) = adaptive(&[INTERVAL]);
    let patience = world.engine.view(world.now, id).unwrap().patience;
    assert_eq!(world.advance(patience - SWEEP), [""; 0]);
    assert_eq!(world.health(id), Some(Health::Alive));
    assert_eq!(world.advance(SWEEP * 2), ["suspect a silence"]);
    assert_eq!(world.advance(INTERVAL * 30 - patience - SWEEP * 2), [""; 0]);
    assert_eq!(world.advance(SWEEP * 2), ["dead a silence"]);
}

#[test]
fn a_patience_that_shrank_holds_when_the_wheel_looks_next() {
    let (mut world, id) = adaptive(&[INTERVAL, INTERVAL * 5]);
    let long = world.engine.view(world.now, id).unwrap().patience;
    // Beats that come much faster than agreed are not late, so patience shrinks, and the wheel's
    // entry still waits for the long one.
    for _ in 0..500 {
        world.sleep(Duration::from_millis(1));
        world.beat(id).unwrap();
    }
    world.events();
    assert_eq!(world.advance(long), ["suspect a silence"]);
    let short = world.engine.view(world.now, id).unwrap().patience;
    assert!(short + INTERVAL < long, "{short:?} after {long:?}");
}

#[test]
fn the_time_without_a_connection_teaches_nothing() {
    let (mut world, id) = adaptive(&[INTERVAL]);
    let before = world.engine.view(world.now, id).unwrap().patience;
    world
        .engine
        .detach(world.now, id, Disconnect::Closed)
        .unwrap();
    world.advance(INTERVAL * 20);
    world.open("a");
    assert_eq!(world.engine.view(world.now, id).unwrap().patience, before);
}

#[test]
fn one_interval_before_its_death_everybody_is_suspect() {
    let mut world = World::with(|config| config.suspicion = Suspicion::Fixed { intervals: 100.0 });
    world.open("a");
    world.events();
    assert_eq!(world.advance(TIMEOUT - INTERVAL - SWEEP), [""; 0]);
    assert_eq!(world.advance(SWEEP * 2), ["suspect a silence"]);
    assert_eq!(world.advance(INTERVAL), ["dead a silence"]);
}

#[test]
fn the_ended_are_remembered_for_the_retention_and_then_forgotten() {
    let mut world = World::with(|config| config.retention = TIMEOUT);
    let a = world.open("a").id;
    world.engine.close(world.now, a).unwrap();
    world.advance(TIMEOUT - SWEEP);
    assert_eq!(world.health(a), Some(Health::Left));
    world.advance(SWEEP);
    assert_eq!(world.health(a), None);
    assert!(world.engine.is_empty());
    assert_eq!(world.engine.poll_timeout(), None);
    assert_eq!(world.open("a").epoch, 1);
}

#[test]
fn a_full_table_forgets_the_longest_ended_first_and_never_the_living() {
    let mut world = World::with(|config| config.max_sessions = 3);
    let [a, b, c] = ["a", "b", "c"].map(|name| world.open(name).id);
    assert_eq!(
        world.try_open("d", None),
        Err(OpenError::Full { max_sessions: 3 })
    );
    assert!(
        world.try_open("c", None).unwrap().resumed,
        "a full table still resumes"
    );
    world.engine.close(world.now, b).unwrap();
    world.engine.close(world.now, a).unwrap();
    world.open("d");
    assert_eq!(
        (world.health(b), world.health(a)),
        (None, Some(Health::Left))
    );
    assert_eq!(world.health(c), Some(Health::Alive));
}

#[test]
fn a_reused_slot_is_another_session() {
    let mut world = World::with(|config| config.max_sessions = 1);
    let a = world.open("a").id;
    world.engine.close(world.now, a).unwrap();
    let b = world.open("b").id;
    assert_eq!(a.index(), b.index());
    assert_eq!(world.beat(a), Err(UnknownSession));
    assert_eq!(
        world.engine.detach(world.now, a, Disconnect::Closed),
        Err(UnknownSession)
    );
    assert_eq!(world.beat(b), Ok(()));
}

#[test]
fn a_hundred_thousand_silent_sessions_each_die_once_in_bounded_calls() {
    const SESSIONS: usize = 100_000;
    const STEPS: u32 = 500;
    let mut world = World::with(|config| config.max_steps_per_call = STEPS);
    // Mass silence is the breaker's affair.
    let config = BreakerConfig {
        share: 1.0,
        ..BreakerConfig::default()
    };
    world.breaker = Breaker::new(config, 7).unwrap();
    for index in 0..SESSIONS {
        world.open(&format!("fleet/{index}"));
    }
    world.events();
    world.sleep(TIMEOUT + SWEEP);
    let mut deaths = 0;
    // The late are counted in one slot of the wheel, and judged in the next.
    for _ in 0..2 {
        let now = world.now;
        while world.engine.poll_timeout().is_some_and(|due| due <= now) {
            world.engine.handle_timeout(now, &mut world.breaker);
            let events = world.events();
            let count = events.len();
            assert!(count <= 2 * STEPS as usize, "{count} events in one call");
            let dead = events.iter().filter(|event| event.starts_with("dead"));
            deaths += dead.count();
        }
        world.sleep(SWEEP);
    }
    assert_eq!(deaths, SESSIONS);
}

#[test]
fn contradictions_are_refused() {
    for change in [
        (|config: &mut Config| config.suspicion = Suspicion::Fixed { intervals: 0.9 })
            as fn(&mut Config),
        |config| {
            config.suspicion = Suspicion::Fixed {
                intervals: f64::NAN,
            }
        },
        |config| config.suspicion = Suspicion::Fixed { intervals: 1e9 },
        |config| config.max_sessions = 0,
        |config| config.max_steps_per_call = 0,
    ] {
        let mut config = Config::default();
        change(&mut config);
        assert!(Engine::new(&config).is_err(), "{config:?}");
    }
}

#[test]
fn while_we_are_unwell_suspicion_waits_and_death_does_not() {
    let mut world = World::new();
    let a = world.open("a").id;
    world.engine.set_own_health(1);
    // One interval and twice the margin of one and a half.
    assert_eq!(world.advance(INTERVAL * 4 - SWEEP), ["opened a"]);
    assert_eq!(world.health(a), Some(Health::Alive));
    world.sleep(SWEEP * 2);
    world.engine.handle_timeout(world.now, &mut world.breaker);
    let event = world.next_event().unwrap();
    assert_eq!(event.kind.as_str(), "suspect");
    assert_eq!(event.evidence.unwrap().own_health_score, 1);
    world.engine.set_own_health(8);
    assert_eq!(world.advance(INTERVAL * 2), ["dead a silence"]);
}

#[test]
fn a_peer_is_not_suspected_within_its_longest_stall() {
    let mut world = World::new();
    let terms = Terms::default().with_longest_stall(INTERVAL * 3).unwrap();
    world.try_open("a", Some(terms)).unwrap();
    assert_eq!(world.advance(INTERVAL * 4 - SWEEP), ["opened a"]);
    assert_eq!(world.advance(SWEEP * 2), ["suspect a silence"]);
}

#[test]
fn a_wedged_peer_is_alive_and_said_to_be_wedged_once() {
    let mut world = World::new();
    let a = world.open("a").id;
    world.events();
    let mut beat = |seconds| {
        // One that beats more often than agreed is not asked.
        world.sleep(INTERVAL / 2);
        let vitals = Vitals {
            progress: Some(Duration::from_secs(seconds)),
        };
        world.engine.beat(world.now, a, vitals).unwrap();
        assert_eq!(world.health(a), Some(Health::Alive));
        (world.events(), world.breaker.all().wedged)
    };
    assert_eq!(beat(20), (vec![], 0));
    assert_eq!(beat(21), (vec!["wedged a".into()], 1));
    assert_eq!(beat(31), (vec![], 1));
    assert_eq!(beat(0), (vec!["unwedged a".into()], 0));
    assert_eq!(beat(90), (vec!["wedged a".into()], 1));
    // A beat that says nothing changes nothing.
    world.beat(a).unwrap();
    assert!(world.engine.view(world.now, a).unwrap().wedged);
    world.engine.close(world.now, a).unwrap();
    world.events();
    assert_eq!(world.breaker.all(), Tally::default());
}

#[test]
fn a_conclusion_carries_what_was_known_until_then() {
    let mut world = World::new();
    let a = world.open("a").id;
    for seconds in [9, 10, 11] {
        world.advance(Duration::from_secs(seconds));
        world.beat(a).unwrap();
    }
    let heard = world.now;
    world.events();
    world.sleep(SUSPICION);
    world
        .engine
        .detach(world.now, a, Disconnect::Reset)
        .unwrap();
    let suspect = world.next_event().unwrap();
    let evidence = suspect.evidence.unwrap();
    let gaps: Vec<_> = evidence
        .gaps()
        .map(|gap| gap.as_millis().div_ceil(10))
        .collect();
    assert_eq!(gaps, [900, 1000, 1100]);
    assert_eq!(
        (evidence.health, evidence.last_beat),
        (Health::Alive, heard)
    );
    assert_eq!(
        (evidence.suspect_after, evidence.dead_after),
        (SUSPICION, TIMEOUT)
    );
    assert_eq!((evidence.connections, evidence.lost), (0, None));
    assert_eq!(
        (evidence.quantile, evidence.standing),
        (None, Standing::Clear)
    );

    world.advance(TIMEOUT - SUSPICION - SWEEP);
    world.sleep(SWEEP * 2);
    world.engine.handle_timeout(world.now, &mut world.breaker);
    let dead = world.next_event().unwrap();
    assert_eq!(
        dead.kind,
        EventKind::Dead {
            cause: Cause::Reset
        }
    );
    let evidence = dead.evidence.unwrap();
    assert_eq!(
        (evidence.health, evidence.standing),
        (Health::Suspect, Standing::AtRisk)
    );
    assert_eq!(evidence.lost, Some(Cause::Reset));
}

#[test]
fn longer_terms_hold_at_once_and_shorter_ones_bring_the_deadline_forward() {
    let mut world = World::new();
    let a = world.open("a").id;
    world.events();
    world
        .engine
        .revise(world.now, a, Terms::new(INTERVAL * 2, TIMEOUT * 2).unwrap())
        .unwrap();
    assert_eq!(world.events(), ["revised a"]);
    assert_eq!(world.advance(SUSPICION * 2 - SWEEP), [""; 0]);
    world.beat(a).unwrap();
    let short = Terms::new(Duration::from_secs(1), Duration::from_secs(9)).unwrap();
    world.engine.revise(world.now, a, short).unwrap();
    assert_eq!(
        world.advance(Duration::from_millis(2502)),
        ["revised a", "suspect a silence"]
    );
}
