//! A histogram of durations, with plain integers.

use std::time::Duration;

/// How many durations were at most as long as each of some bounds.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    /// In seconds, ascending.
    bounds: &'static [f64],
    /// One for each bound, not cumulative, and one for what is beyond them.
    counts: Box<[u64]>,
    sum: Duration,
}

impl Histogram {
    pub(crate) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1].into(),
            sum: Duration::ZERO,
        }
    }

    pub(crate) fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = self.bounds.partition_point(|bound| *bound < seconds);
        self.counts[bucket] += 1;
        self.sum = self.sum.saturating_add(duration);
    }

    /// Adds one with the same bounds.
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// All durations together, in seconds.
    pub(crate) fn sum(&self) -> f64 {
        self.sum.as_secs_f64()
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Upper bounds, the last of them infinite, and how many are between each and the one before.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        bounds.zip(self.counts.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_at_the_first_bound_that_it_does_not_exceed() {
        let mut histogram = Histogram::new(&[0.001, 0.01]);
        for micros in [0, 1000, 1001, 10_000, 10_001, 60_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let mut twice = histogram.clone();
        twice.add(&histogram);
        let buckets: Vec<_> = twice.buckets().collect();
        assert_eq!(buckets, [(0.001, 4), (0.01, 4), (f64::INFINITY, 4)]);
        assert_eq!(twice.count(), 12);
        assert!((twice.sum() - 120.044_004).abs() < 1e-9);
    }
}
