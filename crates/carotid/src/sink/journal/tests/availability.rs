//! Availability, compared with a model that walks time second by second.

use std::time::Duration;

use carotid_core::EventKind;
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::sink::api;
use crate::sink::journal::archive::{Reach, Subject};
use crate::sink::journal::sweep::{Keep, Sweep};
use crate::sink::journal::wall::Moment;

/// Shortly before an hour is over.
const BEGIN_S: i64 = 1_000_000 * 3600 + 3000;

/// Nothing is old enough to be forgotten.
const KEEP: Keep = Keep {
    raw_ms: i64::MAX / 2,
    hours_ms: i64::MAX / 2,
    max_bytes: i64::MAX,
};

const NAMES: [&str; 3] = ["pay/1", "pay/2", "solo"];

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u16),
    /// The name does what it can; which of that is drawn.
    Act(usize, u8),
    Stall(u16),
    Restart(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..900u16).prop_map(Step::Wait),
        8 => (0..NAMES.len(), any::<u8>()).prop_map(|(who, what)| Step::Act(who, what)),
        1 => (5..500u16).prop_map(Step::Stall),
        1 => (0..900u16).prop_map(Step::Restart),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Second {
    Unwatched,
    Up,
    Down,
    Unknown,
}

/// A name or a service, second by second.
#[derive(Debug, Default)]
struct Walked {
    seconds: Vec<Second>,
}

impl Walked {
    fn sum(&self, absent: &[bool]) -> [u64; 4] {
        let mut sums = [0; 4];
        for (second, absent) in self.seconds.iter().zip(absent) {
            let known = match second {
                Second::Unwatched => 3,
                _ if *absent => 2,
                Second::Up => 0,
                Second::Down => 1,
                Second::Unknown => 2,
            };
            sums[known] += 1000;
        }
        sums
    }
}

#[derive(Clone, Debug)]
struct Life {
    peer: Peer,
    opened: usize,
    is_unheard: bool,
}

/// Everything as it truly was.
struct World {
    books: Books,
    now: usize,
    lives: [Option<Life>; 3],
    names: [Walked; 3],
    /// What the name is while nobody has it.
    after: [Second; 3],
    service: Walked,
    service_after: Second,
    absent: Vec<bool>,
    sweep: Sweep,
    /// How much of the time was no stall.
    attended: usize,
}

impl World {
    fn new() -> Self {
        Self {
            books: Books::begin(ms(0)),
            now: 0,
            lives: [None, None, None],
            names: Default::default(),
            after: [Second::Unwatched; 3],
            service: Walked::default(),
            service_after: Second::Unwatched,
            absent: Vec::new(),
            sweep: Sweep::default(),
            attended: 0,
        }
    }

    fn pass(&mut self, seconds: u16, absent: bool) {
        for _ in 0..seconds {
            for (who, walked) in self.names.iter_mut().enumerate() {
                let is_there = self.lives[who].is_some();
                walked.seconds.push(if is_there {
                    Second::Up
                } else {
                    self.after[who]
                });
            }
            let second = self.service_now();
            self.service.seconds.push(second);
            self.absent.push(absent);
            self.now += 1;
            self.attended += usize::from(!absent);
        }
    }

    /// What goes on between two batches.
    fn sweep(&mut self) {
        let now = Moment {
            wall: ms(self.now),
            machine: Duration::from_secs(self.now as u64),
            attended: Duration::from_secs(self.attended as u64),
        };
        let store = self.books.store();
        self.sweep.look_at_clock(store, now).unwrap();
        self.sweep.step(store, &KEEP, now, 0).unwrap();
    }

    fn service_now(&self) -> Second {
        let lives = self.lives[..2].iter().flatten();
        let lives: Vec<_> = lives.collect();
        if lives.is_empty() {
            return self.service_after;
        }
        let count = |is: fn(&Life) -> bool| lives.iter().filter(|life| is(life)).count();
        let unheard = count(|life| life.is_unheard);
        let suspect = count(|life| !life.is_unheard && life.peer.is_suspect);
        let well = lives.len() - unheard - suspect;
        let word = |well: usize, unfit: usize| match (well, unfit) {
            (0, _) => "fail",
            (_, 0) => "pass",
            _ => "warn",
        };
        let (best, worst) = (word(well + unheard, suspect), word(well, suspect + unheard));
        match best {
            _ if best != worst => Second::Unknown,
            "fail" => Second::Down,
            _ => Second::Up,
        }
    }

    fn act(&mut self, who: usize, what: u8) {
        let seq = self.books.number();
        let now = self.now;
        let Some(mut life) = self.lives[who].take() else {
            let peer = Peer {
                name: NAMES[who].to_owned(),
                session: seq,
                is_suspect: false,
            };
            self.tell(&peer, seq, OPENED, 0);
            self.lives[who] = Some(Life {
                peer,
                opened: now,
                is_unheard: false,
            });
            return;
        };
        let kind = match (life.peer.is_suspect, what % 4) {
            (_, 0) => EventKind::Left,
            (_, 1) => DEAD,
            (true, _) => EventKind::Back,
            (false, _) => SUSPECT,
        };
        let most = if life.is_unheard {
            0
        } else {
            (now - life.opened).min(60)
        };
        let silent = usize::from(what) % (most + 1);
        self.tell(&life.peer, seq, kind, i64::try_from(silent).unwrap() * 1000);
        life.is_unheard = false;
        life.peer.is_suspect = kind == SUSPECT;
        if !kind.is_terminal() {
            self.lives[who] = Some(life);
            return;
        }
        self.after[who] = Second::Unwatched;
        if kind == DEAD {
            self.after[who] = Second::Down;
            self.names[who].seconds[now - silent..].fill(Second::Down);
        }
        if who < 2 {
            self.service_after = self.after[who];
        }
    }

    fn tell(&mut self, peer: &Peer, seq: i64, kind: EventKind, silent_ms: i64) {
        let at = ms(self.now);
        self.books.write(&[peer.turn(seq, at, kind, silent_ms)], at);
    }

    fn stall(&mut self, seconds: u16) {
        let (seq, at) = (self.books.number(), ms(self.now));
        self.pass(seconds, true);
        // Before anybody tells of it.
        self.sweep();
        let stall = Entry {
            seq,
            at,
            kind: "stalled",
            what: What::Stall {
                ms: i64::from(seconds) * 1000,
                detail: "{}".to_owned(),
            },
        };
        self.books.write(&[stall], ms(self.now));
    }

    fn restart(&mut self, seconds: u16) {
        self.books.write(&[], ms(self.now));
        self.pass(seconds, true);
        for life in self.lives.iter_mut().flatten() {
            life.is_unheard = true;
            life.peer.is_suspect = true;
        }
        self.books.restart(ms(self.now));
        self.sweep = Sweep::default();
    }

    fn check(&self, subject: Subject, walked: &Walked, since: usize) {
        let wall = |second| Timestamp::from_millisecond(ms(second)).unwrap();
        let reach = Reach {
            before: None,
            since: wall(since),
            limit: 10,
        };
        let history = self
            .books
            .archive()
            .history(&subject, reach, wall(self.now));
        let Some(history) = history.unwrap() else {
            assert!(
                walked
                    .seconds
                    .iter()
                    .all(|second| *second == Second::Unwatched)
            );
            return;
        };
        // A service's history begins with a whole hour, which may be before everything.
        let asked = history.since.as_millisecond() / 1000 - BEGIN_S;
        let since = usize::try_from(asked).unwrap_or(0);
        let walked = Walked {
            seconds: walked.seconds[since..].to_vec(),
        };
        let mut expected = walked.sum(&self.absent[since..]);
        expected[3] += (-asked).max(0).unsigned_abs() * 1000;
        assert_eq!(parts(&history), expected, "{subject:?} since {since}");
    }
}

fn ms(second: usize) -> i64 {
    (BEGIN_S + i64::try_from(second).unwrap()) * 1000
}

fn parts(history: &api::History) -> [u64; 4] {
    let of = history.availability;
    [of.up_ms, of.down_ms, of.unknown_ms, of.unwatched_ms]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn availability_is_what_a_walk_through_time_finds(steps in prop::collection::vec(step(), 1..40), since in any::<prop::sample::Index>()) {
        let mut world = World::new();
        for step in steps {
            match step {
                Step::Wait(seconds) => {
                    world.pass(seconds, false);
                    world.sweep();
                }
                Step::Act(who, what) => world.act(who, what),
                Step::Stall(seconds) => world.stall(seconds),
                Step::Restart(seconds) => world.restart(seconds),
            }
        }
        world.pass(1, false);
        let since = since.index(world.now);
        for (who, name) in NAMES.into_iter().enumerate() {
            world.check(Subject::Name(name.to_owned()), &world.names[who], since);
        }
        world.check(Subject::Service("pay".to_owned()), &world.service, since);
    }
}
