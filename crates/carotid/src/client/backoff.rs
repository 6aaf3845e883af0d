//! Exponential backoff with full jitter: each wait is drawn evenly between zero and a ceiling that
//! doubles. From "Exponential Backoff And Jitter" (M. Brooker, AWS Architecture Blog, 2015), where
//! it spreads a returning fleet best.

use std::time::Duration;

#[derive(Debug)]
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits of up to `min` at first and up to `max` at last; never of nothing at all.
    pub(super) fn new(min: Duration, max: Duration) -> Self {
        Self {
            min: min.max(Duration::from_millis(1)),
            max: max.max(Duration::from_millis(1)),
            failures: 0,
        }
    }

    /// The next wait, drawn by `draw` from zero to the ceiling.
    pub(super) fn next(&mut self, draw: impl FnOnce(Duration) -> Duration) -> Duration {
        let doubled = self.min.saturating_mul(1 << self.failures.min(30));
        self.failures += 1;
        draw(doubled.min(self.max))
    }

    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_its_limit_and_starts_over() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        let mut ceiling = || backoff.next(|ceiling| ceiling).as_millis();
        let ceilings: Vec<_> = (0..8).map(|_| ceiling()).collect();
        assert_eq!(
            ceilings,
            [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]
        );
        for _ in 0..100 {
            ceiling();
        }
        backoff.reset();
        assert_eq!(backoff.next(|ceiling| ceiling).as_millis(), 500);
    }
}
