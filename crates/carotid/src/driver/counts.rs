//! What is counted as it happens, so that whoever asks for figures has no table to scan.

mod concluded;
mod deaths;
mod histogram;

use std::time::Duration;

pub(crate) use concluded::Concluded;
pub(crate) use histogram::Histogram;

/// What a shard counts under its own lock, which whoever beats holds anyway.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    /// Signs of life, those that opened a session among them.
    pub(crate) beats: u64,
    /// Round trips as peers measured them.
    pub(crate) round_trips: Histogram,
}

/// Bounds of round trips in seconds: from within a rack to around the earth and a queue.
const ROUND_TRIPS: &[f64] = &[
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0,
];

impl Default for Counts {
    fn default() -> Self {
        Self {
            beats: 0,
            round_trips: Histogram::new(ROUND_TRIPS),
        }
    }
}

impl Counts {
    /// A session showed life, and may have told its round trip.
    pub(super) fn beat(&mut self, round_trip: Option<Duration>) {
        self.beats += 1;
        if let Some(round_trip) = round_trip {
            self.round_trips.observe(round_trip);
        }
    }

    /// Adds another shard's.
    pub(super) fn add(&mut self, other: &Self) {
        self.beats += other.beats;
        self.round_trips.add(&other.round_trips);
    }
}
