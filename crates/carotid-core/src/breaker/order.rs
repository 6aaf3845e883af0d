//! A random order of so many things, one at a time and without a list of them.

/// A permutation of the numbers below a size, drawn by a seed.
///
/// Scrambles the next power of two by steps that each can be undone (an odd factor, a sum, a shifted
/// exclusive or), and walks on while the result is too large: a generalised cycle walk after Black
/// and Rogaway, "Ciphers with Arbitrary Finite Domains" (CT-RSA 2002). It is no cipher.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    size: u64,
    mask: u64,
    seed: u64,
}

impl Order {
    pub(super) const fn new(size: u32, seed: u64) -> Self {
        let size = if size == 0 { 1 } else { size as u64 };
        Self {
            size,
            mask: size.next_power_of_two() - 1,
            seed,
        }
    }

    /// Where the thing with this number comes; numbers below the size have places below it, each
    /// its own.
    pub(super) fn place(&self, number: u32) -> u32 {
        let mut place = u64::from(number);
        loop {
            place = self.scramble(place);
            if place < self.size {
                return u32::try_from(place).expect("it is below a size of 32 bits");
            }
        }
    }

    fn scramble(&self, mut x: u64) -> u64 {
        let half = self.mask.count_ones().div_ceil(2);
        let mut key = self.seed;
        for _ in 0..4 {
            // The factor and increment of Knuth's MMIX generator.
            key = key
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            x = x.wrapping_mul(key | 1).wrapping_add(key >> 32) & self.mask;
            x ^= x >> half;
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn everything_has_a_place_of_its_own(size in 1..3000u32, seed: u64) {
            let order = Order::new(size, seed);
            let mut places: Vec<_> = (0..size).map(|number| order.place(number)).collect();
            places.sort_unstable();
            prop_assert_eq!(places, (0..size).collect::<Vec<_>>());
        }
    }

    #[test]
    fn another_seed_is_another_order_and_neither_is_the_order_of_arrival() {
        let places = |seed| {
            let order = Order::new(1000, seed);
            (0..1000)
                .map(|number| order.place(number))
                .collect::<Vec<_>>()
        };
        assert_ne!(places(1), places(2));
        let rising = |places: Vec<u32>| places.windows(2).filter(|two| two[0] < two[1]).count();
        for seed in 0..20 {
            let rising = rising(places(seed));
            assert!((300..700).contains(&rising), "{rising} of 999 rise");
        }
    }
}
