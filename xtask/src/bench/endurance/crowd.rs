//! Many peers on one thread with one epoll set: steady ones that ping for ever, and visitors.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::event::epoll::{self, EventData, EventFlags};

use super::peer::Peer;
use super::tally::Tally;
use super::visitor::{Step, Visitor};
use crate::clock::Stopwatch;

/// A reply that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// The generator looks at its schedule this often, if nothing else wakes it.
const TURN: Duration = Duration::from_millis(1);

/// Connections that wait for their first reply at most, while the steady peers connect.
const GREETINGS: u64 = 128;

/// Places of visitors come after those of steady peers.
const VISITORS: usize = 1 << 32;

/// How much happens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Each steady peer pings once in this time, all of them evenly spread over it.
    pub(crate) period: Duration,
    /// Visitors a second.
    pub(crate) visitors: u32,
}

/// All connections to one server.
#[derive(Debug)]
pub(crate) struct Crowd {
    address: SocketAddr,
    pace: Pace,
    epoll: rustix::fd::OwnedFd,
    steady: Vec<Option<Peer>>,
    visitors: Vec<Option<Visitor>>,
    free: Vec<usize>,
    /// Visitors in the order in which they came, with the time at which they are overdue.
    overdue: VecDeque<(Duration, usize, u64)>,
    watch: Stopwatch,
    /// When the schedule began, in the watch's time.
    began: Duration,
    /// When the schedule was last looked at.
    looked: Duration,
    pings: u64,
    visits: u64,
    input: Vec<u8>,
    batch: Vec<u8>,
    tally: Tally,
}

impl Crowd {
    /// Connects the steady peers, and has a first ping answered on each.
    pub(crate) fn gather(address: SocketAddr, steady: usize, pace: Pace) -> anyhow::Result<Self> {
        let mut crowd = Self {
            address,
            pace,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            steady: Vec::with_capacity(steady),
            visitors: Vec::new(),
            free: Vec::new(),
            overdue: VecDeque::new(),
            watch: Stopwatch::start(),
            began: Duration::ZERO,
            looked: Duration::ZERO,
            pings: 0,
            visits: 0,
            input: vec![0; 4096],
            batch: Vec::new(),
            tally: Tally::default(),
        };
        for place in 0..steady {
            let peer = Peer::connect(address, format!("steady/{place:08}"))?;
            crowd.watch_for(&peer, place, EventFlags::OUT)?;
            crowd.steady.push(Some(peer));
            crowd.tally.connections += 1;
            crowd.turn(Duration::ZERO)?;
            crowd.wait_for_greetings()?;
        }
        crowd.settle()?;
        crowd.tally.forget_latencies();
        crowd.began = crowd.watch.elapsed();
        crowd.looked = crowd.began;
        Ok(crowd)
    }

    /// Leaves the server time to take the connections that are there: its backlog has an end, and what
    /// the kernel drops then comes again only after seconds.
    fn wait_for_greetings(&mut self) -> anyhow::Result<()> {
        let until = self.watch.elapsed() + PATIENCE;
        while self.tally.replies + GREETINGS < self.tally.connections {
            ensure!(self.watch.elapsed() < until, "the server does not answer");
            self.turn(TURN)?;
        }
        Ok(())
    }

    /// Goes on for a while.
    pub(crate) fn run(&mut self, duration: Duration) -> anyhow::Result<()> {
        let until = self.watch.elapsed() + duration;
        while self.watch.elapsed() < until {
            self.keep_the_schedule()?;
            self.turn(TURN)?;
        }
        Ok(())
    }

    /// The visitors leave; what is in flight is waited for, and what does not come is lost.
    pub(crate) fn settle(&mut self) -> anyhow::Result<()> {
        let until = self.watch.elapsed() + PATIENCE;
        let is_busy = |crowd: &Self| {
            let steady = crowd.steady.iter().flatten();
            crowd.visitors.iter().any(Option::is_some)
                || steady
                    .clone()
                    .any(|peer| !peer.is_greeted() || peer.awaits_since().is_some())
        };
        while is_busy(self) && self.watch.elapsed() < until {
            self.turn(TURN)?;
        }
        self.drop_the_overdue(Duration::MAX);
        for place in 0..self.steady.len() {
            self.drop_if_late(place, Duration::MAX);
        }
        Ok(())
    }

    /// Everybody goes.
    pub(crate) fn leave(self) -> Tally {
        self.tally
    }

    /// Sends what is due by now.
    fn keep_the_schedule(&mut self) -> anyhow::Result<()> {
        let now = self.watch.elapsed();
        self.tally.away(now.saturating_sub(self.looked));
        self.looked = now;
        let running = now.saturating_sub(self.began).as_secs_f64();
        let visits = running * f64::from(self.pace.visitors);
        while (self.visits as f64) < visits {
            self.visits += 1;
            self.welcome(now)?;
        }
        if self.steady.is_empty() {
            return Ok(());
        }
        let pings = running / self.pace.period.as_secs_f64() * self.steady.len() as f64;
        while (self.pings as f64) < pings {
            let place = usize::try_from(self.pings % self.steady.len() as u64)?;
            self.pings += 1;
            self.drop_if_late(place, now);
            let Some(peer) = &mut self.steady[place] else {
                continue;
            };
            // One that still waits within its patience skips a turn.
            if peer.awaits_since().is_some() {
                continue;
            }
            self.tally.calls += 1;
            if let Err(error) = peer.ping(now, &mut self.batch) {
                self.steady[place] = None;
                self.tally.fault(format!("steady: {error:#}"));
            }
        }
        self.drop_the_overdue(now);
        Ok(())
    }

    fn welcome(&mut self, now: Duration) -> anyhow::Result<()> {
        let visitor = match Visitor::connect(self.address, self.visits) {
            Ok(visitor) => visitor,
            Err(error) => {
                self.tally.fault(format!("visitor: {error:#}"));
                return Ok(());
            }
        };
        self.tally.connections += 1;
        let place = self.free.pop().unwrap_or(self.visitors.len());
        if place == self.visitors.len() {
            self.visitors.push(None);
        }
        self.watch_for(visitor.peer(), VISITORS + place, EventFlags::OUT)?;
        let overdue = now + 2 * PATIENCE;
        self.overdue.push_back((overdue, place, visitor.number));
        self.visitors[place] = Some(visitor);
        Ok(())
    }

    /// Waits for sockets to be ready, and goes on with each.
    fn turn(&mut self, wait: Duration) -> anyhow::Result<()> {
        let wait = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        let mut events = Vec::with_capacity(1024);
        epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut events),
            Some(&wait),
        )?;
        let now = self.watch.elapsed();
        for event in &events {
            let place = usize::try_from(event.data.u64())?;
            match place.checked_sub(VISITORS) {
                Some(place) => self.on_visitor(place, now)?,
                None => self.on_steady(place, now)?,
            }
        }
        Ok(())
    }

    fn on_steady(&mut self, place: usize, now: Duration) -> anyhow::Result<()> {
        let Some(peer) = &mut self.steady[place] else {
            return Ok(());
        };
        let done = if peer.is_greeted() {
            peer.receive(&mut self.input, now).map(|took| {
                if let Some(took) = took {
                    self.tally.reply(took);
                }
            })
        } else {
            self.tally.calls += 1;
            peer.greet(now).and_then(|()| {
                let event = EventData::new_u64(u64::try_from(place)?);
                Ok(epoll::modify(
                    &self.epoll,
                    peer.stream(),
                    event,
                    EventFlags::IN,
                )?)
            })
        };
        if let Err(error) = done {
            self.steady[place] = None;
            self.tally.fault(format!("steady: {error:#}"));
        }
        Ok(())
    }

    fn on_visitor(&mut self, place: usize, now: Duration) -> anyhow::Result<()> {
        let Some(visitor) = &mut self.visitors[place] else {
            return Ok(());
        };
        let was_greeted = visitor.peer().is_greeted();
        let tally = &mut self.tally;
        let step = visitor.step(&mut self.input, now, |took| tally.reply(took));
        let done = match step {
            Ok(Step::Stays { calls }) => {
                self.tally.calls += calls;
                if was_greeted {
                    return Ok(());
                }
                let event = EventData::new_u64(u64::try_from(VISITORS + place)?);
                let stream = visitor.peer().stream();
                return epoll::modify(&self.epoll, stream, event, EventFlags::IN)
                    .context("cannot watch a visitor");
            }
            Ok(Step::Leaves) => self.visitors[place].take().map_or(Ok(()), Visitor::leave),
            Err(error) => Err(error),
        };
        self.free(place, done.map_err(|error| format!("visitor: {error:#}")));
        Ok(())
    }

    fn free(&mut self, place: usize, done: Result<(), String>) {
        self.visitors[place] = None;
        self.free.push(place);
        if let Err(fault) = done {
            self.tally.fault(fault);
        }
    }

    fn drop_the_overdue(&mut self, now: Duration) {
        while let Some(&(at, place, number)) = self.overdue.front()
            && at <= now
        {
            self.overdue.pop_front();
            let is_it = |visitor: &Visitor| visitor.number == number;
            if self.visitors[place].as_ref().is_some_and(is_it) {
                self.free(place, Err("visitor: no answer".to_owned()));
            }
        }
    }

    fn drop_if_late(&mut self, place: usize, now: Duration) {
        let since = self.steady[place].as_ref().and_then(Peer::awaits_since);
        if since.is_some_and(|since| PATIENCE < now.saturating_sub(since)) {
            self.steady[place] = None;
            self.tally.fault("steady: no reply in time");
        }
    }

    fn watch_for(&self, peer: &Peer, place: usize, flags: EventFlags) -> anyhow::Result<()> {
        let event = EventData::new_u64(u64::try_from(place)?);
        epoll::add(&self.epoll, peer.stream(), event, flags).context("cannot watch a connection")
    }
}
