//! What a rule makes of events: which troubles there are, and what is to be told of them. No clock, no
//! socket: time and events are arguments, notices come out of [`Judge::poll_notice`].

mod mass;
mod service;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use carotid_core::ServiceHealth;
use jiff::Timestamp;

use super::rule::{GroupBy, Rule};
use super::situation::{Sign, Situation, Telling};
use super::trouble::Trouble;
use super::wording;
use crate::sink::api::{Event, Incident, Notice};

/// So many troubles are followed at once; what is more is told of together.
const MOST_SITUATIONS: usize = 10_000;

/// What those are called of which there are too many to follow each.
pub(super) const OTHERS: &str = "(others)";

/// Which trouble of what.
pub(super) type Key = (Trouble, String);

/// How a service is.
#[derive(Clone, Debug)]
pub(super) struct Assessment {
    pub(super) health: ServiceHealth,
    /// Why, for a person.
    pub(super) reason: Option<String>,
}

impl Default for Assessment {
    fn default() -> Self {
        Self {
            health: ServiceHealth::Pass,
            reason: None,
        }
    }
}

/// One rule at work.
#[derive(Debug)]
pub(super) struct Judge {
    rule: Arc<Rule>,
    /// Names the journal.
    run: u64,
    situations: BTreeMap<Key, Situation>,
    /// Mass silences that are not over.
    incidents: BTreeMap<u64, Incident>,
    /// Services to be asked how they are, with the event that made us ask.
    touched: BTreeMap<String, Option<Event>>,
    /// Services that fail, of which we do not speak for now.
    deferred: BTreeMap<String, Option<Event>>,
    /// A session that opened, unless it turns out that it failed in the same moment.
    opening: Option<(Timestamp, Event)>,
    /// Until then services that fail may just not have been heard since the start.
    settled_at: Timestamp,
    cursor: u64,
    notices: VecDeque<Notice>,
    dirty: BTreeSet<Key>,
}

impl Judge {
    /// A rule that goes on after event number `cursor` with these troubles.
    pub(super) fn new(
        rule: Arc<Rule>,
        run: u64,
        cursor: u64,
        situations: BTreeMap<Key, Situation>,
    ) -> Self {
        // A rule may have been changed since.
        let is_concerned = |(trouble, subject): &Key| {
            let service = subject.split('/').next().filter(|name| *name != OTHERS);
            rule.concerns(*trouble, service.filter(|_| trouble.has_service()))
        };
        let (situations, dropped): (BTreeMap<_, _>, BTreeMap<_, _>) = situations
            .into_iter()
            .partition(|(key, _)| is_concerned(key));
        let services = situations
            .keys()
            .filter(|(trouble, _)| trouble.is_of_service())
            .map(|(_, service)| (service.clone(), None));
        Self {
            touched: services.collect(),
            deferred: BTreeMap::new(),
            dirty: dropped.into_keys().collect(),
            rule,
            run,
            situations,
            incidents: BTreeMap::new(),
            opening: None,
            settled_at: Timestamp::MIN,
            cursor,
            notices: VecDeque::new(),
        }
    }

    /// The number of the last event that was looked at.
    pub(super) const fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Until then a service that fails may just not have been heard since the start.
    pub(super) const fn settle_until(&mut self, at: Timestamp) {
        self.settled_at = at;
    }

    /// Looks at the next event.
    pub(super) fn observe(&mut self, now: Timestamp, event: &Event) {
        if event.seq <= self.cursor {
            return;
        }
        self.cursor = event.seq;
        // Of a time that has passed already if the event comes out of the journal.
        let at = event.at.min(now);
        if let Some((opened_at, opened)) = self.opening.take() {
            // A report of failure opens the life that it ends.
            let is_failure = event.cause.as_deref() == Some("failed")
                && (&event.name, event.at) == (&opened.name, opened.at);
            if !is_failure {
                self.observe_session(opened_at, &opened, "opened");
            }
        }
        match (&*event.kind, event.name.as_deref()) {
            ("opened", Some(_)) => self.opening = Some((at, event.clone())),
            (kind, Some(_)) => self.observe_session(at, event, kind),
            ("mass_silence", None) => self.on_mass_silence(at, event),
            ("mass_silence_over", None) => self.on_mass_silence_over(at, event),
            ("stalled", None) => self.fail(at, Trouble::Stalled, None, OURSELVES, event),
            ("restarted", None) => {
                self.on_restart(at);
                self.fail(at, Trouble::Restarted, None, OURSELVES, event);
            }
            _ => {}
        }
    }

    /// Does what is due. Early calls do no harm.
    pub(super) fn handle_timeout(&mut self, now: Timestamp) {
        self.conclude_opening();
        if self.settled_at <= now && self.incidents.is_empty() {
            self.touched.append(&mut self.deferred);
        }
        let rule = self.rule.clone();
        let due = self
            .situations
            .iter()
            .filter(|(_, situation)| situation.poll_timeout(&rule).is_some_and(|due| due <= now));
        let due: Vec<_> = due.map(|(key, _)| key.clone()).collect();
        for key in due {
            if key.0.is_of_service()
                && let Some(situation) = self.situations.get_mut(&key)
                && situation.is_to_be_asked(&rule, now)
            {
                self.touched.entry(key.1.clone()).or_default();
            }
            self.change(key, |trouble, rule, situation| {
                situation.handle_timeout(trouble, rule, now);
            });
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        let timeouts = self.situations.values();
        let first = timeouts
            .filter_map(|situation| situation.poll_timeout(&self.rule))
            .min();
        let settled = (!self.deferred.is_empty()).then_some(self.settled_at);
        let settled = settled.filter(|_| self.incidents.is_empty());
        first.into_iter().chain(settled).min()
    }

    pub(super) fn poll_notice(&mut self) -> Option<Notice> {
        self.conclude_opening();
        self.notices.pop_front()
    }

    /// Troubles that have changed, with what they are now; nothing for those that are over.
    pub(super) fn poll_changed(&mut self) -> Option<(Key, Option<&Situation>)> {
        let key = self.dirty.pop_first()?;
        let situation = self.situations.get(&key);
        Some((key, situation))
    }

    /// Troubles that somebody was told of, or will be soon.
    pub(super) fn firing(&self) -> impl Iterator<Item = (&Key, &Situation)> {
        let all = self.situations.iter();
        all.filter(|(_, situation)| situation.is_firing())
    }

    /// What to say of a trouble that is firing, as it is now, without any event.
    pub(super) fn restate(&self, key: &Key, now: Timestamp) -> Option<Notice> {
        let situation = self
            .situations
            .get(key)
            .filter(|situation| situation.is_told())?;
        let telling = Telling {
            status: super::situation::Status::Firing,
            at: now,
            seq: situation.last_seq,
            number: 0,
            events: Vec::new(),
            more_events: 0,
            count: situation.count(),
            sessions: situation.sessions(),
        };
        Some(wording::notice(
            &self.rule, self.run, key, situation, telling,
        ))
    }

    fn conclude_opening(&mut self) {
        if let Some((at, event)) = self.opening.take() {
            self.observe_session(at, &event, "opened");
        }
    }

    fn observe_session(&mut self, at: Timestamp, event: &Event, kind: &str) {
        let Some(name) = event.name.as_deref() else {
            return;
        };
        let service = event.service.as_deref();
        let is_restart = event.cause.as_deref() == Some("restart");
        match kind {
            "opened" => self.recover(at, Trouble::Dead, name, event),
            "suspect" if is_restart => return,
            "suspect" => self.fail(at, Trouble::Suspect, service, name, event),
            "back" => self.recover(at, Trouble::Suspect, name, event),
            "wedged" => self.fail(at, Trouble::Wedged, service, name, event),
            "unwedged" => self.recover(at, Trouble::Wedged, name, event),
            "dead" | "left" => {
                self.recover(at, Trouble::Suspect, name, event);
                self.recover(at, Trouble::Wedged, name, event);
                let held = (event.evidence.as_ref()).is_some_and(|known| known.standing == "held");
                let service = service.unwrap_or(name);
                if kind == "dead" && held && self.is_told_of(service) {
                    self.hold(at, service, name, event);
                } else if kind == "dead" {
                    self.fail(at, Trouble::Dead, Some(service), name, event);
                }
            }
            _ => return,
        }
        let is_watched = |trouble| self.rule.concerns(trouble, service);
        if let Some(service) = service
            && (is_watched(Trouble::ServiceFail) || is_watched(Trouble::ServiceWarn))
        {
            self.deferred.remove(service);
            self.touched.insert(service.to_owned(), Some(event.clone()));
        }
    }

    fn fail(
        &mut self,
        at: Timestamp,
        trouble: Trouble,
        service: Option<&str>,
        member: &str,
        event: &Event,
    ) {
        if self.rule.concerns(trouble, service) {
            let key = (trouble, self.subject(trouble, service, member));
            self.fail_one(key, sign(at, member, event));
        }
    }

    fn fail_one(&mut self, mut key: Key, sign: Sign<'_>) {
        let has_room = self.situations.len() < MOST_SITUATIONS;
        if !has_room && key.0.has_service() && !self.situations.contains_key(&key) {
            key.1 = OTHERS.to_owned();
            let others = self.situations.entry(key.clone());
            others.or_insert_with(|| Situation::grouped(sign.at));
        }
        let known = self.situations.entry(key.clone());
        known.or_insert_with(|| Situation::new(sign.at));
        self.change(key, |trouble, rule, situation| {
            situation.fail(trouble, rule, sign)
        });
    }

    fn recover(&mut self, at: Timestamp, trouble: Trouble, member: &str, event: &Event) {
        let subject = self.subject(trouble, event.service.as_deref(), member);
        // It may be told of with others, whatever the rule groups by.
        let grouped = event.service.clone().filter(|service| *service != subject);
        let subjects = [Some(subject), grouped, Some(OTHERS.to_owned())];
        for subject in subjects.into_iter().flatten() {
            self.recover_one((trouble, subject), sign(at, member, event));
        }
    }

    fn recover_one(&mut self, key: Key, sign: Sign<'_>) {
        if self
            .situations
            .get(&key)
            .is_some_and(|known| known.has(sign))
        {
            self.change(key, |_, rule, situation| situation.recover(rule, sign));
        }
    }

    /// Applies a change, and takes out what there is to tell after it.
    fn change(&mut self, key: Key, change: impl FnOnce(Trouble, &Rule, &mut Situation)) {
        let Some(situation) = self.situations.get_mut(&key) else {
            return;
        };
        change(key.0, &self.rule, situation);
        while let Some(telling) = situation.poll() {
            let notice = wording::notice(&self.rule, self.run, &key, situation, telling);
            self.notices.push_back(notice);
        }
        if situation.is_over() {
            self.situations.remove(&key);
        }
        self.dirty.insert(key);
    }

    fn subject(&self, trouble: Trouble, service: Option<&str>, member: &str) -> String {
        let is_grouped = self.rule.grouping.by == GroupBy::Service && trouble.is_of_session();
        let subject = service.filter(|_| is_grouped).unwrap_or(member);
        subject.to_owned()
    }
}

/// What is in trouble when we ourselves are.
const OURSELVES: &str = "carotid";

fn sign<'a>(at: Timestamp, member: &'a str, event: &'a Event) -> Sign<'a> {
    Sign {
        at,
        member,
        seq: event.seq,
        event: Some(event),
        reason: None,
        // Who comes back from a silence was in it, and a life that is not the first follows another.
        is_return: match &*event.kind {
            "back" | "unwedged" => true,
            "opened" => event.epoch.is_some_and(|epoch| epoch > 1),
            _ => event.cause.as_deref() == Some("silence"),
        },
        doubt: Duration::ZERO,
    }
}

#[cfg(test)]
mod tests;
