//! One thread of load, from its first connection to its last goodbye.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::mpsc::Sender;

use super::clock::{Moment, Spent};
use super::goodbye::{self, Farewell};
use super::links::Links;
use super::pace::Window;
use super::plan::Plan;
use super::ramp::{Ramp, Ramped};
use super::reactor::Reactor;
use super::refusal::Refusal;
use super::tally::{Counters, Tally};
use super::target::Endpoint;

/// How often a thread that waits for others looks up by itself; it is woken for what matters.
const LOOK_UP: Duration = Duration::from_secs(1);

/// What a thread and whoever started it tell each other.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Pinging is to end now.
    stop: AtomicBool,
    window: OnceLock<Window>,
    /// Everything is measured: say goodbye.
    goodbye: AtomicBool,
    up: AtomicU64,
    replies: AtomicU64,
    faults: AtomicU64,
}

impl Shared {
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    pub(super) fn begin(&self, window: Window) {
        let _begun_before = self.window.set(window);
    }

    pub(super) fn dismiss(&self) {
        self.goodbye.store(true, Ordering::Release);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Connections that have been greeted and are not lost.
    pub(super) fn up(&self) -> u64 {
        self.up.load(Ordering::Relaxed)
    }

    /// Answers of any kind so far.
    pub(super) fn replies(&self) -> u64 {
        self.replies.load(Ordering::Relaxed)
    }

    /// Pings that failed or were lost so far.
    pub(super) fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    pub(super) fn publish(&self, links: &Links) {
        let counters = &links.tally.counters;
        let (answered, failed) = (counters.answered, counters.failed);
        self.up.store(links.up as u64, Ordering::Relaxed);
        self.replies.store(answered + failed, Ordering::Relaxed);
        self.faults.store(failed + counters.lost, Ordering::Relaxed);
    }
}

/// What a thread tells.
#[derive(Debug)]
pub(super) enum Word {
    /// It has connected, or cannot.
    Ramped(Result<Ramped, Refusal>),
    /// It has pinged.
    Measured(Box<Outcome>),
    /// It is at its end.
    Ended(io::Result<Farewell>),
}

/// What one thread has measured.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The whole of it, warm-up included.
    pub(super) tally: Tally,
    /// What happened in the window.
    pub(super) window: Counters,
    /// How long the window was in fact.
    pub(super) measured: Duration,
    /// What this thread had of it.
    pub(super) spent: Spent,
    /// Pings that were due and never left.
    pub(super) unsent: u64,
    /// Pings that left and had no answer in time.
    pub(super) unanswered: u64,
    /// Connections at the end of the window.
    pub(super) up: usize,
}

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) plan: Arc<Plan>,
    pub(super) endpoint: Endpoint,
    pub(super) shared: Arc<Shared>,
    pub(super) words: Sender<Word>,
    pub(super) reactor: Reactor,
    pub(super) links: Links,
}

/// Where the counters stood.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Moment,
    spent: Spent,
    counters: Counters,
}

impl Worker {
    /// Does it all, and tells of each step.
    pub(super) fn work(mut self) {
        let ended = self.perform();
        self.tell(Word::Ended(ended));
    }

    fn perform(&mut self) -> io::Result<Farewell> {
        let ramp = Ramp::new(&self.plan, &self.endpoint, self.links.all.len());
        let ramped = ramp.run(&mut self.links, &mut self.reactor, &self.shared);
        self.shared.publish(&self.links);
        self.tell(Word::Ramped(ramped));
        let may_begin = |shared: &Shared| shared.window.get().is_some();
        self.wait_for(|shared| may_begin(shared) || shared.is_stopped())?;
        if let Some(window) = self.shared.window.get().copied() {
            let outcome = self.measure(window)?;
            self.tell(Word::Measured(Box::new(outcome)));
        }
        self.wait_for(|shared| shared.goodbye.load(Ordering::Acquire))?;
        goodbye::say(&mut self.links, &mut self.reactor, &self.plan)
    }

    /// Whoever is no longer interested has ended the program.
    fn tell(&self, word: Word) {
        let _ended = self.words.blocking_send(word);
    }

    /// Keeps an eye on the connections meanwhile.
    fn wait_for(&mut self, done: impl Fn(&Shared) -> bool) -> io::Result<()> {
        while !done(&self.shared) {
            let now = Moment::now();
            self.turn(now, now.plus(LOOK_UP))?;
        }
        Ok(())
    }

    /// Waits for what happens until then, and sees to it.
    fn turn(&mut self, now: Moment, until: Moment) -> io::Result<()> {
        self.reactor.wait_until(until, now)?;
        for (slot, event) in self.reactor.events() {
            self.links.on_event(&self.plan, slot, event);
        }
        self.shared.publish(&self.links);
        Ok(())
    }

    fn measure(&mut self, window: Window) -> io::Result<Outcome> {
        let mut from = None;
        self.links.begin(&self.plan, window);
        let end = loop {
            let now = Moment::now();
            if from.is_none() && now >= window.from {
                from = Some(self.mark(now));
            }
            if now >= window.until {
                // What fell due since the last look is not late yet.
                self.links.call_up(&self.plan, window.until.just_before());
                break now;
            }
            if self.links.up == 0 || self.shared.is_stopped() {
                break now;
            }
            let next = self.links.call_up(&self.plan, now);
            let edge = if from.is_none() {
                window.from
            } else {
                window.until
            };
            self.turn(now, next.min(edge))?;
        };
        let until = self.mark(end);
        let from = from.unwrap_or(until);
        let unsent = self.links.close(end.min(window.until.just_before()));
        let up = self.links.up;
        let unanswered = self.drain()?;
        Ok(Outcome {
            tally: self.links.tally.clone(),
            window: until.counters - from.counters,
            measured: until.at.since(from.at),
            spent: until.spent.since(from.spent),
            unsent,
            unanswered,
            up,
        })
    }

    /// Waits for the last answers; how many did not come.
    fn drain(&mut self) -> io::Result<u64> {
        let patience = Moment::now().plus(self.plan.call_timeout);
        loop {
            let now = Moment::now();
            if self.links.aloft() == 0 {
                return Ok(0);
            }
            if now >= patience {
                return Ok(self.links.give_up(now));
            }
            self.turn(now, patience)?;
        }
    }

    fn mark(&self, at: Moment) -> Mark {
        Mark {
            at,
            spent: Spent::now(),
            counters: self.links.tally.counters,
        }
    }
}
