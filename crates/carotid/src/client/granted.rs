//! What a server granted, as far as it makes sense: the other end is as fallible as any peer.

use std::time::Duration;

use carotid_core::Terms;

use crate::source::messages::{BeatReply, OpenReply};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) terms: Terms,
    /// When to send the first beat.
    pub(super) first_beat: Duration,
    /// Whoever loses the connection waits for a random part of this before it connects anew; zero
    /// leaves that to the backoff.
    pub(super) spread: Duration,
}

impl Granted {
    /// In front of a server that knows no terms, one's own wish is all there is.
    pub(super) const fn wish(wish: Terms) -> Self {
        Self {
            terms: wish,
            first_beat: wish.interval(),
            spread: Duration::ZERO,
        }
    }

    pub(super) fn read(reply: &OpenReply, wish: Terms) -> Self {
        let terms = match reply.terms() {
            Some(terms) => stalling(terms, millis(reply.longest_stall_ms)),
            None => wish,
        };
        let first_beat = match millis(reply.first_beat_ms) {
            Duration::ZERO => terms.interval(),
            first_beat => first_beat.min(terms.interval()),
        };
        Self {
            terms,
            first_beat,
            // Whoever waits for longer is dead when it comes.
            spread: millis(reply.spread_ms).min(terms.timeout()),
        }
    }

    /// Whether a beat's answer brought other terms. The longest stall is the peer's own, and stays.
    pub(super) fn revise(&mut self, reply: &BeatReply) -> bool {
        let Some(revised) = reply.revised() else {
            return false;
        };
        let before = self.terms;
        self.terms = stalling(revised, before.longest_stall());
        self.terms != before
    }
}

/// These terms, with the stall if there is room for it.
fn stalling(terms: Terms, longest_stall: Duration) -> Terms {
    terms.with_longest_stall(longest_stall).unwrap_or(terms)
}

/// A duration on the wire; nothing is as short as less than nothing.
fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn reply() -> OpenReply {
        OpenReply {
            interval_ms: 1000,
            timeout_ms: 10_000,
            longest_stall_ms: 3000,
            first_beat_ms: 400,
            spread_ms: 2500,
            ..OpenReply::default()
        }
    }

    fn read(reply: &OpenReply) -> Granted {
        Granted::read(reply, Terms::default())
    }

    #[test]
    fn a_grant_is_taken_to_the_letter() {
        let granted = read(&reply());
        let terms = Terms::new(ms(1000), ms(10_000)).unwrap();
        assert_eq!(granted.terms, terms.with_longest_stall(ms(3000)).unwrap());
        assert_eq!((granted.first_beat, granted.spread), (ms(400), ms(2500)));
    }

    #[test]
    fn what_a_grant_does_not_say_is_the_wish() {
        let granted = read(&OpenReply::default());
        assert_eq!(granted, Granted::wish(Terms::default()));
        assert_eq!(granted.first_beat, ms(10_000));
    }

    #[test]
    fn nonsense_in_a_grant_does_not_outlast_its_terms() {
        let nonsense = OpenReply {
            longest_stall_ms: i64::MAX,
            first_beat_ms: i64::MAX,
            spread_ms: i64::MAX,
            ..reply()
        };
        let granted = read(&nonsense);
        assert_eq!(granted.terms.longest_stall(), Duration::ZERO);
        assert_eq!((granted.first_beat, granted.spread), (ms(1000), ms(10_000)));
        let negative = OpenReply {
            longest_stall_ms: -1,
            first_beat_ms: -1,
            spread_ms: -1,
            ..reply()
        };
        let granted = read(&negative);
        assert_eq!((granted.first_beat, granted.spread), (ms(1000), ms(0)));
    }

    #[test]
    fn revised_terms_keep_the_longest_stall_where_it_fits() {
        let mut granted = read(&reply());
        let revised = |interval_ms, timeout_ms| BeatReply {
            epoch: 1,
            interval_ms,
            timeout_ms,
        };
        assert!(!granted.revise(&revised(0, 0)), "they stay");
        assert!(!granted.revise(&revised(1000, 10_000)), "the same again");
        assert!(granted.revise(&revised(2000, 20_000)));
        assert_eq!(granted.terms.interval(), ms(2000));
        assert_eq!(granted.terms.longest_stall(), ms(3000));
        assert!(granted.revise(&revised(2000, 4000)));
        assert_eq!(granted.terms.longest_stall(), Duration::ZERO);
    }
}
