//! Times at which a path carries nothing, or a process does nothing.

use crate::random::Random;

/// How often something fails, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    /// Mean seconds from one end to the next begin.
    pub(crate) every: f64,
    /// Median length, in seconds.
    pub(crate) median: f64,
    /// Deviation of the length's logarithm.
    pub(crate) deviation: f64,
}

/// A Poisson process of failures with lognormal lengths, asked in the order of time.
#[derive(Clone, Debug)]
pub(crate) struct Outages {
    rhythm: Rhythm,
    begin: f64,
    end: f64,
}

impl Outages {
    pub(crate) fn new(random: &mut Random, rhythm: Rhythm) -> Self {
        let mut outages = Self {
            rhythm,
            begin: 0.0,
            end: 0.0,
        };
        outages.advance(random);
        outages
    }

    /// The end of the failure that covers this time, if one does. Times must not go back.
    pub(crate) fn covering(&mut self, random: &mut Random, time: f64) -> Option<f64> {
        while self.end <= time {
            self.advance(random);
        }
        (self.begin <= time).then_some(self.end)
    }

    /// The length of the next failure that begins before this time, once.
    pub(crate) fn begun_before(&mut self, random: &mut Random, time: f64) -> Option<f64> {
        if time <= self.begin {
            return None;
        }
        let length = self.end - self.begin;
        self.advance(random);
        Some(length)
    }

    fn advance(&mut self, random: &mut Random) {
        let Rhythm {
            every,
            median,
            deviation,
        } = self.rhythm;
        self.begin = self.end + random.exponential(every);
        self.end = self.begin + random.lognormal(median, deviation);
    }
}
