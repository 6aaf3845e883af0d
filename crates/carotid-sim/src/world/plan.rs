//! Everything that a seed decides in advance.

use std::rc::Rc;
use std::time::Duration;

use carotid_core::Terms;
use carotid_core::{BreakerConfig, Config, OnDisconnect, SessionName, Suspicion, SuspicionTarget};

use super::path::{Cut, Medium};
use crate::random::Random;

/// What a world is like, and what will happen to it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) shards: usize,
    pub(super) config: Config,
    pub(super) breaker: BreakerConfig,
    pub(super) breaker_seed: u64,
    pub(super) peers: Vec<PeerPlan>,
    pub(super) stalls: Vec<Stall>,
    /// When our process is replaced, and how long that takes.
    pub(super) restart: Option<(f64, f64)>,
    /// Whether what takes its place knows what it knew.
    pub(super) has_journal: bool,
    /// When the clock on the wall jumps, and by how much.
    pub(super) jumps: Vec<(f64, f64)>,
    /// Mean seconds between two questions.
    pub(super) asks_every: f64,
    /// When all peers fall silent.
    pub(super) end: f64,
}

/// A span in which we do not run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    pub(super) from: f64,
    pub(super) length: f64,
    /// The part of it in which the whole machine slept.
    pub(super) suspended: f64,
}

/// One peer.
#[derive(Debug)]
pub(super) struct PeerPlan {
    pub(super) name: SessionName,
    pub(super) service: Option<usize>,
    pub(super) terms: Terms,
    pub(super) medium: Medium,
    pub(super) cuts: Rc<[Cut]>,
    /// Whether it opens a session before it beats, or only ever beats.
    pub(super) says_hello: bool,
    /// Whether its beats tell of its main loop.
    pub(super) tells_progress: bool,
    /// By how much its clock is slow.
    pub(super) drift: f64,
    /// Deviation of its sending times, in seconds.
    pub(super) jitter: f64,
    /// After how many seconds without progress it gives a connection up.
    pub(super) patience: f64,
    pub(super) starts: f64,
    pub(super) mishaps: Vec<(f64, Mishap)>,
}

/// What befalls a peer, with seconds where there is a length.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mishap {
    /// It stops in some way, and may come back.
    Crash { way: Crash, back_after: Option<f64> },
    /// It says goodbye, and may come back.
    Leave { back_after: Option<f64> },
    /// It does nothing for a while, and its timer stands still.
    Pause { length: f64 },
    /// It beats, but its main loop hangs.
    Wedge { length: f64 },
    /// It connects once more beside what it has, with other wishes.
    Second { terms: Terms },
    /// We close one of its connections.
    Evict,
    /// With its next beat it is told of other terms.
    Revise { terms: Terms },
}

/// What the rest of the world sees of a crash.
#[derive(Clone, Copy, Debug)]
pub(super) enum Crash {
    Silent,
    Closed,
    Reset,
}

impl Plan {
    /// What this seed decides.
    pub(super) fn drawn(random: &mut Random) -> Self {
        let base = logarithmic(random, 0.1, 10.0);
        let end = (base * random.uniform(60.0, 120.0)).clamp(60.0, 900.0);
        let most_peers = if base < 0.4 { 25 } else { 60 };
        let count = 10 + random.below(most_peers - 9);
        let services = 1 + random.below(4);
        let timeout = base * 5.0;
        let groups = Groups::drawn(random, services, end, timeout);
        let is_uniform = chance(random, 0.6);
        let terms: Vec<_> = (0..services).map(|_| draw_terms(random, base)).collect();
        let singles = if chance(random, 0.5) { 0.3 } else { 0.0 };
        let peers = (0..count)
            .map(|number| {
                let service = (!chance(random, singles)).then(|| number % services);
                let agreed = service.filter(|_| is_uniform).map(|service| terms[service]);
                let terms = agreed.unwrap_or_else(|| draw_terms(random, base));
                PeerPlan::drawn(&mut random.split(), number, service, terms, &groups, end)
            })
            .collect();
        Self {
            shards: 1 + random.below(4),
            config: draw_config(random),
            breaker: draw_breaker(random, base),
            breaker_seed: random.next(),
            peers,
            stalls: draw_stalls(random, end, timeout),
            restart: chance(random, 0.2)
                .then(|| (random.uniform(0.2, 0.8) * end, random.uniform(0.1, 5.0))),
            jumps: (0..random.below(4))
                .map(|_| (random.uniform(0.0, end), random.uniform(-3600.0, 3600.0)))
                .collect(),
            asks_every: end / 60.0,
            end,
            has_journal: chance(random, 0.5),
        }
    }

    /// So many peers on quiet links, with the classic recipe's terms: for measuring speed.
    pub(super) fn crowd(random: &mut Random, count: usize, end: f64) -> Self {
        let groups = Groups {
            cuts: vec![Vec::new().into(); 9],
        };
        let peers = (0..count).map(|number| {
            let random = &mut random.split();
            let terms = Terms::default();
            let mut peer = PeerPlan::drawn(random, number, Some(number % 8), terms, &groups, end);
            peer.mishaps.clear();
            peer.starts = random.uniform(0.0, 10.0);
            peer
        });
        Self {
            shards: 4,
            peers: peers.collect(),
            config: Config::default(),
            breaker: BreakerConfig::default(),
            breaker_seed: random.next(),
            stalls: Vec::new(),
            restart: None,
            has_journal: false,
            jumps: Vec::new(),
            asks_every: 60.0,
            end,
        }
    }
}

/// Cuts that silence many at once.
struct Groups {
    /// For each service, and at last for those of none.
    cuts: Vec<Rc<[Cut]>>,
}

impl Groups {
    fn drawn(random: &mut Random, services: usize, end: f64, timeout: f64) -> Self {
        let mut cuts = vec![Vec::new(); services + 1];
        for _ in 0..random.below(4) {
            let from = random.uniform(0.1, 1.0) * end;
            let to = if chance(random, 0.1) {
                f64::INFINITY
            } else {
                from + timeout * logarithmic(random, 0.1, 4.0)
            };
            let only = random.below(services * 2);
            for (service, cuts) in cuts.iter_mut().enumerate() {
                if only >= services || only == service {
                    cuts.push(Cut { from, to });
                }
            }
        }
        Self {
            cuts: cuts.into_iter().map(Into::into).collect(),
        }
    }

    fn of(&self, service: Option<usize>) -> Rc<[Cut]> {
        let last = self.cuts.len() - 1;
        self.cuts[service.unwrap_or(last)].clone()
    }
}

impl PeerPlan {
    fn drawn(
        random: &mut Random,
        number: usize,
        service: Option<usize>,
        terms: Terms,
        groups: &Groups,
        end: f64,
    ) -> Self {
        let name = match service {
            Some(service) => format!("service-{service}/{number}"),
            None => format!("client-{number}"),
        };
        let medium = match random.below(6) {
            0 | 1 => Medium::Lan,
            2 | 3 => Medium::WideArea,
            4 => Medium::Tcp,
            _ => Medium::Datagram,
        };
        let interval = terms.interval().as_secs_f64();
        let mut mishaps = Vec::new();
        while mishaps.len() < 4 && chance(random, 0.4) {
            let at = random.uniform(0.0, end);
            mishaps.push((at, Mishap::drawn(random, terms)));
        }
        Self {
            name: name.parse().expect("letters, a dash, a slash and digits"),
            service,
            terms,
            medium,
            cuts: groups.of(service),
            says_hello: medium != Medium::Datagram && chance(random, 0.6),
            tells_progress: chance(random, 0.5),
            drift: if chance(random, 0.1) {
                random.uniform(-0.03, 0.03)
            } else {
                random.uniform(-0.000_2, 0.000_2)
            },
            jitter: random.uniform(0.000_2, 0.005) * interval.max(0.1),
            patience: (interval * random.uniform(0.5, 4.0)).max(0.5),
            starts: random.uniform(0.0, interval * 2.0),
            mishaps,
        }
    }
}

impl Mishap {
    fn drawn(random: &mut Random, terms: Terms) -> Self {
        let timeout = terms.timeout().as_secs_f64();
        let back_after = chance(random, 0.8).then(|| timeout * logarithmic(random, 0.01, 4.0));
        match random.below(12) {
            0..=4 => Self::Crash {
                way: match random.below(3) {
                    0 => Crash::Silent,
                    1 => Crash::Closed,
                    _ => Crash::Reset,
                },
                back_after,
            },
            5 => Self::Leave { back_after },
            6 | 7 => Self::Pause {
                length: timeout * logarithmic(random, 0.05, 2.0),
            },
            8 => Self::Wedge {
                length: timeout * random.uniform(0.2, 3.0),
            },
            9 => Self::Second {
                terms: near(random, terms),
            },
            10 => Self::Evict,
            _ => Self::Revise {
                terms: near(random, terms),
            },
        }
    }
}

fn draw_config(random: &mut Random) -> Config {
    Config {
        suspicion: if chance(random, 0.4) {
            Suspicion::Fixed {
                intervals: random.uniform(1.0, 5.0),
            }
        } else {
            Suspicion::Adaptive(SuspicionTarget::default())
        },
        on_disconnect: if chance(random, 0.2) {
            OnDisconnect::Dead
        } else {
            OnDisconnect::Suspect
        },
        max_steps_per_call: if chance(random, 0.3) { 3 } else { 1024 },
        hash_seed: random.next(),
        ..Config::default()
    }
}

fn draw_breaker(random: &mut Random, base: f64) -> BreakerConfig {
    let mut breaker = BreakerConfig::default();
    if chance(random, 0.2) {
        let hold = base * random.uniform(0.1, 6.0);
        breaker.max_hold = Some(Duration::from_secs_f64(hold));
    }
    if chance(random, 0.2) {
        breaker.releases_per_second = [2, 5, 20, 100][random.below(4)];
    }
    if chance(random, 0.1) {
        breaker.share = random.uniform(0.05, 0.6);
        breaker.least_sessions = [2, 5, 10, 12][random.below(4)];
    }
    breaker
}

/// Stalls, the long ones about as often as the short, some of them shortly after another.
fn draw_stalls(random: &mut Random, end: f64, timeout: f64) -> Vec<Stall> {
    let mut stalls: Vec<Stall> = Vec::new();
    let mut at = random.uniform(0.0, 0.7) * end;
    for _ in 0..random.below(5) {
        let length = if chance(random, 0.2) {
            // Too short for a stall.
            random.uniform(0.02, 0.15)
        } else {
            logarithmic(random, 0.3, 0.4 + timeout * 3.0)
        };
        let suspended = if chance(random, 0.3) {
            length * random.uniform(0.1, 1.0)
        } else {
            0.0
        };
        stalls.push(Stall {
            from: at,
            length,
            suspended,
        });
        at += length
            + if chance(random, 0.2) {
                random.uniform(0.1, 1.0)
            } else {
                random.uniform(1.0, end / 3.0)
            };
    }
    stalls.retain(|stall| stall.from + stall.length < end * 0.98);
    stalls
}

fn draw_terms(random: &mut Random, base: f64) -> Terms {
    let interval = if chance(random, 0.1) {
        // Terms are the peers' choice, and need not be like those of their neighbours.
        logarithmic(random, 0.1, 100.0)
    } else {
        (base * logarithmic(random, 0.5, 2.0)).clamp(0.1, 10.0)
    };
    let timeout = interval * random.uniform(2.001, 8.0);
    let stall = if chance(random, 0.2) {
        random.uniform(0.0, (timeout - interval * 2.0) * 0.999)
    } else {
        0.0
    };
    terms(interval, timeout, stall)
}

/// Other terms, not far away.
fn near(random: &mut Random, agreed: Terms) -> Terms {
    let interval = agreed.interval().as_secs_f64() * logarithmic(random, 0.5, 2.0);
    terms(interval, interval * random.uniform(2.001, 8.0), 0.0)
}

fn terms(interval: f64, timeout: f64, longest_stall: f64) -> Terms {
    let seconds = Duration::from_secs_f64;
    Terms::new(seconds(interval), seconds(timeout))
        .and_then(|terms| terms.with_longest_stall(seconds((longest_stall - 0.001).max(0.0))))
        .expect("it was drawn so that they fit")
}

pub(super) fn chance(random: &mut Random, probability: f64) -> bool {
    random.unit() < probability
}

/// Each octave between two bounds is as likely as another.
pub(super) fn logarithmic(random: &mut Random, from: f64, to: f64) -> f64 {
    random.uniform(from.ln(), to.ln()).exp()
}
