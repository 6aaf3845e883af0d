//! What a fleet can grant: intervals grow with its size, and reconnects are spread.

use core::time::Duration;

use crate::{Terms, TermsError};

/// How much a server is willing to hear.
///
/// As in Nomad, whose servers scale the time to live of client heartbeats with the number of clients,
/// a peer is granted no shorter an interval than the whole fleet could keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// A fleet of n sessions is granted no interval shorter than n divided by this, as if all of them
    /// asked for that one. Default: 50,000, some half of one core.
    pub beats_per_second: u32,

    /// How many peers a second are to connect anew after all have lost their connections. What a peer
    /// was told with its last opening holds, so a fleet that has grown since comes back sooner.
    /// Default: 5,000.
    pub reconnects_per_second: u32,
}

/// Why a server could not grant anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllowanceError {
    /// Nobody could ever beat.
    #[error("beats_per_second is 0: no peer could ever beat")]
    NoBeats,
    /// Nobody could ever connect anew.
    #[error("reconnects_per_second is 0: no peer could ever connect anew")]
    NoReconnects,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            beats_per_second: 50_000,
            reconnects_per_second: 5000,
        }
    }
}

/// What a peer is told when it opens a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The terms in force.
    pub terms: Terms,
    /// How long to wait for the first beat: a part of the interval, so that peers that came together
    /// do not beat together.
    pub stagger: Duration,
    /// Reconnect slots: whoever loses the connection waits for a random part of this before it
    /// connects anew.
    pub spread: Duration,
}

impl Allowance {
    /// A timeout has at least so many intervals after the interval grew.
    const INTERVALS: u32 = 3;

    /// Whether it can be kept at all.
    ///
    /// # Errors
    ///
    /// A rate of zero.
    pub const fn check(&self) -> Result<(), AllowanceError> {
        if self.beats_per_second == 0 {
            return Err(AllowanceError::NoBeats);
        }
        if self.reconnects_per_second == 0 {
            return Err(AllowanceError::NoReconnects);
        }
        Ok(())
    }

    /// Terms as near to the wish as a fleet of this many sessions allows. A wish that can be granted
    /// is granted to the letter.
    ///
    /// # Errors
    ///
    /// An interval so long that no timeout can follow it.
    pub fn terms(&self, wish: Terms, sessions: u32) -> Result<Terms, TermsError> {
        let least = Self::time_for(sessions, self.beats_per_second);
        if least <= wish.interval() {
            return Ok(wish);
        }
        let timeout = wish
            .timeout()
            .max(least * Self::INTERVALS + wish.longest_stall());
        Terms::new(least, timeout)?.with_longest_stall(wish.longest_stall())
    }

    /// The terms with what a peer needs beside them; `chance` is random.
    #[must_use]
    pub fn grant(&self, terms: Terms, sessions: u32, chance: u32) -> Grant {
        // A peer that waits for longer than this before it connects anew may be dead by then.
        let most = terms.timeout() / 4;
        Grant {
            terms,
            stagger: part(terms.interval(), chance),
            spread: Self::time_for(sessions, self.reconnects_per_second).min(most),
        }
    }

    /// Whether a peer with these terms should be told of `better` ones: a few sessions more or less are
    /// no reason.
    #[must_use]
    pub fn is_worth_telling(now: Terms, better: Terms) -> bool {
        let (now, better) = (now.interval(), better.interval());
        better > now + now / 4 || better + better / 4 < now
    }

    fn time_for(count: u32, per_second: u32) -> Duration {
        let nanos = u64::from(count) * 1_000_000_000 / u64::from(per_second.max(1));
        Duration::from_nanos(nanos)
    }
}

/// A random part of a time: more than none of it, and all of it at most.
fn part(whole: Duration, chance: u32) -> Duration {
    let share = (f64::from(chance) + 1.0) / (f64::from(u32::MAX) + 1.0);
    whole.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn allowance(beats_per_second: u32) -> Allowance {
        Allowance {
            beats_per_second,
            reconnects_per_second: 100,
        }
    }

    #[test]
    fn a_wish_that_the_fleet_can_keep_is_granted_to_the_letter() {
        let wish = Terms::new(seconds(10), seconds(20)).unwrap();
        assert_eq!(allowance(50).terms(wish, 500), Ok(wish));
        assert_eq!(allowance(50).terms(wish, 0), Ok(wish));
    }

    #[test]
    fn intervals_grow_with_the_fleet_and_timeouts_when_they_must() {
        let wish = Terms::default().with_longest_stall(seconds(5)).unwrap();
        let granted = |sessions| allowance(50).terms(wish, sessions).unwrap();
        assert_eq!(granted(750).interval(), seconds(15));
        assert_eq!(granted(750).timeout(), seconds(60));
        assert_eq!(granted(5000).interval(), seconds(100));
        assert_eq!(granted(5000).timeout(), seconds(305));
        assert_eq!(granted(5000).longest_stall(), seconds(5));
        assert!(allowance(1).terms(wish, u32::MAX).is_err());
    }

    #[test]
    fn reconnects_are_spread_but_never_into_death() {
        let spread = |sessions| allowance(50).grant(Terms::default(), sessions, 0).spread;
        assert_eq!(spread(0), Duration::ZERO);
        assert_eq!(spread(500), seconds(5));
        assert_eq!(spread(1_000_000), seconds(15));
    }

    #[test]
    fn the_first_beat_comes_within_an_interval() {
        let stagger = |chance| allowance(50).grant(Terms::default(), 1, chance).stagger;
        assert!(stagger(0) > Duration::ZERO);
        assert_eq!(stagger(u32::MAX), seconds(10));
        assert_eq!(stagger(u32::MAX / 2), seconds(5));
    }

    #[test]
    fn a_quarter_more_is_worth_telling() {
        let terms = |interval| Terms::new(seconds(interval), seconds(1000)).unwrap();
        assert!(!Allowance::is_worth_telling(terms(100), terms(125)));
        assert!(Allowance::is_worth_telling(terms(100), terms(126)));
        assert!(!Allowance::is_worth_telling(terms(100), terms(80)));
        assert!(Allowance::is_worth_telling(terms(100), terms(79)));
    }
}
