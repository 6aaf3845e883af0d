//! The half of a courier that delivers.

use std::time::Duration;

use jiff::Timestamp;

use super::{Courier, Landed};
use crate::sink::alert::body::REPEAT;
use crate::sink::alert::judge::Key;
use crate::sink::alert::outbox::Fate;
use crate::sink::alert::post::Outcome;
use crate::sink::alert::rule::Destination;
use crate::sink::alert::situation::after;
use crate::sink::alert::store::Row;

/// So many notices of a webhook are under way at once, each about another subject.
const MOST_IN_FLIGHT: usize = 4;

/// So many alerts are repeated in one request.
const REPEATED_AT_ONCE: usize = 256;

impl Courier {
    pub(super) fn may_send(&self) -> bool {
        self.flights.len() < self.most_in_flight()
    }

    /// An Alertmanager must not hear of a beginning after the end.
    fn most_in_flight(&self) -> usize {
        match self.rule.destination {
            Destination::Webhook { .. } => MOST_IN_FLIGHT,
            Destination::Alertmanager { .. } => 1,
        }
    }

    pub(super) fn send_what_is_due(&mut self) {
        let now = self.office.clock.now();
        // First, or there would be no turn for it while letters are due.
        if self.timers.repeat_at.is_some_and(|at| at <= now) && self.flights.is_empty() {
            self.timers.repeat_at = Some(after(now, REPEAT));
            self.repeat(now);
        }
        while self.may_send()
            && let Some((place, letter)) = self.outbox.poll_due(now, self.most_in_flight())
        {
            let (post, notice) = (self.post.clone(), letter.notice.clone());
            self.flights.spawn(async move {
                let place = Some(place);
                let outcome = post.send(&[&notice], Timestamp::now()).await;
                Landed { place, outcome }
            });
        }
    }

    /// Tells an Alertmanager again of all that fires and of which nothing else is on its way.
    fn repeat(&mut self, now: Timestamp) {
        let keys: Vec<Key> = self.judge.firing().map(|(key, _)| key.clone()).collect();
        let unsent = keys.iter().filter(|(_, subject)| !self.outbox.has(subject));
        let notices: Vec<_> = unsent
            .filter_map(|key| self.judge.restate(key, now))
            .collect();
        if notices.is_empty() || self.gone {
            return;
        }
        let post = self.post.clone();
        self.flights.spawn(async move {
            let mut outcome = None;
            for some in notices.chunks(REPEATED_AT_ONCE) {
                let some: Vec<_> = some.iter().collect();
                let sent = post.send(&some, Timestamp::now()).await;
                let is_error = sent.error().is_some();
                outcome = Some(sent);
                if is_error {
                    break;
                }
            }
            let outcome = outcome.expect("there is at least one notice");
            Landed {
                place: None,
                outcome,
            }
        });
    }

    pub(super) fn land(&mut self, landed: Option<Landed>) {
        // A task that panicked has told so; its letter stays under way until the next start.
        let Some(Landed { place, outcome }) = landed else {
            return;
        };
        let now = self.office.clock.now();
        let error = outcome.error();
        let is_letter = place.is_some();
        self.office
            .board
            .write(&self.rule.name, |state| match &error {
                Some(error) => {
                    state.last_error = Some(error.clone());
                    state.last_error_at = Some(now);
                }
                None => {
                    state.delivered += u64::from(is_letter);
                    state.last_error = None;
                    state.last_delivered_at = Some(now);
                }
            });
        let Some(place) = place else {
            return;
        };
        let retry_after = match outcome {
            Outcome::Delivered { .. } => {
                self.outbox.remove(place);
                return self.update.note(place, Row::Delivered);
            }
            Outcome::Gone => return self.on_gone(now),
            Outcome::Refused { retry_after, .. } => retry_after,
            Outcome::Unreached { .. } => None,
        };
        self.on_failed(now, place, error.unwrap_or_default(), retry_after);
    }

    fn on_failed(
        &mut self,
        now: Timestamp,
        place: u64,
        error: String,
        retry_after: Option<Duration>,
    ) {
        let patience = self.rule.patience;
        let draw = |ceiling: Duration| ceiling.mul_f64(rand::random::<f64>());
        let fate = self
            .outbox
            .on_failed(now, place, error.clone(), retry_after, &patience, draw);
        let Some(letter) = self.outbox.get(place) else {
            return;
        };
        let (rule, attempts) = (&self.rule.name, letter.attempts);
        match fate {
            Fate::Retried => {
                let id = &letter.notice.id;
                tracing::warn!(
                    rule,
                    id,
                    attempts,
                    error,
                    "an alert was not delivered; trying again"
                );
                let row = Row::Tried {
                    notice: None,
                    attempts,
                    tried_at: letter.tried_at.unwrap_or(now),
                    error,
                };
                self.update.note(place, row);
            }
            Fate::GivenUp => self.bury(place, now, error),
        }
    }

    /// The receiver wants nothing more.
    fn on_gone(&mut self, now: Timestamp) {
        self.gone = true;
        for place in self.outbox.places() {
            self.bury(place, now, "the receiver answered 410 Gone".to_owned());
        }
        let rule = &self.rule.name;
        self.office.board.write(rule, |state| state.gone = true);
        tracing::error!(
            rule,
            "the receiver answered 410 Gone; nothing more is sent until the next start"
        );
    }

    fn bury(&mut self, place: u64, now: Timestamp, error: String) {
        let Some(letter) = self.outbox.remove(place) else {
            return;
        };
        let (rule, id, attempts) = (&self.rule.name, &letter.notice.id, letter.attempts);
        tracing::error!(
            rule,
            id,
            attempts,
            error,
            "an alert was given up: {}",
            letter.notice.summary
        );
        self.office
            .board
            .write(rule, |state| state.dead_letters += 1);
        let row = Row::Dead {
            attempts,
            notice: Box::new(letter.notice),
            at: now,
            error,
        };
        self.update.note(place, row);
    }
}
