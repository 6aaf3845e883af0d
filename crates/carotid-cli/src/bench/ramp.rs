//! Connecting, not faster than the server accepts.
//!
//! A connection counts once its first ping is answered, and only a few may be on the way to that at a
//! time: at first one, then twice as many with every success. So a listener's backlog is never overrun,
//! and what is wrong with a server is found out by the first connection alone.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::event::Event;

use super::clock::Moment;
use super::link::Lost;
use super::links::Links;
use super::plan::Plan;
use super::reactor::Reactor;
use super::refusal::Refusal;
use super::target::Endpoint;
use super::wire::Said;
use super::worker::Shared;

/// Connections without a first answer, in each thread; the smallest backlog in use is 128.
const MOST_AT_ONCE: usize = 64;

/// How often a connection is tried again once others have succeeded, and how long after a failure.
const RETRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// What became of it.
#[derive(Debug)]
pub(super) struct Ramped {
    pub(super) retries: u64,
    pub(super) took: Duration,
    /// Ours, by which the server's sockets are found.
    pub(super) addresses: Vec<SocketAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Connecting { until: Moment },
    Greeting { until: Moment },
    Up,
}

#[derive(Debug)]
pub(super) struct Ramp<'a> {
    plan: &'a Plan,
    endpoint: &'a Endpoint,
    stages: Vec<Stage>,
    /// Connections to be begun, with how often that was tried.
    waiting: VecDeque<(usize, u32)>,
    /// Connections that have been, in the order in which their patience ends.
    begun: VecDeque<(usize, u32, Moment)>,
    paused_until: Moment,
    at_once: usize,
    /// Connections that are through with it, those that were lost since included: a loss is part of
    /// the run, and nobody connects again.
    greeted: usize,
    retries: u64,
}

impl<'a> Ramp<'a> {
    pub(super) fn new(plan: &'a Plan, endpoint: &'a Endpoint, connections: usize) -> Self {
        Self {
            plan,
            endpoint,
            stages: vec![Stage::Waiting; connections],
            waiting: (0..connections).map(|slot| (slot, 0)).collect(),
            begun: VecDeque::new(),
            paused_until: Moment::now(),
            at_once: 1,
            greeted: 0,
            retries: 0,
        }
    }

    /// Connects all, or as many as there is time for until somebody asks to stop.
    pub(super) fn run(
        mut self,
        links: &mut Links,
        reactor: &mut Reactor,
        shared: &Shared,
    ) -> Result<Ramped, Refusal> {
        let began = Moment::now();
        let connected = self.connect(links, reactor, shared);
        let streams = links.all.iter_mut().zip(&self.stages);
        for (link, _) in streams.filter(|(_, stage)| **stage != Stage::Up) {
            links.tally.counters.lost += link.lose();
        }
        connected?;
        let streams = links.all.iter().filter_map(|link| link.stream());
        Ok(Ramped {
            retries: self.retries,
            took: Moment::now().since(began),
            addresses: streams
                .filter_map(|stream| stream.local_address())
                .collect(),
        })
    }

    fn connect(
        &mut self,
        links: &mut Links,
        reactor: &mut Reactor,
        shared: &Shared,
    ) -> Result<(), Refusal> {
        while self.greeted < self.stages.len() && !shared.is_stopped() {
            let now = Moment::now();
            self.begin(links, reactor, now)?;
            let expiry = self.expire(links, now)?;
            shared.publish(links);
            reactor.wait_until(expiry, now)?;
            for (slot, event) in reactor.events() {
                self.on_event(links, slot, event)?;
            }
        }
        Ok(())
    }

    /// Begins as many connections as may be on their way.
    fn begin(&mut self, links: &mut Links, reactor: &Reactor, now: Moment) -> Result<(), Refusal> {
        while self.begun.len() < self.at_once && self.paused_until <= now {
            let Some((slot, tries)) = self.waiting.pop_front() else {
                return Ok(());
            };
            let connected = self.endpoint.connect().and_then(|mut stream| {
                reactor.add(&mut stream, slot)?;
                Ok(stream)
            });
            match connected {
                Ok(stream) => {
                    let until = now.plus(self.plan.call_timeout);
                    links.all[slot].attach(stream, self.plan);
                    self.stages[slot] = Stage::Connecting { until };
                    self.begun.push_back((slot, tries, until));
                }
                Err(error) => self.retry(links, slot, tries, error.into())?,
            }
        }
        Ok(())
    }

    /// Ends what took too long, and says when to look again.
    fn expire(&mut self, links: &mut Links, now: Moment) -> Result<Moment, Refusal> {
        let after = self.plan.call_timeout;
        while let Some(&(slot, _, until)) = self.begun.front() {
            let (slow, connected) = match self.stages[slot] {
                Stage::Connecting { until: its } => (its == until, false),
                Stage::Greeting { until: its } => (its == until, true),
                Stage::Waiting | Stage::Up => (false, false),
            };
            if slow && until > now {
                break;
            }
            if slow {
                let said = links.all[slot].first_words().to_vec();
                return Err(Refusal::Slow {
                    after,
                    connected,
                    said,
                });
            }
            self.begun.pop_front();
        }
        let next = self.begun.front().map_or(now.plus(after), |next| next.2);
        let is_paused = self.begun.len() < self.at_once && !self.waiting.is_empty();
        Ok(if is_paused {
            next.min(self.paused_until)
        } else {
            next
        })
    }

    fn on_event(&mut self, links: &mut Links, slot: usize, event: &Event) -> Result<(), Refusal> {
        let stage = self.stages.get(slot).copied();
        match stage {
            Some(Stage::Up) => {
                links.on_event(self.plan, slot, event);
                return Ok(());
            }
            Some(Stage::Connecting { until }) => {
                let link = &mut links.all[slot];
                match link.stream().map(|stream| stream.is_connected()) {
                    Some(Ok(true)) => {}
                    Some(Ok(false)) | None => return Ok(()),
                    Some(Err(error)) => return self.fail(links, slot, error.into()),
                }
                self.stages[slot] = Stage::Greeting { until };
                link.allowed = 1;
            }
            Some(Stage::Greeting { .. }) => {}
            Some(Stage::Waiting) | None => return Ok(()),
        }
        match links.greet(self.plan, slot, event) {
            Ok(None) => Ok(()),
            Ok(Some(Said::Error(text))) => Err(Refusal::Error { text }),
            Ok(Some(Said::Other(text))) if self.plan.wording.expects_pong() => {
                Err(Refusal::NotPong { text })
            }
            Ok(Some(Said::Pong | Said::Other(_))) => {
                self.stages[slot] = Stage::Up;
                self.greeted += 1;
                self.begun.retain(|begun| begun.0 != slot);
                self.at_once = (self.at_once * 2).min(MOST_AT_ONCE);
                Ok(())
            }
            Err(why) => {
                let why = Self::refusal(links, slot, why);
                self.fail(links, slot, why)
            }
        }
    }

    fn refusal(links: &Links, slot: usize, why: Lost) -> Refusal {
        let said = links.all[slot].first_words().to_vec();
        match why {
            Lost::Broken(error) if said.is_empty() => Refusal::Broken(error),
            Lost::Broken(_) | Lost::Closed => Refusal::Closed { said },
            Lost::NotNetRpc(why) => Refusal::NotNetRpc { why, said },
        }
    }

    /// A connection that was begun has failed.
    fn fail(&mut self, links: &mut Links, slot: usize, why: Refusal) -> Result<(), Refusal> {
        let begun = self.begun.iter().position(|begun| begun.0 == slot);
        let tries = begun
            .and_then(|at| self.begun.remove(at))
            .map_or(0, |begun| begun.1);
        self.retry(links, slot, tries, why)
    }

    /// Tries again later where that may help.
    fn retry(
        &mut self,
        links: &mut Links,
        slot: usize,
        tries: u32,
        why: Refusal,
    ) -> Result<(), Refusal> {
        let may_help = why.may_pass(links.up > 0) && tries < RETRIES;
        if !may_help {
            return Err(why);
        }
        let link = &mut links.all[slot];
        links.tally.counters.lost += link.lose();
        self.stages[slot] = Stage::Waiting;
        self.waiting.push_back((slot, tries + 1));
        self.retries += 1;
        self.paused_until = Moment::now().plus(PAUSE);
        Ok(())
    }
}

impl Links {
    /// Sends the first ping of a connection, and reads its answer.
    fn greet(&mut self, plan: &Plan, slot: usize, event: &Event) -> Result<Option<Said>, Lost> {
        let mut answer = None;
        let ends = event.is_read_closed() || event.is_error();
        let due = |_| Moment::now();
        self.all[slot].pump(plan, &mut self.out, &mut self.tally.counters, due)?;
        let mut bytes_in = 0;
        let received = self.all[slot].receive(&mut self.input, ends, &mut bytes_in, |landed| {
            answer.get_or_insert(landed.said);
        });
        self.tally.counters.bytes_in += bytes_in;
        match (answer, received) {
            (Some(said @ (Said::Pong | Said::Other(_))), received) => {
                self.tally.counters.answered += 1;
                self.up += 1;
                // An end after the answer is a fault of the run, not of the connecting.
                if let Err(why) = received {
                    self.lose(slot, &why);
                }
                Ok(Some(said))
            }
            (Some(said), _) => Ok(Some(said)),
            (None, received) => {
                received?;
                // What was read may have opened the stream.
                self.all[slot].pump(plan, &mut self.out, &mut self.tally.counters, due)?;
                Ok(None)
            }
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Connect(error)
    }
}
