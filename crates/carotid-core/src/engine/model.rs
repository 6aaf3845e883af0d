//! The engine against a naive list that is searched from end to end after every step.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{BreakerConfig, SessionName, Suspicion, SuspicionTarget, Terms};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const SLOT: u64 = 1 << 20;

#[derive(Clone, Debug)]
enum Op {
    Open {
        name: usize,
        terms: Option<Terms>,
    },
    Beat {
        name: usize,
        vitals: Vitals,
    },
    Detach {
        name: usize,
        why: Disconnect,
    },
    Close {
        name: usize,
    },
    Fail {
        name: usize,
    },
    /// Time passes unattended.
    Sleep {
        nanos: u64,
    },
    /// Time passes, and then a sweep comes.
    Sweep {
        nanos: u64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let name = 0..NAMES.len();
    let terms = prop::option::of((10..200u64, 2..9u32).prop_map(|(interval, factor)| {
        let interval = Duration::from_millis(interval);
        Terms::new(interval, interval * factor).expect("a timeout of two intervals or more")
    }));
    let vitals = prop::option::of(0..1000u64).prop_map(|ago| Vitals {
        progress: ago.map(Duration::from_millis),
    });
    let why = prop_oneof![
        Just(Disconnect::Closed),
        Just(Disconnect::Reset),
        Just(Disconnect::Unreachable),
        Just(Disconnect::Local)
    ];
    let nanos = prop_oneof![0..3 * SLOT, 0..200 * SLOT, 0..3000 * SLOT, 0..80_000 * SLOT];
    prop_oneof![
        3 => (name.clone(), terms).prop_map(|(name, terms)| Op::Open { name, terms }),
        4 => (name.clone(), vitals).prop_map(|(name, vitals)| Op::Beat { name, vitals }),
        2 => (name.clone(), why).prop_map(|(name, why)| Op::Detach { name, why }),
        1 => name.clone().prop_map(|name| Op::Close { name }),
        1 => name.prop_map(|name| Op::Fail { name }),
        2 => nanos.clone().prop_map(|nanos| Op::Sleep { nanos }),
        4 => nanos.prop_map(|nanos| Op::Sweep { nanos }),
    ]
}

#[derive(Clone, Debug)]
struct Peer {
    id: SessionId,
    epoch: u32,
    last: u64,
    interval: u64,
    timeout: u64,
    connections: u32,
    health: Health,
    cause: Option<Cause>,
    wedged: bool,
    /// A sweep has seen that it is at risk.
    at_risk: bool,
}

/// Kind, name, epoch, cause and silence of each conclusion.
type Line = (&'static str, usize, u32, Option<Cause>, u64);

#[derive(Default)]
struct Model {
    peers: BTreeMap<usize, Peer>,
    lines: Vec<Line>,
    fatal: bool,
}

impl Model {
    fn say(&mut self, kind: &'static str, name: usize, now: u64) {
        let peer = &self.peers[&name];
        let caused = ["suspect", "dead", "left"].contains(&kind);
        let cause = peer.cause.filter(|_| caused);
        self.lines
            .push((kind, name, peer.epoch, cause, now - peer.last));
    }

    fn settle(&mut self, name: usize, now: u64) {
        let Some(peer) = self.peers.get_mut(&name) else {
            return;
        };
        let at_risk = (peer.timeout - peer.interval).max(peer.interval * 3 / 2);
        // Four bytes count it in 25 µs.
        let patience = (peer.interval * 5 / 2).min(at_risk);
        let patience = patience / 25_000 * 25_000;
        if peer.health == Health::Alive && peer.last + patience <= now {
            peer.health = Health::Suspect;
            peer.cause = Some(Cause::Silence);
            self.say("suspect", name, now);
        }
    }

    /// A sweep comes by: only it kills by silence.
    fn sweep(&mut self, name: usize, now: u64) {
        self.settle(name, now);
        let Some(peer) = self.peers.get_mut(&name) else {
            return;
        };
        let at_risk = (peer.timeout - peer.interval).max(peer.interval * 3 / 2);
        if peer.health != Health::Suspect {
        } else if peer.at_risk && peer.last + peer.timeout <= now {
            peer.health = Health::Dead;
            self.say("dead", name, now);
        } else if peer.last + at_risk <= now {
            peer.at_risk = true;
        }
    }

    fn living(&mut self, name: usize, now: u64) -> Option<&mut Peer> {
        self.settle(name, now);
        self.peers
            .get_mut(&name)
            .filter(|peer| !peer.health.is_final())
    }

    fn beat(&mut self, name: usize, vitals: Vitals, now: u64) -> bool {
        let living = self.living(name, now);
        let gap = living.as_ref().map_or(0, |peer| now - peer.last);
        let alive = living.is_some();
        if alive {
            self.revive(name, now);
            let peer = self.peers.get_mut(&name).expect("it lives");
            let stuck = vitals
                .progress
                .map(|ago| u128::from(peer.interval) * 2 < ago.as_nanos());
            if stuck.is_some_and(|stuck| stuck != peer.wedged) && peer.interval / 2 <= gap {
                peer.wedged = !peer.wedged;
                let kind = if peer.wedged { "wedged" } else { "unwedged" };
                self.say(kind, name, now);
            }
        }
        alive
    }

    fn revive(&mut self, name: usize, now: u64) {
        let peer = self.peers.get_mut(&name).expect("it lives");
        if peer.health == Health::Suspect {
            peer.health = Health::Alive;
            peer.cause = None;
            peer.at_risk = false;
            self.say("back", name, now);
        }
        self.peers.get_mut(&name).expect("it lives").last = now;
    }

    fn detach(&mut self, name: usize, why: Disconnect, now: u64) {
        let fatal = self.fatal;
        let Some(peer) = self.peers.get_mut(&name) else {
            return;
        };
        peer.connections = peer.connections.saturating_sub(1);
        if peer.connections > 0 {
            return;
        }
        let (Some(peer), Some(cause)) = (self.living(name, now), why.cause()) else {
            return;
        };
        let was = peer.health;
        if peer.cause.is_none_or(|cause| cause == Cause::Silence) {
            peer.cause = Some(cause);
        }
        if fatal {
            peer.health = Health::Dead;
            self.say("dead", name, now);
        } else if was == Health::Alive {
            peer.health = Health::Suspect;
            self.say("suspect", name, now);
        }
    }

    fn close(&mut self, name: usize, now: u64) {
        if let Some(peer) = self.peers.get_mut(&name) {
            peer.connections = peer.connections.saturating_sub(1);
        }
        if self
            .peers
            .get(&name)
            .is_some_and(|peer| peer.connections > 0)
        {
            self.settle(name, now);
        } else if let Some(peer) = self.living(name, now) {
            peer.health = Health::Left;
            peer.cause = Some(Cause::Goodbye);
            self.say("left", name, now);
        }
    }

    fn fail(&mut self, name: usize, now: u64) {
        if let Some(peer) = self.living(name, now) {
            peer.health = Health::Dead;
            peer.cause = Some(Cause::Failed);
            self.say("dead", name, now);
        }
    }

    fn open(&mut self, name: usize, terms: Option<Terms>, now: u64, opened: Opened) {
        let nanos = |terms: Terms| {
            let nanos = |time: Duration| u64::try_from(time.as_nanos()).expect("short");
            (nanos(terms.interval()), nanos(terms.timeout()))
        };
        if let Some(peer) = self.living(name, now) {
            let before = (peer.interval, peer.timeout);
            if let Some((interval, timeout)) = terms.map(nanos) {
                let others = peer.connections > 0;
                peer.interval = interval.max(if others { peer.interval } else { 0 });
                peer.timeout = timeout.max(if others { peer.timeout } else { 0 });
            }
            peer.connections += 1;
            let revised = before != (peer.interval, peer.timeout);
            assert!(opened.resumed);
            self.revive(name, now);
            if revised {
                self.say("revised", name, now);
            }
            return;
        }
        assert!(!opened.resumed);
        let (interval, timeout) = nanos(terms.unwrap_or_default());
        let peer = Peer {
            id: opened.id,
            epoch: self.peers.get(&name).map_or(1, |peer| peer.epoch + 1),
            last: now,
            interval,
            timeout,
            connections: 1,
            health: Health::Alive,
            cause: None,
            wedged: false,
            at_risk: false,
        };
        self.peers.insert(name, peer);
        self.say("opened", name, now);
    }
}

fn drain(engine: &mut Engine, breaker: &mut Breaker) -> Vec<Line> {
    core::iter::from_fn(|| engine.poll_event())
        .map(|event| {
            breaker.observe(&event);
            let name = NAMES.iter().position(|name| *name == event.name.as_str());
            let silent = u64::try_from(event.silent.as_nanos()).expect("short");
            let name = name.expect("one of ours");
            (
                event.kind.as_str(),
                name,
                event.epoch,
                event.kind.cause(),
                silent,
            )
        })
        .collect()
}

/// I2: exactly the watched sessions are filed, none later than its deadline; or, if a sweep came so late
/// that it was counted only then, than the slot after that sweep.
fn check_wheel(engine: &Engine, now: u64) {
    let swept = Tick::from_nanos(now + SLOT);
    for slot in 0..engine.slots() {
        let Some((_, session, _)) = engine.table.at(slot) else {
            continue;
        };
        match session.deadline() {
            Some(deadline) => assert!(
                engine.wheel.is_filed_by(slot, deadline.max(swept)),
                "{session:?}"
            ),
            None => assert!(!engine.wheel.is_filed(slot), "{session:?}"),
        }
    }
}

fn sweep(engine: &mut Engine, breaker: &mut Breaker, now: Tick) {
    while engine.poll_timeout().is_some_and(|due| due <= now) {
        engine.handle_timeout(now, breaker);
    }
}

/// Six sessions are no mass.
fn breaker() -> Breaker {
    Breaker::new(BreakerConfig::default(), 1).unwrap()
}

/// Both side by side.
struct Pair {
    engine: Engine,
    breaker: Breaker,
    model: Model,
    nanos: u64,
    ended: BTreeSet<(usize, u32)>,
}

impl Pair {
    fn new(fatal: bool, steps: u32) -> Self {
        let on_disconnect = if fatal {
            OnDisconnect::Dead
        } else {
            OnDisconnect::Suspect
        };
        let config = Config {
            on_disconnect,
            max_steps_per_call: steps,
            retention: Duration::from_secs(1 << 30),
            suspicion: Suspicion::Fixed { intervals: 2.5 },
            ..Config::default()
        };
        Self {
            breaker: breaker(),
            engine: Engine::new(&config).unwrap(),
            model: Model {
                fatal,
                ..Model::default()
            },
            nanos: 0,
            ended: BTreeSet::new(),
        }
    }

    fn step(&mut self, op: Op) {
        let now = Tick::from_nanos(self.nanos);
        let id = |name| self.model.peers.get(&name).map(|peer| peer.id);
        match op {
            Op::Open { name, terms } => {
                let open = Open {
                    name: SessionName::new(NAMES[name]).unwrap(),
                    terms,
                };
                let opened = self.engine.open(now, open).unwrap();
                self.model.open(name, terms, self.nanos, opened);
            }
            Op::Beat { name, vitals } => {
                let done = id(name).is_some_and(|id| self.engine.beat(now, id, vitals).is_ok());
                assert_eq!(done, self.model.beat(name, vitals, self.nanos));
            }
            Op::Detach { name, why } => {
                if let Some(id) = id(name) {
                    self.engine.detach(now, id, why).unwrap();
                }
                self.model.detach(name, why, self.nanos);
            }
            Op::Close { name } => {
                if let Some(id) = id(name) {
                    let _ended_already = self.engine.close(now, id);
                }
                self.model.close(name, self.nanos);
            }
            Op::Fail { name } => {
                if let Some(id) = id(name) {
                    let _ended_already = self.engine.fail(now, id);
                }
                self.model.fail(name, self.nanos);
            }
            Op::Sleep { nanos } => self.nanos += nanos,
            Op::Sweep { nanos } => {
                // On the border of a slot the sweep has no latitude, so the two must agree. Whoever is
                // counted late dies in the slot after it.
                self.nanos = (self.nanos + nanos).next_multiple_of(SLOT);
                for _ in 0..2 {
                    let now = Tick::from_nanos(self.nanos);
                    sweep(&mut self.engine, &mut self.breaker, now);
                    (0..NAMES.len()).for_each(|name| self.model.sweep(name, self.nanos));
                    self.nanos += SLOT;
                }
            }
        }
    }

    fn check(&mut self) {
        let mut found = drain(&mut self.engine, &mut self.breaker);
        let mut expected = core::mem::take(&mut self.model.lines);
        // A sweep may judge the sessions in any order, each one's events stay in theirs.
        found.sort_by_key(|line| line.1);
        expected.sort_by_key(|line| line.1);
        assert_eq!(found, expected);
        for &(kind, name, epoch, ..) in &found {
            let terminal = kind == "dead" || kind == "left";
            assert!(
                !terminal || self.ended.insert((name, epoch)),
                "ended twice (I7)"
            );
        }
        for (name, peer) in &self.model.peers {
            let health = self.engine.health(Tick::from_nanos(self.nanos), peer.id);
            let mut asked = Model {
                peers: [(*name, peer.clone())].into(),
                ..Model::default()
            };
            asked.settle(*name, self.nanos);
            let expected = Some(asked.peers[name].health);
            assert_eq!(health, expected, "however late the sweep (I3)");
        }
        check_wheel(&self.engine, self.nanos);
        self.check_tally();
    }

    /// What the breaker counts is what there is.
    fn check_tally(&self) {
        let living = |peer: &&Peer| !peer.health.is_final();
        let living: Vec<_> = self.model.peers.values().filter(living).collect();
        let count = |wanted: &dyn Fn(&Peer) -> bool| {
            u32::try_from(living.iter().filter(|peer| wanted(peer)).count()).unwrap()
        };
        let tally = self.breaker.all();
        assert_eq!(tally.sessions, count(&|_| true));
        assert_eq!(tally.suspect, count(&|peer| peer.health == Health::Suspect));
        assert_eq!(tally.wedged, count(&|peer| peer.wedged));
        assert!(tally.at_risk <= tally.suspect);
    }
}

/// One step of an engine without a model; `ids` has the latest session of each name.
fn step_alone(
    engine: &mut Engine,
    breaker: &mut Breaker,
    ids: &mut BTreeMap<usize, SessionId>,
    now: &mut u64,
    op: Op,
) {
    let tick = Tick::from_nanos(*now);
    // A session may have ended already; that is not what is looked at here.
    match op {
        Op::Open { name, terms } => {
            let open = Open {
                name: SessionName::new(NAMES[name]).unwrap(),
                terms,
            };
            ids.insert(name, engine.open(tick, open).unwrap().id);
        }
        Op::Beat { name, vitals } => drop(ids.get(&name).map(|id| engine.beat(tick, *id, vitals))),
        Op::Detach { name, why } => drop(ids.get(&name).map(|id| engine.detach(tick, *id, why))),
        Op::Close { name } => drop(ids.get(&name).map(|id| engine.close(tick, *id))),
        Op::Fail { name } => drop(ids.get(&name).map(|id| engine.fail(tick, *id))),
        Op::Sleep { nanos } => *now += nanos,
        Op::Sweep { nanos } => {
            *now += nanos;
            sweep(engine, breaker, Tick::from_nanos(*now));
        }
    }
    drain(engine, breaker);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn agrees_with_a_naive_list(
        ops in prop::collection::vec(op(), 1..120),
        fatal: bool,
        steps in 1..40u32,
    ) {
        let mut pair = Pair::new(fatal, steps);
        for op in ops {
            pair.step(op);
            pair.check();
        }
    }

    /// However patience grows and shrinks, the wheel waits for nobody too long (I2), and nobody is
    /// called Alive for longer than that patience (I3).
    #[test]
    fn learned_deadlines_are_kept(ops in prop::collection::vec(op(), 1..200)) {
        let mut engine = Engine::new(&Config {
            suspicion: Suspicion::Adaptive(SuspicionTarget::default()),
            ..Config::default()
        })
        .unwrap();
        let (mut breaker, mut ids, mut now) = (breaker(), BTreeMap::new(), 0);
        for op in ops {
            step_alone(&mut engine, &mut breaker, &mut ids, &mut now, op);
            check_wheel(&engine, now);
            for view in engine.scan(Tick::from_nanos(now), 0..engine.slots()) {
                let silent = Tick::from_nanos(now).since(view.last_beat);
                prop_assert!(view.health != Health::Alive || silent < view.patience);
                prop_assert!(view.patience <= view.terms.at_risk_after());
            }
        }
    }
}
