//! The connections of one thread.

use mio::event::Event;

use super::clock::Moment;
use super::link::{Landed, Link, Lost};
use super::pace::{Schedule, Window};
use super::plan::Plan;
use super::tally::{Fault, Tally};
use super::wire::Said;

/// What one read takes at most.
const INPUT: usize = 64 * 1024;

/// Far enough off that nobody waits for it.
const NEVER: std::time::Duration = std::time::Duration::from_secs(3600);

#[derive(Debug)]
pub(super) struct Links {
    pub(super) all: Vec<Link>,
    pub(super) tally: Tally,
    /// How many are connected.
    pub(super) up: usize,
    window: Window,
    pace: Option<Pace>,
    /// What was read last, whoever it came from.
    pub(super) input: Box<[u8]>,
    /// What is written next.
    pub(super) out: Vec<u8>,
}

/// Whose turn it is.
#[derive(Debug)]
struct Pace {
    schedule: Schedule,
    round: u64,
    slot: usize,
    /// The connections whose turn has come.
    called: Vec<usize>,
}

impl Links {
    /// The connections of these numbers, none of them connected.
    pub(super) fn new(plan: &Plan, connections: impl Iterator<Item = usize>) -> Self {
        let now = Moment::now();
        Self {
            all: connections.map(|number| Link::new(plan, number)).collect(),
            tally: Tally::new(),
            up: 0,
            // Nothing is measured before there is a window.
            window: Window {
                begin: now,
                from: now.plus(NEVER),
                until: now.plus(NEVER),
            },
            pace: None,
            input: vec![0; INPUT].into(),
            out: Vec::new(),
        }
    }

    /// Begins to ping.
    pub(super) fn begin(&mut self, plan: &Plan, window: Window) {
        self.window = window;
        if let Some(period_ps) = plan.period_ps {
            self.pace = Some(Pace {
                schedule: Schedule::new(window.begin, period_ps, plan.connections),
                round: 0,
                slot: 0,
                called: Vec::new(),
            });
            return;
        }
        for slot in 0..self.all.len() {
            self.all[slot].allowed = u64::MAX;
            self.pump(plan, slot, Moment::now());
        }
    }

    /// Sends the pings that are due by now, and says when the next is.
    pub(super) fn call_up(&mut self, plan: &Plan, now: Moment) -> Moment {
        let Some(pace) = &mut self.pace else {
            return now.plus(NEVER);
        };
        let next = pace.call(&mut self.all, now);
        let (schedule, tardiness) = (pace.schedule, &mut self.tally.tardiness);
        let mut lost = Vec::new();
        for slot in pace.called.drain(..) {
            let link = &mut self.all[slot];
            let connection = link.connection;
            let due = |issued| {
                let due = schedule.due(connection, round(issued));
                tardiness.saturating_record(now.nanos_since(due).max(1));
                due
            };
            let counters = &mut self.tally.counters;
            if let Err(why) = link.pump(plan, &mut self.out, counters, due) {
                lost.push((slot, why));
            }
        }
        for (slot, why) in lost {
            self.lose(slot, &why);
        }
        next
    }

    /// What happened to a connection: answers, room to write, its end.
    pub(super) fn on_event(&mut self, plan: &Plan, slot: usize, event: &Event) {
        let Some(link) = self.all.get_mut(slot) else {
            return;
        };
        let (tally, from) = (&mut self.tally, self.window.from);
        let mut seen = None;
        let mut bytes_in = 0;
        let ends = event.is_read_closed() || event.is_error();
        let received = link.receive(&mut self.input, ends, &mut bytes_in, |landed| {
            seen = Some(landed.now);
            tally.land(landed, from, plan.wording.expects_pong());
        });
        tally.counters.bytes_in += bytes_in;
        match received {
            Ok(()) => self.pump(plan, slot, seen.unwrap_or_else(Moment::now)),
            Err(why) => self.lose(slot, &why),
        }
    }

    /// Sends what may be sent on a connection.
    pub(super) fn pump(&mut self, plan: &Plan, slot: usize, now: Moment) {
        let link = &mut self.all[slot];
        let (connection, schedule) = (
            link.connection,
            self.pace.as_ref().map(|pace| pace.schedule),
        );
        let due = |issued| schedule.map_or(now, |schedule| schedule.due(connection, round(issued)));
        let counters = &mut self.tally.counters;
        if let Err(why) = link.pump(plan, &mut self.out, counters, due) {
            self.lose(slot, &why);
        }
    }

    /// No ping is due from this moment on. Returns how many were, and never left: their connections had
    /// as many unanswered as they may. They count with the time that they have waited.
    pub(super) fn close(&mut self, now: Moment) -> u64 {
        let Some(mut pace) = self.pace.take() else {
            for link in &mut self.all {
                link.allowed = link.issued;
            }
            return 0;
        };
        pace.call(&mut self.all, now);
        let mut unsent = 0;
        for link in &mut self.all {
            unsent += link.allowed - link.issued;
            let waiting = if link.is_up() {
                link.issued..link.allowed
            } else {
                0..0
            };
            for issued in waiting {
                let due = pace.schedule.due(link.connection, round(issued));
                self.tally.wait(now, due, self.window.from);
            }
            link.allowed = link.issued;
        }
        unsent
    }

    /// How many pings have no answer yet, on connections that are not lost.
    pub(super) const fn aloft(&self) -> u64 {
        let counters = &self.tally.counters;
        counters.sent - counters.answered - counters.failed - counters.lost
    }

    /// Counts those that will have none with the time that they have waited; how many those are.
    pub(super) fn give_up(&mut self, now: Moment) -> u64 {
        for link in &self.all {
            for due in link.flight().waiting() {
                self.tally.wait(now, due, self.window.from);
            }
        }
        self.aloft()
    }

    /// Gives up a connection, and tells of it.
    pub(super) fn lose(&mut self, slot: usize, why: &Lost) {
        let link = &mut self.all[slot];
        if !link.is_up() {
            return;
        }
        self.up -= 1;
        self.tally.counters.lost += link.lose();
        let connection = link.connection;
        let text = || format!("connection {connection}: {why}");
        self.tally.faults.count(why.fault(), text);
    }
}

impl Pace {
    /// Lets the connections ping whose turn has come by now; when the next turn is.
    fn call(&mut self, links: &mut [Link], now: Moment) -> Moment {
        loop {
            let link = &mut links[self.slot];
            let due = self.schedule.due(link.connection, self.round);
            if due > now {
                return due;
            }
            link.allowed += 1;
            self.called.push(self.slot);
            self.slot += 1;
            if self.slot == links.len() {
                self.slot = 0;
                self.round += 1;
            }
        }
    }
}

/// The round of a ping: the first that a connection sends belongs to no round, it is the greeting.
const fn round(issued: u64) -> u64 {
    issued.saturating_sub(1)
}

impl Tally {
    /// Counts an answer.
    fn land(&mut self, landed: Landed, from: Moment, expects_pong: bool) {
        let Some(due) = landed.due else {
            let text = || "an answer whose number was not asked for".to_owned();
            return self.faults.count(Fault::UnknownNumber, text);
        };
        match landed.said {
            Said::Error(text) => {
                self.counters.failed += 1;
                return self.faults.count(Fault::ErrorReply, || text);
            }
            Said::Other(text) if expects_pong => {
                self.counters.failed += 1;
                return self.faults.count(Fault::NotPong, || text);
            }
            Said::Other(_) | Said::Pong => self.counters.answered += 1,
        }
        self.wait(landed.now, due, from);
    }

    /// Records how long a ping has waited, if it is measured.
    fn wait(&mut self, now: Moment, due: Moment, from: Moment) {
        if due >= from {
            self.latency.saturating_record(now.nanos_since(due).max(1));
        }
    }
}
