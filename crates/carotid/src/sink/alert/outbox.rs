//! Notices on their way: in order for each subject, tried again until they are delivered or given up. No
//! clock and no randomness: both are arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::situation::after;
use crate::sink::api::Notice;

/// How often, and for how long, delivery is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The first attempt after a failure comes within this time; each later one within twice as much.
    /// Default: 1 s.
    pub first_wait: Duration,
    /// At most. Default: 5 min.
    pub longest_wait: Duration,
    /// A notice that could not be delivered for so long is a dead letter. Default: 24 h.
    pub give_up_after: Duration,
    /// How long one attempt may take. Default: 10 s.
    pub attempt: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(300),
            give_up_after: Duration::from_secs(24 * 3600),
            attempt: Duration::from_secs(10),
        }
    }
}

/// So long a receiver may ask us to wait.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// A notice on its way.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) notice: Notice,
    pub(super) attempts: u32,
    /// When it was first tried.
    pub(super) tried_at: Option<Timestamp>,
    pub(super) last_error: Option<String>,
    pub(super) due: Timestamp,
}

/// What becomes of a letter that was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Retried,
    GivenUp,
}

/// The letters of one rule, by their place in the order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    letters: BTreeMap<u64, Letter>,
    in_flight: BTreeSet<u64>,
    /// Until then the receiver wants to be left alone.
    quiet_until: Timestamp,
}

impl Letter {
    pub(super) const fn new(notice: Notice, now: Timestamp) -> Self {
        Self {
            notice,
            attempts: 0,
            tried_at: None,
            last_error: None,
            due: now,
        }
    }
}

impl Outbox {
    pub(super) fn len(&self) -> usize {
        self.letters.len()
    }

    pub(super) fn push(&mut self, place: u64, letter: Letter) {
        self.letters.insert(place, letter);
    }

    pub(super) fn get(&self, place: u64) -> Option<&Letter> {
        self.letters.get(&place)
    }

    /// The places of all letters, in order.
    pub(super) fn places(&self) -> Vec<u64> {
        self.letters.keys().copied().collect()
    }

    /// Whether a notice about this subject is on its way.
    pub(super) fn has(&self, subject: &str) -> bool {
        self.letters
            .values()
            .any(|letter| letter.notice.subject == subject)
    }

    /// The next letter to be sent, which counts as under way from here on; none if `most` are already.
    pub(super) fn poll_due(&mut self, now: Timestamp, most: usize) -> Option<(u64, &Letter)> {
        if most <= self.in_flight.len() || now < self.quiet_until {
            return None;
        }
        let place = self
            .firsts()
            .find(|(place, letter)| letter.due <= now && !self.in_flight.contains(place))?;
        let place = *place.0;
        self.in_flight.insert(place);
        let letter = self.letters.get_mut(&place)?;
        letter.attempts = letter.attempts.saturating_add(1);
        letter.tried_at.get_or_insert(now);
        Some((place, letter))
    }

    /// When [`Self::poll_due`] has something that it does not have now.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        let waiting = self
            .firsts()
            .filter(|(place, _)| !self.in_flight.contains(place));
        let first = waiting.map(|(_, letter)| letter.due).min()?;
        Some(first.max(self.quiet_until))
    }

    /// A letter is out of our hands, whatever became of it.
    pub(super) fn remove(&mut self, place: u64) -> Option<Letter> {
        self.in_flight.remove(&place);
        self.letters.remove(&place)
    }

    /// An attempt failed. `draw` returns a length drawn evenly from zero to its argument.
    pub(super) fn on_failed(
        &mut self,
        now: Timestamp,
        place: u64,
        error: String,
        retry_after: Option<Duration>,
        patience: &Patience,
        draw: impl FnOnce(Duration) -> Duration,
    ) -> Fate {
        self.in_flight.remove(&place);
        let Some(letter) = self.letters.get_mut(&place) else {
            return Fate::Retried;
        };
        letter.last_error = Some(error);
        let since = letter.tried_at.unwrap_or(now);
        if after(since, patience.give_up_after) <= now {
            return Fate::GivenUp;
        }
        // Full jitter, from "Exponential Backoff And Jitter" (M. Brooker, 2015).
        let doublings = letter.attempts.saturating_sub(1).min(30);
        let ceiling = patience.first_wait.saturating_mul(1 << doublings);
        let wait = draw(ceiling.min(patience.longest_wait));
        letter.due = after(now, wait);
        if let Some(asked) = retry_after {
            let until = after(now, asked.min(LONGEST_RETRY_AFTER));
            self.quiet_until = self.quiet_until.max(until);
        }
        Fate::Retried
    }

    /// The first letter of each subject: the others wait for it.
    fn firsts(&self) -> impl Iterator<Item = (&u64, &Letter)> {
        let mut seen = BTreeSet::new();
        let letters = self.letters.iter();
        letters.filter(move |(_, letter)| seen.insert(letter.notice.subject.as_str()))
    }
}

#[cfg(test)]
mod tests;
