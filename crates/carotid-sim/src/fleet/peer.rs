//! When a peer sends its beats.

use super::Kind;
use super::outage::{Outages, Rhythm};
use crate::random::Random;

/// A collection or a busy processor holds one beat back; its timer goes on. How rare that is, the
/// measurements do not say: eight times a day.
const HICCUP_EVERY: f64 = 3.0 * 3600.0;

const PAUSES: Rhythm = Rhythm {
    every: 600.0,
    median: 0.3,
    deviation: 1.3,
};

/// A process that means to beat at an interval.
#[derive(Debug)]
pub(super) struct Peer {
    random: Random,
    interval: f64,
    /// Deviation of the sending time, in seconds.
    jitter: f64,
    /// When the next beat is due by the peer's own timer.
    due: f64,
    last: f64,
    next_hiccup: f64,
    pauses: Option<Outages>,
}

impl Peer {
    pub(super) fn new(mut random: Random, kind: Kind, interval: f64) -> Self {
        Self {
            jitter: random.uniform(0.000_2, 0.000_8),
            due: random.uniform(0.0, interval),
            last: 0.0,
            next_hiccup: random.exponential(HICCUP_EVERY),
            pauses: (kind == Kind::Pausing).then(|| Outages::new(&mut random, PAUSES)),
            interval,
            random,
        }
    }

    /// When the next beat is sent, in seconds.
    pub(super) fn next_beat(&mut self) -> f64 {
        let random = &mut self.random;
        if let Some(pauses) = &mut self.pauses {
            // The timer stood still too, so every later beat is later by as much.
            while let Some(length) = pauses.begun_before(random, self.due) {
                self.due += length;
            }
        }
        let mut sent = self.due + self.jitter * random.normal();
        if self.next_hiccup < self.due {
            sent += random.uniform(0.2, 1.3);
            self.next_hiccup = self.due + random.exponential(HICCUP_EVERY);
        }
        // A beat that was held back for longer than the interval holds back the next one too.
        sent = sent.max(self.last);
        self.due += self.interval;
        self.last = sent;
        sent
    }
}
