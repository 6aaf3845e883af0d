//! Peers, networks and a monitor that all fail, in virtual time.
//!
//! A seed decides everything. The monitor is the engine as the library's driver runs it; what peers
//! send reaches it over links that lose and delay, it stalls and is replaced, and the
//! [`history`](crate::history) judges whether it was right. The first law that is broken ends a run.

use std::time::Duration;

use carotid_core::Tick;

use crate::history::{History, Law, Listening, Settings, Violation};
use crate::random::Random;

mod connection;
mod fault;
mod input;
mod monitor;
mod path;
mod peer;
mod plan;
mod schedule;

pub(crate) use self::connection::Handle;

use self::connection::Connection;
use self::monitor::Monitor;
use self::path::{seconds, tick};
use self::peer::Peer;
use self::plan::Plan;
use self::schedule::{Action, Schedule};

/// What came of a seed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How many sessions were opened.
    pub sessions: u64,
    /// How many events the engines told.
    pub events: u64,
    /// How often there was mass silence.
    pub incidents: u64,
    /// The virtual time until everything had ended.
    pub simulated: Duration,
    /// One number for everything that was concluded: the same for the same seed.
    pub hash: u64,
    /// The law that was broken, if one was.
    pub violation: Option<Violation>,
    /// What was asked to be written down.
    pub trace: Vec<String>,
}

/// Runs the world of a seed.
#[must_use]
pub fn run(seed: u64, listening: Listening) -> Outcome {
    let mut random = Random::seeded(seed);
    let plan = Plan::drawn(&mut random);
    World::new(plan, random, listening).run()
}

/// Runs the world of a seed with and without the jumps of the clock on the wall, which must make no
/// difference.
#[must_use]
pub fn run_with_and_without_jumps(seed: u64) -> Outcome {
    let mut outcome = run(seed, Listening::Nothing);
    let mut random = Random::seeded(seed);
    let mut plan = Plan::drawn(&mut random);
    plan.jumps.clear();
    let without = World::new(plan, random, Listening::Nothing).run();
    if outcome.violation.is_none() && without.hash != outcome.hash {
        let detail = format!("{:x} without jumps is not {:x}", without.hash, outcome.hash);
        outcome.violation = Some(Violation::new(Law::WallClock, detail));
    }
    outcome
}

/// Runs so many peers with the recipe's terms, 10 s and 60 s, on links where nothing special
/// happens, for so long: to see how fast this is.
#[must_use]
pub fn run_crowd(peers: usize, length: Duration) -> Outcome {
    let mut random = Random::seeded(1);
    let plan = Plan::crowd(&mut random, peers, length.as_secs_f64());
    World::new(plan, random, Listening::Nothing).run()
}

#[derive(Debug)]
struct World {
    plan: Plan,
    schedule: Schedule,
    clock: Tick,
    monitor: Monitor,
    history: History,
    peers: Vec<Peer>,
    connections: Vec<Connection>,
    /// Whether our process runs, exists, and how long it stalled since.
    presence: Presence,
    random: Random,
    /// When everything had ended.
    over_at: Option<Tick>,
    /// A last session, which must die on its own.
    witness: Option<usize>,
    /// Messages that are under way.
    under_way: u32,
}

/// Whether the monitor can do anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Runs,
    /// It stalls since then; what arrives queues up.
    Stalls(Tick),
    /// There is no process.
    Gone,
}

impl World {
    fn new(plan: Plan, mut random: Random, listening: Listening) -> Self {
        let settings = Settings {
            suspicion: plan.config.suspicion,
            on_disconnect: plan.config.on_disconnect,
            breaker: plan.breaker,
        };
        let mut history = History::new(settings, plan.shards, listening);
        let monitor = Monitor::new(&plan, random.split(), Tick::default());
        let mut schedule = Schedule::default();
        let mut peers = Vec::new();
        for (index, peer) in plan.peers.iter().enumerate() {
            history.watch(peer.name.clone(), peer.service);
            peers.push(Peer::new(peer, random.split()));
            schedule.at(
                tick(peer.starts),
                Action::Return {
                    peer: index,
                    life: 0,
                },
            );
            for (number, (at, _)) in peer.mishaps.iter().enumerate() {
                schedule.at(
                    tick(*at),
                    Action::Mishap {
                        peer: index,
                        number,
                    },
                );
            }
        }
        for (number, stall) in plan.stalls.iter().enumerate() {
            schedule.at(tick(stall.from), Action::Stall { number });
            schedule.at(tick(stall.from + stall.length), Action::Wake { number });
        }
        if let Some((at, gone_for)) = plan.restart {
            schedule.at(tick(at), Action::Stop);
            schedule.at(tick(at + gone_for), Action::Start);
        }
        for (number, (at, _)) in plan.jumps.iter().enumerate() {
            schedule.at(tick(*at), Action::Jump { number });
        }
        schedule.at(tick(plan.asks_every), Action::Ask);
        schedule.at(tick(plan.end), Action::End);
        Self {
            schedule,
            clock: Tick::default(),
            monitor,
            history,
            peers,
            connections: Vec::new(),
            presence: Presence::Runs,
            random,
            over_at: None,
            witness: None,
            under_way: 0,
            plan,
        }
    }

    fn run(mut self) -> Outcome {
        let violation = self.live().err();
        let over_at = self.over_at.unwrap_or(self.clock);
        Outcome {
            sessions: self.history.sessions(),
            events: self.history.events(),
            incidents: self.history.incidents(),
            simulated: over_at.since(Tick::default()),
            hash: self.history.hash(),
            violation,
            trace: self.history.trace.lines(),
        }
    }

    fn live(&mut self) -> Result<(), Violation> {
        while let Some((clock, action)) = self.schedule.next() {
            self.clock = clock;
            self.act(action)?;
        }
        self.history.conclude()?;
        self.monitor.check_ledger(&self.history)
    }

    fn act(&mut self, action: Action) -> Result<(), Violation> {
        match action {
            Action::Beat { peer, life } => self.on_beat_due(peer, life),
            Action::Connect { peer, life } => self.on_connect(peer, life),
            Action::Abandon {
                peer,
                life,
                connection,
            } => self.on_abandon(peer, life, connection),
            Action::Notice {
                peer,
                life,
                connection,
            } => self.on_notice(peer, life, connection),
            Action::Refuse {
                peer,
                life,
                connection,
            } => self.on_refused(peer, life, connection),
            Action::Mishap { peer, number } => self.on_mishap(peer, number)?,
            Action::Return { peer, life } => self.on_return(peer, life),
            Action::Arrive {
                connection,
                message,
            } => self.on_arrival(connection, message)?,
            Action::Drain { connection, round } => self.on_drain(connection, round)?,
            Action::Sweep { shard, round } => self.on_sweep(shard, round)?,
            Action::Stall { number } => self.on_stall(number),
            Action::Wake { number } => self.on_wake(number)?,
            Action::Stop => self.on_stop(),
            Action::Start => self.on_start(),
            Action::Jump { number } => {
                let (_, by) = self.plan.jumps[number];
                self.history.trace.jump(self.clock, by);
            }
            Action::Ask => self.on_ask()?,
            Action::End => self.on_end(),
            Action::Settle => self.on_settle()?,
            Action::Farewell => self.on_farewell()?,
        }
        Ok(())
    }

    /// Plans something after so many seconds.
    fn after(&mut self, delay: f64, action: Action) {
        let at = self.clock.after(Duration::from_secs_f64(delay));
        self.schedule.at(at, action);
    }

    fn on_sweep(&mut self, shard: usize, round: u32) -> Result<(), Violation> {
        if self.presence != Presence::Runs || !self.monitor.rings(shard, round) {
            return Ok(());
        }
        self.monitor.sweep(self.clock, shard, &mut self.history)?;
        self.rearm(shard);
        if self.over_at.is_none() && self.is_ending() && self.history.is_over() {
            self.over_at = Some(self.clock);
        }
        Ok(())
    }

    /// Sees to it that a shard's deadline task wakes in time.
    fn rearm(&mut self, shard: usize) {
        if let Some((wake, round)) = self.monitor.rearm(self.clock, shard) {
            self.schedule.at(wake, Action::Sweep { shard, round });
        }
    }

    fn on_ask(&mut self) -> Result<(), Violation> {
        if self.presence == Presence::Runs {
            // Asking looks at the clock, as everybody does.
            self.monitor.now(self.clock, &mut self.history);
            let (engines, breaker) = (&self.monitor.engines, &self.monitor.breaker);
            self.history.ask(self.clock, engines, breaker)?;
        }
        if !self.is_ending() || self.over_at.is_none() {
            let delay = self.random.exponential(self.plan.asks_every);
            self.after(delay, Action::Ask);
        }
        Ok(())
    }

    fn is_ending(&self) -> bool {
        self.plan.end <= seconds(self.clock)
    }
}

#[cfg(test)]
mod tests;
