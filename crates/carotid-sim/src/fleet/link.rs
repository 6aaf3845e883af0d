//! What happens to a beat on its way.

use super::outage::{Outages, Rhythm};
use super::{Kind, Reading};
use crate::random::Random;

/// Outages of the transcontinental path: 814 in a week.
const OUTAGES: Rhythm = Rhythm {
    every: 743.0,
    median: 0.72,
    deviation: 1.67,
};

/// TCP's first retransmission on a path with a round trip of 0.28 s: that, and the least variance
/// term of 0.2 s.
const FIRST_RTO: f64 = 0.48;
const MAX_RTO: f64 = 120.0;

/// A minute of congestion in each twenty. What congestion does, the description does not say: a
/// queue that nothing overtakes, whose delay has a tail as heavy as it takes for a fixed silence to
/// do on this fleet what it is described to do (3.3 s at 24 mistakes, 8 s at 5).
const CONGESTED_EVERY: f64 = 1200.0;
const CONGESTED_FOR: f64 = 60.0;
const CONGESTED_SHAPE: f64 = 0.12;
const CONGESTED_SCALE: f64 = 3.3;

/// Two beats that arrive together are still two, one after the other: a microsecond apart.
pub(crate) const TOGETHER: f64 = 1e-6;

/// A path from one peer to us.
#[derive(Debug)]
pub(super) struct Link {
    random: Random,
    delay: Delay,
    fault: Fault,
    /// Whether a beat that was overtaken waits for its turn (a stream) or counts no more.
    in_order: bool,
    last: f64,
}

/// How long a beat is under way when nothing goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delay {
    /// Seconds that all beats take.
    least: f64,
    /// What comes on top, a gamma distribution's shape and scale in seconds.
    shape: f64,
    scale: f64,
}

#[derive(Debug)]
enum Fault {
    None,
    Loses(Outages),
    Retransmits {
        outages: Outages,
        /// Until when everything waits for a retransmission.
        blocked_until: f64,
    },
    /// Congested for a while in each period.
    Congests {
        /// Where in a period the day began.
        phase: f64,
        /// The scale of the delay.
        scale: f64,
    },
}

impl Delay {
    pub(crate) const LAN: Self = Self {
        least: 0.000_2,
        shape: 1.0,
        scale: 0.000_1,
    };

    pub(crate) const TRANSCONTINENTAL: Self = Self {
        least: 0.135,
        shape: 0.22,
        scale: 0.029,
    };

    /// A path whose round trip has a median of 0.17 s, a deviation of 0.2 s, and a kurtosis that
    /// differs between paths: median 6, 90th percentile 23. Both directions are alike.
    pub(crate) fn wide_area(random: &mut Random) -> Self {
        const ROUND_TRIP_MEDIAN: f64 = 0.17;
        const ROUND_TRIP_DEVIATION: f64 = 0.2;
        // ln(23/6) at 1.28 deviations, where a tenth is beyond.
        let kurtosis = random.lognormal(6.0, 1.05).clamp(3.5, 60.0);
        // A gamma distribution's kurtosis is 3 + 6/shape, its variance shape·scale².
        let shape = 6.0 / (kurtosis - 3.0);
        let scale = ROUND_TRIP_DEVIATION / 2.0_f64.sqrt() / shape.sqrt();
        // The median lies about a third of a scale below the mean while there is a mode.
        let above_least = (shape - 1.0 / 3.0).max(0.0) * scale;
        Self {
            least: (ROUND_TRIP_MEDIAN / 2.0 - above_least).max(0.02),
            shape,
            scale,
        }
    }

    pub(crate) const fn least(self) -> f64 {
        self.least
    }

    pub(crate) fn draw(self, random: &mut Random) -> f64 {
        self.least + random.gamma(self.shape, self.scale)
    }
}

impl Link {
    pub(super) fn new(mut random: Random, kind: Kind, reading: Reading) -> Self {
        let delay = match kind {
            Kind::Lan | Kind::Pausing => Delay::LAN,
            Kind::WideArea => Delay::wide_area(&mut random),
            Kind::LossyDatagram | Kind::Tcp | Kind::Congested => Delay::TRANSCONTINENTAL,
        };
        let fault = match kind {
            Kind::WideArea if reading == Reading::OutagesOnWideArea => {
                Fault::Loses(Outages::new(&mut random, OUTAGES))
            }
            Kind::Lan | Kind::WideArea | Kind::Pausing => Fault::None,
            Kind::LossyDatagram => Fault::Loses(Outages::new(&mut random, OUTAGES)),
            Kind::Tcp => Fault::Retransmits {
                outages: Outages::new(&mut random, OUTAGES),
                blocked_until: 0.0,
            },
            Kind::Congested => Fault::Congests {
                phase: random.uniform(0.0, CONGESTED_EVERY),
                scale: CONGESTED_SCALE * reading.congestion(),
            },
        };
        Self {
            in_order: !matches!(fault, Fault::Loses(_)),
            last: 0.0,
            delay,
            fault,
            random,
        }
    }

    /// When a beat sent at `sent` arrives, if it does. Beats must be sent in order.
    pub(super) fn carry(&mut self, sent: f64) -> Option<f64> {
        let random = &mut self.random;
        let leaves = match &mut self.fault {
            Fault::None => sent,
            Fault::Loses(outages) => match outages.covering(random, sent) {
                Some(_) => return None,
                None => sent,
            },
            Fault::Retransmits {
                outages,
                blocked_until,
            } => {
                if *blocked_until <= sent {
                    *blocked_until = retransmitted(random, outages, sent);
                }
                sent.max(*blocked_until)
            }
            Fault::Congests { phase, scale } => {
                if (sent + *phase) % CONGESTED_EVERY < CONGESTED_FOR {
                    sent + random.gamma(CONGESTED_SHAPE, *scale)
                } else {
                    sent
                }
            }
        };
        let mut arrives = leaves + self.delay.draw(random);
        if arrives < self.last + TOGETHER {
            if !self.in_order {
                return None;
            }
            arrives = self.last + TOGETHER;
        }
        self.last = arrives;
        Some(arrives)
    }
}

/// When TCP gets a segment through that it first sends at `sent`: at once, or by the first
/// retransmission outside of an outage, each twice as long after the one before.
fn retransmitted(random: &mut Random, outages: &mut Outages, sent: f64) -> f64 {
    let (mut at, mut rto) = (sent, FIRST_RTO);
    while outages.covering(random, at).is_some() {
        at += rto;
        rto = (rto * 2.0).min(MAX_RTO);
    }
    at
}
