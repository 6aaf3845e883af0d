//! How long answers took, in memory of a fixed size.
//!
//! Log-linear buckets, as in an HDR histogram (G. Tene): each power of two is cut into
//! [`PARTS`], so that what is read is at most a sixteenth more than what was measured, and never
//! less. Two generations of [`GENERATION`] round trips each take turns, so that what is read is of
//! the last 512 to 1023 of them.

use std::array;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

/// Buckets of a power of two.
const PARTS: usize = 1 << PART_BITS;
const PART_BITS: u32 = 4;

/// Up to 2³² µs, 71 minutes: more than any timeout makes sense with.
const BUCKETS: usize = PARTS * (32 - PART_BITS as usize + 1);

/// So many round trips are a generation; a bucket can count them all.
const GENERATION: usize = 512;

/// Written by one, read by all: nobody waits for anybody.
#[derive(Debug)]
pub(super) struct RoundTrips {
    generations: [[AtomicU16; BUCKETS]; 2],
    recorded: AtomicUsize,
}

/// The round trips of the last 512 to 1023 beats; of all of them, as long as they are fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoundTrip {
    /// Half of them took no longer; at most 1/16 more than measured, and never less.
    pub p50: Duration,
    /// 99 of 100 took no longer; as exact.
    pub p99: Duration,
    /// The longest; as exact.
    pub longest: Duration,
    /// How many they are.
    pub count: u64,
}

impl RoundTrips {
    pub(super) fn new() -> Self {
        let generation = || array::from_fn(|_| AtomicU16::new(0));
        Self {
            generations: [generation(), generation()],
            recorded: AtomicUsize::new(0),
        }
    }

    /// To be called by one thread at a time.
    pub(super) fn record(&self, round_trip: Duration) {
        let recorded = self.recorded.load(Ordering::Relaxed);
        let generation = &self.generations[recorded / GENERATION % 2];
        if recorded.is_multiple_of(GENERATION) {
            for bucket in generation {
                bucket.store(0, Ordering::Relaxed);
            }
        }
        generation[bucket(round_trip)].fetch_add(1, Ordering::Relaxed);
        self.recorded.store(recorded + 1, Ordering::Relaxed);
    }

    /// `None` before the first.
    pub(super) fn read(&self) -> Option<RoundTrip> {
        let of = |bucket: usize| -> u64 {
            let counts = self.generations.iter().map(|counts| &counts[bucket]);
            counts
                .map(|count| u64::from(count.load(Ordering::Relaxed)))
                .sum()
        };
        // One look at each: they may be counted on meanwhile.
        let counts: Vec<u64> = (0..BUCKETS).map(of).collect();
        let count: u64 = counts.iter().sum();
        let at = |rank: u64| {
            let mut below = 0;
            let reached = counts.iter().position(|here| {
                below += here;
                rank <= below
            });
            longest_of(reached.unwrap_or(BUCKETS - 1))
        };
        (0 < count).then(|| RoundTrip {
            p50: at(count.div_ceil(2)),
            p99: at((count * 99).div_ceil(100)),
            longest: at(count),
            count,
        })
    }
}

/// The bucket of a duration. Below two times [`PARTS`] microseconds each has its own.
fn bucket(duration: Duration) -> usize {
    let us = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    let shift = (us.max(1).ilog2()).saturating_sub(PART_BITS);
    (shift as usize) * PARTS + (us >> shift) as usize
}

/// The longest duration of a bucket.
const fn longest_of(bucket: usize) -> Duration {
    let shift = (bucket / PARTS).saturating_sub(1);
    let part = (bucket - shift * PARTS) as u64;
    Duration::from_micros(((part + 1) << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }

    #[test]
    fn what_is_read_is_at_most_a_sixteenth_too_much() {
        let mut measured = vec![0, 1, 31, 32, 33, 1000, u64::from(u32::MAX)];
        measured.extend((0..4000).map(|n| n * n + n / 3));
        for measured in measured {
            let read = longest_of(bucket(us(measured)));
            assert!(us(measured) <= read, "{measured}");
            assert!(read <= us(measured + measured / 16), "{measured} {read:?}");
        }
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_of_what_was_recorded() {
        let trips = RoundTrips::new();
        assert_eq!(trips.read(), None);
        for ms in 1..=100 {
            trips.record(us(ms));
        }
        let read = trips.read().unwrap();
        assert_eq!(read.count, 100);
        assert_eq!(read.p50, us(51), "50 shares its bucket with 51");
        assert_eq!(read.p99, us(99));
        assert_eq!(read.longest, us(103), "100 shares its bucket with 103");
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let trips = RoundTrips::new();
        for _ in 0..10 * GENERATION {
            trips.record(us(1_000_000));
        }
        assert_eq!(trips.read().unwrap().count, 2 * GENERATION as u64);
        for recorded in 1..=GENERATION as u64 {
            trips.record(us(1));
            assert_eq!(trips.read().unwrap().count, GENERATION as u64 + recorded);
        }
        assert!(us(1_000_000) <= trips.read().unwrap().longest);
        trips.record(us(1));
        let read = trips.read().unwrap();
        assert_eq!((read.count, read.longest), (GENERATION as u64 + 1, us(1)));
    }
}
