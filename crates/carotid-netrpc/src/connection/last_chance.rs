//! Deadlines that pass because we did not run.
//!
//! A process that was stopped wakes to timers that are long due while the peers' calls wait unread in
//! the sockets. So a deadline that passes gives the peer one more moment, in which what has come is
//! read, and a moment that we slept through is given again.

use std::time::Duration;

use tokio::time::Instant;

/// The moment when all is well.
const MOMENT: Duration = Duration::from_millis(250);

/// A timer that fires this much too late shows that we did not run.
const TOLERANCE: Duration = Duration::from_millis(250);

/// The moment after we did not run, when every connection has something to be read.
const LONG_MOMENT: Duration = Duration::from_secs(1);

/// A peer's last chance before its deadline is held against it.
#[derive(Debug, Default)]
pub(super) struct LastChance {
    /// The deadline that has passed, and the end of the chance.
    given: Option<(Instant, Instant)>,
}

impl LastChance {
    /// When to look at this deadline.
    pub(super) fn until(&self, deadline: Instant) -> Instant {
        match self.given {
            Some((passed, until)) if passed == deadline => until,
            Some(_) | None => deadline,
        }
    }

    /// Whether the deadline and the chance after it are over at `now`; gives the chance if not.
    pub(super) fn is_over(&mut self, deadline: Instant, now: Instant) -> bool {
        let due = self.until(deadline);
        let Some(late) = now.checked_duration_since(due) else {
            return false;
        };
        let stalled = TOLERANCE < late;
        if due != deadline && !stalled {
            return true;
        }
        let moment = if stalled { LONG_MOMENT } else { MOMENT };
        self.given = Some((deadline, now + moment));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_deadline_is_over_one_moment_after_it() {
        let (mut chance, deadline) = (LastChance::default(), Instant::now());
        assert!(!chance.is_over(deadline, deadline - ms(1)));
        assert_eq!(chance.until(deadline), deadline);
        assert!(!chance.is_over(deadline, deadline + ms(1)));
        assert_eq!(chance.until(deadline), deadline + ms(251));
        assert!(chance.is_over(deadline, deadline + ms(252)));
    }

    #[test]
    fn a_chance_that_we_slept_through_is_given_again() {
        let (mut chance, deadline) = (LastChance::default(), Instant::now());
        assert!(!chance.is_over(deadline, deadline + ms(10_000)));
        assert_eq!(chance.until(deadline), deadline + ms(11_000));
        assert!(!chance.is_over(deadline, deadline + ms(20_000)));
        assert!(chance.is_over(deadline, deadline + ms(21_001)));
    }

    #[test]
    fn a_new_deadline_has_a_chance_of_its_own() {
        let (mut chance, first) = (LastChance::default(), Instant::now());
        assert!(!chance.is_over(first, first));
        let second = first + ms(100);
        assert_eq!(chance.until(second), second);
        assert!(!chance.is_over(second, second));
    }
}
