//! A logarithmic histogram with edges a quarter of an octave apart.
//!
//! It counts squares, because half an octave of x² is a quarter of one of x and can be read from
//! the bits of a float: no root and no logarithm on the path of a beat.

/// Counts values from 0 on by their squares; 96 buckets in 388 bytes.
///
/// Bucket k holds 2^(k/4 − 8) ≤ x < 2^((k + 1)/4 − 8). The first also holds everything below, the
/// last everything above.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: [u32; Self::BUCKETS],
    total: u64,
}

/// Whether counting one more made the others count for less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Simply,
    /// A bucket was full, so all were halved: what is long ago weighs less.
    Halved,
}

impl Histogram {
    const BUCKETS: usize = 96;
    /// The bucket whose lower edge is 4: the least quantile.
    const LEAST: usize = 40;
    /// The bucket whose lower edge is 64: the largest quantile.
    const MOST: usize = 56;

    pub(super) const fn new() -> Self {
        Self {
            counts: [0; Self::BUCKETS],
            total: 0,
        }
    }

    pub(super) const fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn count(&mut self, square: f32) -> Counted {
        let bucket = Self::bucket(square);
        let mut counted = Counted::Simply;
        if self.counts[bucket] == u32::MAX {
            self.halve();
            counted = Counted::Halved;
        }
        self.counts[bucket] += 1;
        self.total += 1;
        counted
    }

    /// The smallest edge, not of squares but of what was squared, with no more than this share of
    /// the counts at or above it; between 4 and 64.
    pub(super) fn root_quantile(&self, share: f64) -> f32 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a count of beats, not a sum of money"
        )]
        let allowed = share * self.total as f64;
        let mut above: u64 = self.counts[Self::LEAST..]
            .iter()
            .copied()
            .map(u64::from)
            .sum();
        for bucket in Self::LEAST..Self::MOST {
            #[expect(clippy::cast_precision_loss, reason = "the same")]
            if above as f64 <= allowed {
                return Self::lower_edge(bucket);
            }
            above -= u64::from(self.counts[bucket]);
        }
        Self::lower_edge(Self::MOST)
    }

    fn halve(&mut self) {
        for count in &mut self.counts {
            *count /= 2;
        }
        self.total = self.counts.iter().copied().map(u64::from).sum();
    }

    /// Where a square belongs, which is neither negative nor NaN.
    fn bucket(square: f32) -> usize {
        const MANTISSA_BITS: u32 = 23;
        /// The biased exponent of 2⁻¹⁶, the square of the first bucket's lower edge.
        const LEAST_EXPONENT: u32 = 127 - 16;
        let bits = square.to_bits();
        let mantissa = (1 << MANTISSA_BITS) - 1;
        let upper_half = bits & mantissa >= core::f32::consts::SQRT_2.to_bits() & mantissa;
        let Some(octave) = (bits >> MANTISSA_BITS).checked_sub(LEAST_EXPONENT) else {
            return 0;
        };
        let bucket = octave as usize * 2 + usize::from(upper_half);
        bucket.min(Self::BUCKETS - 1)
    }

    /// The least x that belongs into a bucket from [`Self::LEAST`] to [`Self::MOST`].
    fn lower_edge(bucket: usize) -> f32 {
        // 2^0, 2^¼, 2^½ and 2^¾.
        const QUARTERS: [f32; 4] = [1.0, 1.189_207_1, core::f32::consts::SQRT_2, 1.681_792_8];
        let from_least = bucket - Self::LEAST;
        let octave = 4_u8 << (from_least / 4);
        QUARTERS[from_least % 4] * f32::from(octave)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{Counted, Histogram};

    const FLAT: Histogram = Histogram::new();

    /// Numbers that are random enough, with a heavy tail.
    fn heavy_tailed(count: u32) -> Vec<f32> {
        let mut state = 1_u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from(u16::try_from(state >> 16).unwrap()) / 65_536.0
        };
        (0..count).map(|_| 0.5 / (1.0 - draw())).collect()
    }

    #[test]
    fn every_square_has_a_bucket() {
        assert_eq!(Histogram::bucket(0.0), 0);
        assert_eq!(Histogram::bucket(f32::MIN_POSITIVE / 2.0), 0);
        assert_eq!(Histogram::bucket(1e-30), 0);
        assert_eq!(Histogram::bucket(1.0), 32);
        assert_eq!(Histogram::bucket(1e30), 95);
        assert_eq!(Histogram::bucket(f32::MAX), 95);
        assert_eq!(Histogram::bucket(f32::INFINITY), 95);
    }

    #[test]
    fn buckets_begin_at_their_edges() {
        for bucket in Histogram::LEAST..=Histogram::MOST {
            let edge = Histogram::lower_edge(bucket);
            let (above, below) = (edge * 1.000_01, edge * 0.999_99);
            assert_eq!(Histogram::bucket(above * above), bucket);
            assert_eq!(Histogram::bucket(below * below), bucket - 1);
        }
        assert!((Histogram::lower_edge(Histogram::LEAST) - 4.0).abs() < f32::EPSILON);
        assert!((Histogram::lower_edge(Histogram::MOST) - 64.0).abs() < f32::EPSILON);
    }

    #[test]
    fn the_quantile_is_that_of_a_sorted_list() {
        let mut values = heavy_tailed(20_000);
        let mut histogram = FLAT;
        for value in &values {
            histogram.count(value * value);
        }
        values.sort_by(f32::total_cmp);
        for share in [0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.0001] {
            let beyond = |edge: f32| values.len() - values.partition_point(|value| *value < edge);
            let naive = (Histogram::LEAST..=Histogram::MOST)
                .map(Histogram::lower_edge)
                .find(|edge| beyond(*edge) as f64 <= share * values.len() as f64)
                .unwrap_or(64.0);
            assert_eq!(histogram.root_quantile(share), naive, "share {share}");
        }
    }

    #[test]
    fn a_full_bucket_halves_all() {
        let mut histogram = FLAT;
        for _ in 0..5 {
            assert_eq!(histogram.count(100.0 * 100.0), Counted::Simply);
        }
        histogram.counts[0] = u32::MAX;
        histogram.total = 5 + u64::from(u32::MAX);
        assert_eq!(histogram.count(0.0), Counted::Halved);
        assert_eq!(histogram.counts[0], u32::MAX / 2 + 1);
        assert_eq!(histogram.total(), 2 + u64::from(u32::MAX / 2) + 1);
    }
}
