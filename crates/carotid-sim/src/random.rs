//! A seeded generator and the distributions that links and peers need.
//!
//! Our own, because a seed printed by a failure must mean the same after every update of a
//! dependency. The generator is xoshiro256++ (Blackman, Vigna 2018), seeded by SplitMix64.

use std::f64::consts::TAU;

/// Draws numbers; the same seed draws the same ones.
#[derive(Clone, Debug)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// The generator of this seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        let mut sum = seed;
        let state = std::array::from_fn(|_| {
            sum = sum.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = sum;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        });
        Self { state }
    }

    /// A generator of its own for one of many parts, so that one part's draws do not move another's.
    pub fn split(&mut self) -> Self {
        Self::seeded(self.next())
    }

    /// Sixty-four random bits.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator that never ends would offer much that makes no sense here"
    )]
    pub fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let drawn = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        drawn
    }

    /// One of the numbers below `bound`, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let drawn = self.next() % bound as u64;
        usize::try_from(drawn).expect("it is below a usize")
    }

    /// Uniform in (0, 1): never 0, so that its logarithm is finite.
    pub fn unit(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let bits = (self.next() >> 11) as f64;
        (bits + 0.5) / 9_007_199_254_740_992.0
    }

    /// Uniform between two bounds.
    pub fn uniform(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    /// Exponential: the time until the next event of a Poisson process with this mean gap.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * self.unit().ln()
    }

    /// Standard normal (Box, Muller 1958).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (TAU * self.unit()).cos()
    }

    /// Lognormal, by its median and the deviation of its logarithm.
    pub fn lognormal(&mut self, median: f64, deviation: f64) -> f64 {
        median * (deviation * self.normal()).exp()
    }

    /// Gamma (Marsaglia, Tsang 2000).
    pub fn gamma(&mut self, shape: f64, scale: f64) -> f64 {
        if shape < 1.0 {
            let boost = self.unit().powf(shape.recip());
            return self.gamma(shape + 1.0, scale) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = (9.0 * d).sqrt().recip();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v * scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    /// Mean and standard deviation of many draws.
    fn moments(mut draw: impl FnMut(&mut Random) -> f64) -> (f64, f64) {
        let mut random = Random::seeded(1);
        let draws: Vec<f64> = (0..200_000).map(|_| draw(&mut random)).collect();
        let count = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / count;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        (mean, variance.sqrt())
    }

    fn assert_near((mean, deviation): (f64, f64), expected: (f64, f64)) {
        assert!((mean - expected.0).abs() < 0.02 * expected.1, "mean {mean}");
        assert!(
            (deviation / expected.1 - 1.0).abs() < 0.03,
            "deviation {deviation}"
        );
    }

    #[test]
    fn distributions_have_their_moments() {
        assert_near(
            moments(|random| random.uniform(1.0, 3.0)),
            (2.0, 1.0 / 3.0_f64.sqrt()),
        );
        assert_near(moments(Random::normal), (0.0, 1.0));
        assert_near(moments(|random| random.exponential(2.0)), (2.0, 2.0));
        assert_near(
            moments(|random| random.gamma(0.22, 0.029)),
            (0.006_38, 0.013_6),
        );
        assert_near(
            moments(|random| random.gamma(3.0, 2.0)),
            (6.0, 12.0_f64.sqrt()),
        );
        assert_near(
            moments(|random| random.lognormal(1.0, 0.5).ln()),
            (0.0, 0.5),
        );
    }

    #[test]
    fn a_seed_means_the_same_for_ever() {
        let mut random = Random::seeded(7);
        let drawn = [random.next(), random.next()];
        let mut again = Random::seeded(7);
        assert_eq!(drawn, [again.next(), again.next()]);
        assert_ne!(drawn[0], Random::seeded(8).next());
        assert_ne!(random.split().next(), random.split().next());
    }
}
