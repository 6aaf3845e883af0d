//! Eighty sessions on links of six kinds, for one simulated day.
//!
//! The figures are those of published measurements: sending jitter, delay, and outages of the
//! transcontinental week in Hayashibara, Défago, Yared, Katayama (SRDS 2004); delay of wide-area
//! paths by median, deviation and kurtosis. What those do not say (how rare is rare, what
//! congestion does) is a named constant beside its model, and a [`Reading`] where it matters.

pub(crate) mod link;
pub(crate) mod outage;
mod peer;

use self::link::Link;
use self::peer::Peer;
use crate::random::Random;

/// What a session's link and peer are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A local network: hardly any delay.
    Lan,
    /// A wide-area path whose delay has a heavy tail; nothing is lost.
    WideArea,
    /// Datagrams over a transcontinental path: what an outage swallows is lost.
    LossyDatagram,
    /// The same path under TCP: what an outage swallows comes late, and all at once.
    Tcp,
    /// A local network, but the peer itself stops now and then, its timer with it.
    Pausing,
    /// A wide-area path that is congested for a minute, three times an hour.
    Congested,
}

impl Kind {
    /// Each kind, with how many of the eighty sessions are of it.
    pub const FLEET: [(Self, usize); 6] = [
        (Self::Lan, 20),
        (Self::WideArea, 20),
        (Self::LossyDatagram, 10),
        (Self::Tcp, 10),
        (Self::Pausing, 10),
        (Self::Congested, 10),
    ];
}

/// How to read what the fleet's description leaves open, so that a comparison can show what hangs
/// on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As the constants have it.
    Usual,
    /// Congestion delays beats half as long.
    LightCongestion,
    /// Congestion delays beats twice as long.
    HeavyCongestion,
    /// Wide-area paths have outages as transcontinental ones do.
    OutagesOnWideArea,
}

impl Reading {
    /// All of them, the usual one first.
    pub const ALL: [Self; 4] = [
        Self::Usual,
        Self::LightCongestion,
        Self::HeavyCongestion,
        Self::OutagesOnWideArea,
    ];

    const fn congestion(self) -> f64 {
        match self {
            Self::Usual | Self::OutagesOnWideArea => 1.0,
            Self::LightCongestion => 0.5,
            Self::HeavyCongestion => 2.0,
        }
    }
}

/// A beat that reached us.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// When, in seconds since the simulation began. Strictly increasing within a trace.
    pub at: f64,
    /// Which of the peer's beats it is, from 0. Lost ones leave gaps.
    pub number: u32,
}

/// All that reached us from one session.
#[derive(Clone, Debug)]
pub struct Trace {
    /// What the session was like.
    pub kind: Kind,
    /// Its beats, in order.
    pub arrivals: Vec<Arrival>,
}

/// The whole fleet's traces for so many seconds, at a beat each `interval` seconds.
#[must_use]
pub fn traces(seed: u64, reading: Reading, interval: f64, seconds: f64) -> Vec<Trace> {
    let mut random = Random::seeded(seed);
    Kind::FLEET
        .into_iter()
        .flat_map(|(kind, sessions)| std::iter::repeat_n(kind, sessions))
        .map(|kind| {
            let mut random = random.split();
            let peer = Peer::new(random.split(), kind, interval);
            let link = Link::new(random, kind, reading);
            let arrivals = arrivals(peer, link, seconds);
            Trace { kind, arrivals }
        })
        .collect()
}

fn arrivals(mut peer: Peer, mut link: Link, seconds: f64) -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    let mut number = 0;
    loop {
        let sent = peer.next_beat();
        if sent > seconds {
            return arrivals;
        }
        if let Some(at) = link.carry(sent) {
            arrivals.push(Arrival { at, number });
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Reading, Trace};

    const HOURS: f64 = 3600.0;

    fn traces(seed: u64, seconds: f64) -> Vec<Trace> {
        super::traces(seed, Reading::Usual, 1.0, seconds)
    }

    #[test]
    fn arrivals_are_in_order_and_follow_the_schedule() {
        for trace in traces(3, 4.0 * HOURS) {
            let arrivals = &trace.arrivals;
            let in_order = arrivals
                .windows(2)
                .all(|pair| pair[0].at < pair[1].at && pair[0].number < pair[1].number);
            assert!(in_order, "{:?}", trace.kind);
            let share = arrivals.len() as f64 / (4.0 * HOURS);
            assert!(0.97 < share && share < 1.001, "{:?}: {share}", trace.kind);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_day() {
        let arrivals = |seed| traces(seed, HOURS).pop().unwrap().arrivals;
        assert_eq!(arrivals(5), arrivals(5));
        assert_ne!(arrivals(5), arrivals(6));
    }

    #[test]
    fn only_datagrams_are_lost() {
        for trace in traces(4, 12.0 * HOURS) {
            let last = trace.arrivals.last().unwrap();
            let lost = last.number as usize + 1 > trace.arrivals.len();
            assert_eq!(lost, trace.kind == Kind::LossyDatagram, "{:?}", trace.kind);
        }
    }

    #[test]
    fn tcp_delivers_an_outage_late_and_at_once() {
        let traces = traces(4, 24.0 * HOURS);
        let tcp = traces.iter().find(|trace| trace.kind == Kind::Tcp).unwrap();
        let bursts = tcp
            .arrivals
            .windows(3)
            .filter(|beats| beats[1].at - beats[0].at > 5.0 && beats[2].at - beats[1].at < 0.2);
        assert!(bursts.count() > 5);
    }
}
