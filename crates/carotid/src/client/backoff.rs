//! Exponential backoff with full jitter: each wait is drawn evenly between zero and a ceiling that
//! doubles. From "Exponential Backoff And Jitter" (M. Brooker, AWS Architecture Blog, 2015), where
//! it spreads a returning fleet best.

use std::time::Duration;

#[derive(Debug)]
pub(super) struct Backoff {
    min: Duration,
    most: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits of up to `min` at first and up to `max` at last; never of nothing at all.
    pub(super) fn new(min: Duration, max: Duration) -> Self {
        Self {
            min: min.max(Duration::from_millis(1)),
            most: max.max(Duration::from_millis(1)),
            max: max.max(Duration::from_millis(1)),
            failures: 0,
        }
    }

    /// No wait is longer than this from now on, nor than it ever may be.
    pub(super) fn limit(&mut self, limit: Duration) {
        self.max = self.most.min(limit).max(Duration::from_millis(1));
    }

    /// The next wait, drawn by `draw` from zero to the ceiling. `slots` is over how long the server
    /// spreads those whose connection it has just lost, or zero: if all went well until then, that
    /// alone decides, as the server knows how many they are.
    pub(super) fn next(
        &mut self,
        slots: Duration,
        draw: impl Fn(Duration) -> Duration,
    ) -> Duration {
        let doubled = self.min.saturating_mul(1 << self.failures.min(30));
        let first = self.failures == 0;
        self.failures = self.failures.saturating_add(1);
        if first && !slots.is_zero() {
            draw(slots)
        } else {
            // A server that answers once and fails again is neither stormed nor dialled faster.
            draw(doubled.min(self.max)).max(draw(slots))
        }
    }

    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest wait there could have been.
    fn next(backoff: &mut Backoff, slots: Duration) -> Duration {
        backoff.next(slots, |ceiling| ceiling)
    }

    #[test]
    fn a_limit_holds_until_the_next_one_and_never_beyond_the_most() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(100), ms(1000));
        let mut last = |limit| {
            backoff.limit(limit);
            (0..9).map(|_| next(&mut backoff, Duration::ZERO)).last()
        };
        assert_eq!(last(ms(300)), Some(ms(300)));
        assert_eq!(last(ms(5000)), Some(ms(1000)));
    }

    #[test]
    fn the_ceiling_doubles_up_to_its_limit_and_starts_over() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        let mut ceiling = || next(&mut backoff, Duration::ZERO).as_millis();
        let ceilings: Vec<_> = (0..8).map(|_| ceiling()).collect();
        assert_eq!(
            ceilings,
            [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]
        );
        for _ in 0..100 {
            ceiling();
        }
        backoff.reset();
        assert_eq!(next(&mut backoff, Duration::ZERO).as_millis(), 500);
    }

    #[test]
    fn the_first_wait_after_a_loss_is_a_slot_of_the_servers() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(500), ms(30_000));
        assert_eq!(next(&mut backoff, ms(20)), ms(20), "few peers");
        assert_eq!(next(&mut backoff, Duration::ZERO), ms(1000));
        backoff.reset();
        assert_eq!(next(&mut backoff, ms(15_000)), ms(15_000), "many peers");
        assert_eq!(next(&mut backoff, ms(20)), ms(1000), "it fails each time");
        assert_eq!(next(&mut backoff, ms(15_000)), ms(15_000));
    }
}
