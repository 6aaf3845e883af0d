//! One trouble of one subject, from its first failure until it is over. Time is an argument; what is to
//! be told comes out of [`Situation::poll`].

mod larger;
mod telling;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::rule::Rule;
use super::trouble::Trouble;

use telling::Untold;
pub(super) use telling::{Reason, Sign, Status, Telling};

/// So many events are told at once: some tens of kilobytes.
pub(super) const MOST_EVENTS: usize = 100;

/// So many names are remembered of those that failed; beyond that the first in the alphabet are only
/// counted, so that an alert is a bounded thing.
const MOST_DOWN: usize = 1000;

/// One trouble of one subject. It is kept as JSON beside the journal, so that a restart forgets nothing.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Situation {
    pub(super) since: Timestamp,
    pub(super) cause: Option<String>,
    /// Why, for a person, as of the last failure.
    pub(super) reason: Option<String>,
    /// The number of its last event.
    pub(super) last_seq: u64,
    /// It is of several, whatever the rule groups by.
    #[serde(default)]
    pub(super) is_grouped: bool,
    phase: Phase,
    /// When the last failures were, as many as are counted.
    recent: VecDeque<Timestamp>,
    /// Who is in it.
    down: BTreeSet<String>,
    /// How many more are, whose names are not remembered.
    #[serde(default)]
    forgotten: usize,
    /// How often somebody was told.
    #[serde(default)]
    told: u64,
    /// How many were at most, and are back since the last failure.
    failed: usize,
    back: usize,
    timers: Timers,
    untold: Untold,
    #[serde(skip)]
    tellings: VecDeque<Telling>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    /// Part of something larger that is not over; told then.
    Held,
    /// Below a threshold.
    Pending,
    /// Worth telling, and not told yet.
    Kindled,
    /// Told.
    Firing,
    Over,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Timers {
    /// It has lasted long enough.
    ripe_at: Option<Timestamp>,
    /// What is untold is told.
    flush_at: Option<Timestamp>,
    /// It has been well for long enough.
    resolve_at: Option<Timestamp>,
    last_failure: Timestamp,
    last_flush: Option<Timestamp>,
}

impl Situation {
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            since: at,
            cause: None,
            reason: None,
            last_seq: 0,
            is_grouped: false,
            phase: Phase::Pending,
            recent: VecDeque::new(),
            down: BTreeSet::new(),
            forgotten: 0,
            told: 0,
            failed: 0,
            back: 0,
            timers: Timers::default(),
            untold: Untold::default(),
            tellings: VecDeque::new(),
        }
    }

    pub(super) fn fail(&mut self, trouble: Trouble, rule: &Rule, sign: Sign<'_>) {
        let limits = &rule.thresholds;
        let at = sign.at;
        self.forget_old(rule, at);
        if self.phase == Phase::Pending && self.recent.is_empty() && self.count() == 0 {
            (self.since, self.cause) = (at, None);
        }
        if self.cause.is_none() {
            self.cause = sign
                .event
                .and_then(|event| event.cause.as_deref().map(str::to_owned));
        }
        self.reason = sign.reason.map(str::to_owned);
        self.recent.push_back(at);
        let spare = self
            .recent
            .len()
            .saturating_sub(limits.failures.get() as usize);
        self.recent.drain(..spare);
        if !trouble.is_momentary() {
            self.down.insert(sign.member.to_owned());
            while self.down.len() > MOST_DOWN {
                self.down.pop_first();
                self.forgotten += 1;
            }
        }
        (self.failed, self.back) = (self.count(), 0);
        self.timers.last_failure = at;
        self.timers.resolve_at = None;
        self.hear(sign);
        self.untold.through_failure = self.untold.events.len();
        match self.phase {
            Phase::Pending => self.ripen(trouble, rule, at, sign.doubt),
            Phase::Held | Phase::Over => {}
            Phase::Kindled | Phase::Firing => self.tell_more(rule, at),
        }
    }

    /// Whether it has failed often enough, and how long it must last.
    fn ripen(&mut self, trouble: Trouble, rule: &Rule, at: Timestamp, doubt: Duration) {
        let limits = &rule.thresholds;
        if self.recent.len() < limits.failures.get() as usize {
            return;
        }
        let lasting = limits.lasting(trouble);
        let lasting = limits.lasting.unwrap_or(lasting.max(doubt));
        let ripe_at = *self.timers.ripe_at.get_or_insert(after(at, lasting));
        if trouble.is_momentary() || ripe_at <= at {
            self.kindle(rule, at);
        }
    }

    pub(super) fn recover(&mut self, rule: &Rule, sign: Sign<'_>) {
        if !self.has(sign) {
            return;
        }
        if !self.down.remove(sign.member) {
            self.forgotten -= 1;
        }
        self.back += 1;
        self.hear(sign);
        match self.phase {
            Phase::Pending if self.count() == 0 => self.timers.ripe_at = None,
            Phase::Held | Phase::Pending | Phase::Over => {}
            Phase::Kindled | Phase::Firing if self.is_well(rule) => {
                let quiet_at = after(sign.at, rule.thresholds.keep_firing_for);
                let resolve_at = *self.timers.resolve_at.get_or_insert(quiet_at);
                if resolve_at <= sign.at {
                    self.resolve(sign.at, Reason::Recovered);
                    return;
                }
                self.tell_more(rule, sign.at);
                if self.phase == Phase::Firing && self.untold.through_failure == 0 {
                    // That they are back is told when it is certain.
                    self.timers.flush_at = None;
                }
            }
            Phase::Kindled | Phase::Firing => self.tell_more(rule, sign.at),
        }
    }

    /// It can be forgotten as if all had recovered.
    pub(super) fn expire(&mut self, at: Timestamp) {
        match self.phase {
            Phase::Held | Phase::Pending | Phase::Over => self.phase = Phase::Over,
            Phase::Kindled | Phase::Firing => self.resolve(at, Reason::Expired),
        }
    }

    /// Nothing failed for so long that it would be over, if it could not be asked. If so, that begins anew.
    pub(super) fn is_to_be_asked(&mut self, rule: &Rule, now: Timestamp) -> bool {
        let is_due = self.expires_at(rule) <= now;
        if is_due {
            self.timers.last_failure = now;
        }
        is_due
    }

    /// Does what is due. Early calls do no harm.
    pub(super) fn handle_timeout(&mut self, trouble: Trouble, rule: &Rule, now: Timestamp) {
        let is_due = |timer: Option<Timestamp>| timer.is_some_and(|at| at <= now);
        if is_due(self.timers.ripe_at) {
            self.kindle(rule, now);
        }
        if is_due(self.timers.resolve_at) {
            self.resolve(now, Reason::Recovered);
        } else if is_due(Some(self.expires_at(rule))) {
            self.expire(now);
        } else if is_due(self.timers.flush_at) {
            self.flush(trouble, now);
        }
        if self.phase == Phase::Pending {
            self.forget_old(rule, now);
            if self.recent.is_empty() && self.count() == 0 {
                self.phase = Phase::Over;
            }
        }
    }

    pub(super) fn poll_timeout(&self, rule: &Rule) -> Option<Timestamp> {
        let timers = &self.timers;
        let quiet_at = match (self.phase, self.recent.front()) {
            (Phase::Over, _) => return None,
            (Phase::Pending, Some(first)) => Some(after(*first, rule.thresholds.within)),
            (Phase::Held | Phase::Pending | Phase::Kindled | Phase::Firing, _) => None,
        };
        let all = [timers.ripe_at, timers.flush_at, timers.resolve_at, quiet_at];
        let first = all.into_iter().flatten().min();
        Some(first.map_or(self.expires_at(rule), |first| {
            first.min(self.expires_at(rule))
        }))
    }

    pub(super) fn poll(&mut self) -> Option<Telling> {
        self.tellings.pop_front()
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Whether somebody was told, or is about to be.
    pub(super) fn is_firing(&self) -> bool {
        matches!(self.phase, Phase::Kindled | Phase::Firing)
    }

    /// Whether somebody was told.
    pub(super) fn is_told(&self) -> bool {
        self.phase == Phase::Firing
    }

    /// Whether this one is in it, as far as is remembered.
    pub(super) fn has(&self, sign: Sign<'_>) -> bool {
        self.down.contains(sign.member) || (sign.is_return && self.forgotten > 0)
    }

    pub(super) fn count(&self) -> usize {
        self.down.len() + self.forgotten
    }

    pub(super) fn sessions(&self) -> Vec<String> {
        self.down.iter().take(MOST_EVENTS).cloned().collect()
    }

    fn is_well(&self, rule: &Rule) -> bool {
        let wanted = rule.thresholds.recoveries;
        let is_enough = |wanted: u32| (wanted as usize).min(self.failed) <= self.back;
        self.count() == 0 || wanted.is_some_and(|wanted| is_enough(wanted.get()))
    }

    fn expires_at(&self, rule: &Rule) -> Timestamp {
        after(self.timers.last_failure, rule.thresholds.resolve_after)
    }

    fn forget_old(&mut self, rule: &Rule, now: Timestamp) {
        let within = rule.thresholds.within;
        while self
            .recent
            .front()
            .is_some_and(|first| after(*first, within) <= now)
        {
            self.recent.pop_front();
        }
    }

    fn hear(&mut self, sign: Sign<'_>) {
        self.last_seq = self.last_seq.max(sign.seq);
        let Some(event) = sign.event else {
            return;
        };
        let untold = &mut self.untold;
        if untold.events.len() < MOST_EVENTS {
            untold.events.push(event.clone());
        } else if self.phase == Phase::Pending {
            // What stays below a threshold is not promised to anybody.
            untold.events.remove(0);
            untold.events.push(event.clone());
            untold.through_failure = untold.through_failure.saturating_sub(1);
        } else {
            untold.more += 1;
        }
    }

    fn kindle(&mut self, rule: &Rule, at: Timestamp) {
        self.timers.ripe_at = None;
        self.timers.flush_at = Some(after(at, rule.grouping.wait));
        self.phase = Phase::Kindled;
    }

    /// There is more to tell, soon.
    fn tell_more(&mut self, rule: &Rule, at: Timestamp) {
        let soon = after(at, rule.grouping.wait);
        let next = (self.timers.last_flush).map(|last| after(last, rule.grouping.interval));
        let due = next.map_or(soon, |next| next.max(soon));
        self.timers.flush_at.get_or_insert(due);
    }

    fn flush(&mut self, trouble: Trouble, at: Timestamp) {
        let untold = std::mem::take(&mut self.untold);
        self.timers.flush_at = None;
        self.timers.last_flush = Some(at);
        let (status, phase) = if trouble.is_momentary() {
            (Status::Notice, Phase::Over)
        } else {
            (Status::Firing, Phase::Firing)
        };
        self.tell(status, at, untold);
        self.phase = phase;
    }

    fn resolve(&mut self, at: Timestamp, reason: Reason) {
        let mut untold = std::mem::take(&mut self.untold);
        if self.phase == Phase::Kindled {
            // Nobody is told that something is over of which nobody was told.
            let recoveries = untold.events.split_off(untold.through_failure);
            let failures = Untold {
                events: std::mem::replace(&mut untold.events, recoveries),
                more: std::mem::take(&mut untold.more),
                through_failure: 0,
            };
            self.tell(Status::Firing, at, failures);
        }
        self.tell(Status::Resolved(reason), at, untold);
        self.timers = Timers::default();
        self.phase = Phase::Over;
    }

    fn tell(&mut self, status: Status, at: Timestamp, untold: Untold) {
        let Untold { events, more, .. } = untold;
        let mut sessions = self.sessions();
        if sessions.is_empty() && status == Status::Firing {
            // All of them are back already.
            sessions.extend(events.iter().filter_map(|event| event.name.clone()));
            sessions.sort_unstable();
            sessions.dedup();
        }
        let seq = events.last().map_or(self.last_seq, |event| event.seq);
        self.told += 1;
        self.tellings.push_back(Telling {
            status,
            at,
            seq,
            number: self.told,
            more_events: more,
            count: self.count().max(sessions.len()),
            sessions,
            events,
        });
    }
}

/// A moment later than another; none is later than the last one that there is.
pub(super) fn after(at: Timestamp, wait: Duration) -> Timestamp {
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}
