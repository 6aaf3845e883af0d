//! What happens to a message on its way, by the models of [`fleet`](crate::fleet).

use std::rc::Rc;

use carotid_core::Tick;

use crate::fleet::link::{Delay, TOGETHER};
use crate::fleet::outage::{Outages, Rhythm};
use crate::random::Random;

/// Outages as on a transcontinental path, but five times as often: a run takes minutes, not a week.
const OUTAGES: Rhythm = Rhythm {
    every: 150.0,
    median: 0.72,
    deviation: 1.67,
};

const MAX_RTO: f64 = 120.0;

/// A span of seconds in which a path carries nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cut {
    pub(super) from: f64,
    pub(super) to: f64,
}

/// What lies between a peer and us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    /// A stream over a local network.
    Lan,
    /// A stream over a wide-area path whose delay has a heavy tail.
    WideArea,
    /// A stream over a path with outages, each of which becomes delay.
    Tcp,
    /// Datagrams over a path with outages, which swallow them.
    Datagram,
}

/// One connection's way from a peer to us.
#[derive(Debug)]
pub(super) struct Path {
    random: Random,
    medium: Medium,
    delay: Delay,
    outages: Option<Outages>,
    cuts: Rc<[Cut]>,
    /// Until when everything waits for a retransmission.
    blocked_until: f64,
    last: f64,
}

impl Path {
    pub(super) fn new(mut random: Random, medium: Medium, cuts: Rc<[Cut]>) -> Self {
        let delay = match medium {
            Medium::Lan => Delay::LAN,
            Medium::WideArea => Delay::wide_area(&mut random),
            Medium::Tcp | Medium::Datagram => Delay::TRANSCONTINENTAL,
        };
        let outages = match medium {
            Medium::Lan | Medium::WideArea => None,
            Medium::Tcp | Medium::Datagram => Some(Outages::new(&mut random, OUTAGES)),
        };
        Self {
            random,
            medium,
            delay,
            outages,
            cuts,
            blocked_until: 0.0,
            last: 0.0,
        }
    }

    pub(super) fn is_stream(&self) -> bool {
        self.medium != Medium::Datagram
    }

    /// When a message sent at this time arrives, if it does. Messages must be sent in order.
    pub(super) fn carry(&mut self, sent: Tick) -> Option<Tick> {
        let sent = seconds(sent);
        let leaves = if self.is_stream() {
            if self.blocked_until <= sent {
                self.blocked_until = self.retransmitted(sent);
            }
            if self.blocked_until.is_infinite() {
                return None;
            }
            sent.max(self.blocked_until)
        } else if self.is_out(sent) {
            return None;
        } else {
            sent
        };
        let mut arrives = leaves + self.delay.draw(&mut self.random);
        if arrives < self.last + TOGETHER {
            // A datagram that was overtaken says nothing new; a stream waits its turn.
            if !self.is_stream() {
                return None;
            }
            arrives = self.last + TOGETHER;
        }
        self.last = arrives;
        Some(tick(arrives))
    }

    /// When TCP gets a segment through: at once, or by the first retransmission outside of an
    /// outage, each twice as long after the one before.
    /// Never, in a cut without an end.
    fn retransmitted(&mut self, sent: f64) -> f64 {
        let (mut at, mut rto) = (sent, 0.2 + 2.0 * self.delay.least());
        while self.is_out(at) {
            if self
                .cuts
                .iter()
                .any(|cut| cut.to.is_infinite() && cut.from <= at)
            {
                return f64::INFINITY;
            }
            at += rto;
            rto = (rto * 2.0).min(MAX_RTO);
        }
        at
    }

    fn is_out(&mut self, at: f64) -> bool {
        let random = &mut self.random;
        self.cuts.iter().any(|cut| cut.from <= at && at < cut.to)
            || self
                .outages
                .as_mut()
                .is_some_and(|outages| outages.covering(random, at).is_some())
    }
}

/// Seconds since the origin.
pub(super) fn seconds(tick: Tick) -> f64 {
    tick.since(Tick::default()).as_secs_f64()
}

/// The point so many seconds after the origin.
pub(super) fn tick(seconds: f64) -> Tick {
    Tick::default().after(std::time::Duration::from_secs_f64(seconds))
}
