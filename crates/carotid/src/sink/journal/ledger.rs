//! How long each service was how: what the hours are made of.
//!
//! The accounts are in memory and change with each event; what a batch changes is a [`Draft`] that is
//! taken over when the batch is durable, and dropped when it could not be written.

use std::sync::Arc;

use carotid_core::{EventKind, ServiceHealth, Tally};
use hashbrown::{HashMap, HashSet};

use super::absence::{Absence, Absences};
use super::entry::Turn;
use super::wall::Jump;
use crate::driver::{ServiceConfigs, Tallies};

pub(super) const HOUR_MS: i64 = 3_600_000;

/// How a service is, as far as its availability is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It never had a session, or its last one left.
    Unwatched,
    Pass,
    Warn,
    Fail,
    /// Too few of its sessions were heard of since we were away.
    Unknown,
}

impl State {
    const ALL: [Self; 5] = [
        Self::Unwatched,
        Self::Pass,
        Self::Warn,
        Self::Fail,
        Self::Unknown,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Unwatched => "unwatched",
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }

    /// What [`Self::as_str`] gave, read back.
    pub(super) fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// One service.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) name: Arc<str>,
    pub(super) state: State,
    pub(super) since: i64,
    /// Why it failed last.
    pub(super) reason: Option<Arc<str>>,
    /// The hours know of its time until here.
    pub(super) accounted_to: i64,
    tally: Tally,
    /// Those that were there before a restart, and were not heard of since. Not among the suspect.
    unheard: u32,
}

/// What is added to one hour of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hour {
    pub(super) pass_ms: i64,
    pub(super) warn_ms: i64,
    pub(super) down_ms: i64,
    pub(super) unknown_ms: i64,
    pub(super) opened: i64,
    pub(super) deaths: i64,
    pub(super) reason: Option<Arc<str>>,
}

/// A service and the beginning of an hour.
pub(super) type HourKey = (i64, i64);

#[derive(Debug, Default)]
pub(super) struct Ledger {
    by_name: HashMap<Arc<str>, i64>,
    accounts: HashMap<i64, Account>,
    /// Sessions from before a restart that were not heard of since.
    unheard: HashSet<i64>,
    absences: Absences,
    held_to: Arc<ServiceConfigs>,
    last_service: i64,
}

/// What a batch changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    accounts: HashMap<i64, Account>,
    hours: HashMap<HourKey, Hour>,
    absences: Vec<Absence>,
    new: HashMap<Arc<str>, i64>,
    heard: HashSet<i64>,
}

/// A ledger with changes that are not durable yet.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    ledger: &'a Ledger,
    absences: Absences,
    changes: Changes,
}

impl Account {
    pub(super) fn new(name: Arc<str>, at: i64) -> Self {
        Self {
            name,
            state: State::Unwatched,
            since: at,
            reason: None,
            accounted_to: at,
            tally: Tally::default(),
            unheard: 0,
        }
    }

    /// The state that its sessions make.
    fn judge(&self, held_to: &ServiceConfigs) -> State {
        let config = held_to.get(&*self.name).copied();
        let min_alive = config.unwrap_or_default().min_alive;
        if self.tally.sessions == 0 {
            return match config {
                // It is to be there, whoever left.
                Some(_) if min_alive > 0 => State::Fail,
                // Its last one has left or died: what happened then says which.
                Some(_) | None => self.state,
            };
        }
        let unheard = Tally {
            unfit: self.unheard,
            ..Tally::default()
        };
        let at_best = self.tally.health(min_alive);
        match at_best {
            _ if at_best != self.tally.with(unheard).health(min_alive) => State::Unknown,
            ServiceHealth::Pass => State::Pass,
            ServiceHealth::Warn => State::Warn,
            ServiceHealth::Fail => State::Fail,
        }
    }

    fn count(&mut self, turn: &Turn<'_>, was_unheard: bool) {
        let one_less = |count: &mut u32, is_one: bool| {
            *count = count.saturating_sub(u32::from(is_one));
        };
        one_less(&mut self.unheard, was_unheard);
        let was_suspect = turn.was_suspect && !was_unheard;
        let tally = &mut self.tally;
        match turn.kind {
            EventKind::Opened { .. } => tally.sessions += 1,
            EventKind::Suspect { .. } => {
                tally.unfit += u32::from(!turn.was_wedged);
            }
            EventKind::Wedged { .. } => {
                tally.unfit += u32::from(!was_suspect);
            }
            EventKind::Back => one_less(&mut tally.unfit, was_suspect && !turn.was_wedged),
            EventKind::Unwedged => one_less(&mut tally.unfit, !was_suspect),
            ended @ (EventKind::Dead { .. } | EventKind::Left) => {
                one_less(&mut tally.sessions, true);
                one_less(&mut tally.unfit, was_suspect || turn.was_wedged);
                if tally.sessions == 0 {
                    self.state = if ended == EventKind::Left {
                        State::Unwatched
                    } else {
                        State::Fail
                    };
                }
            }
            EventKind::Revised | _ => {}
        }
    }

    /// Puts its time until `to` down in the hours.
    fn account(&mut self, service: i64, to: i64, absences: &Absences, hours: &mut Hours) {
        let mut from = self.accounted_to;
        while self.state != State::Unwatched && from < to {
            let hour = from.div_euclid(HOUR_MS) * HOUR_MS;
            let end = to.min(hour + HOUR_MS);
            let unknown_ms = absences.between(from, end);
            let known_ms = end - from - unknown_ms;
            let sum = hours.entry((service, hour)).or_default();
            sum.unknown_ms += unknown_ms;
            match self.state {
                State::Pass => sum.pass_ms += known_ms,
                State::Warn => sum.warn_ms += known_ms,
                State::Fail => {
                    sum.down_ms += known_ms;
                    sum.reason = self.reason.clone();
                }
                State::Unknown => sum.unknown_ms += known_ms,
                State::Unwatched => {}
            }
            from = end;
        }
        self.accounted_to = self.accounted_to.max(to);
    }
}

type Hours = HashMap<HourKey, Hour>;

impl Ledger {
    /// Holds services to this from now on. Returns those that may be judged otherwise by it.
    pub(super) fn hold_to(&mut self, held_to: Arc<ServiceConfigs>) -> Vec<Box<str>> {
        if Arc::ptr_eq(&self.held_to, &held_to) {
            return Vec::new();
        }
        let old = std::mem::replace(&mut self.held_to, held_to);
        let names = old.keys().chain(self.held_to.keys());
        names.cloned().collect()
    }

    /// Takes up a service from before a restart.
    pub(super) fn load(&mut self, service: i64, account: Account) {
        self.last_service = self.last_service.max(service);
        self.by_name.insert(account.name.clone(), service);
        self.accounts.insert(service, account);
    }

    /// Takes up a session from before a restart that has not ended.
    pub(super) fn load_session(&mut self, session: i64, service: Option<i64>) {
        self.unheard.insert(session);
        let account = service.and_then(|service| self.accounts.get_mut(&service));
        if let Some(account) = account {
            account.tally.sessions += 1;
            account.unheard += 1;
        }
    }

    pub(super) fn load_absence(&mut self, absence: Absence) {
        self.absences.add(absence);
    }

    pub(super) fn draft(&self) -> Draft<'_> {
        Draft {
            ledger: self,
            absences: self.absences.clone(),
            changes: Changes::default(),
        }
    }

    /// Takes over what is durable now.
    pub(super) fn adopt(&mut self, changes: Changes) {
        for (name, service) in changes.new {
            self.last_service = self.last_service.max(service);
            self.by_name.insert(name, service);
        }
        self.accounts.extend(changes.accounts);
        for session in changes.heard {
            self.unheard.remove(&session);
        }
        for absence in changes.absences {
            self.absences.add(absence);
        }
    }

    /// The services whose time before `at` is not put down yet.
    pub(super) fn unaccounted(&self, at: i64) -> Vec<i64> {
        let behind = self
            .accounts
            .iter()
            .filter(|(_, account)| account.state != State::Unwatched && account.accounted_to < at);
        behind.map(|(service, _)| *service).collect()
    }

    pub(super) fn services(&self) -> Vec<i64> {
        self.accounts.keys().copied().collect()
    }

    /// Whether a service has no sessions, and has been as it is since before `at`.
    pub(super) fn is_deserted(&self, service: i64, at: i64) -> bool {
        let account = self.accounts.get(&service);
        account.is_some_and(|account| account.tally.sessions == 0 && account.since < at)
    }

    /// Forgets a service that has no session and no history.
    pub(super) fn forget(&mut self, service: i64) {
        if let Some(account) = self.accounts.remove(&service) {
            self.by_name.remove(&account.name);
        }
    }

    /// Forgets absences that no account reaches back to.
    pub(super) fn forget_absences(&mut self) {
        let watched = self.accounts.values();
        let watched = watched.filter(|account| account.state != State::Unwatched);
        let oldest = watched.map(|account| account.accounted_to).min();
        self.absences.forget_before(oldest.unwrap_or(i64::MAX));
    }
}

impl Draft<'_> {
    /// What happened to a session changes its service, whose number is returned.
    pub(super) fn turn(&mut self, at: i64, turn: &Turn<'_>) -> Option<i64> {
        let was_unheard = self.ledger.unheard.contains(&turn.session)
            && turn.kind != EventKind::Revised
            && !self.changes.heard.contains(&turn.session);
        if was_unheard {
            self.changes.heard.insert(turn.session);
        }
        let name = turn.service?;
        let service = self.number(name, at);
        let absences = &self.absences;
        let Changes {
            accounts, hours, ..
        } = &mut self.changes;
        let known = || self.ledger.accounts.get(&service).cloned();
        let account = accounts
            .entry(service)
            .or_insert_with(|| known().expect("a number is given with an account"));
        let mut next = account.clone();
        next.count(turn, was_unheard);
        next.state = next.judge(&self.ledger.held_to);
        let is_death = matches!(turn.kind, EventKind::Dead { .. });
        if matches!(turn.kind, EventKind::Opened { .. }) || is_death {
            let hour = at.div_euclid(HOUR_MS) * HOUR_MS;
            let sum = hours.entry((service, hour)).or_default();
            sum.opened += i64::from(!is_death);
            sum.deaths += i64::from(is_death);
        }
        if next.state != account.state {
            account.account(service, at, absences, hours);
            next.accounted_to = account.accounted_to;
            next.since = at;
            if next.state == State::Fail {
                next.reason = Some(reason(turn).into());
            }
        }
        *account = next;
        Some(service)
    }

    /// Nobody watched in this time.
    pub(super) fn absence(&mut self, absence: Absence) {
        self.absences.add(absence);
        self.changes.absences.push(absence);
    }

    /// Puts down the time of a service until `at`.
    pub(super) fn close(&mut self, service: i64, at: i64) {
        let Some(known) = self.ledger.accounts.get(&service) else {
            return;
        };
        let account = self
            .changes
            .accounts
            .entry(service)
            .or_insert_with(|| known.clone());
        account.account(service, at, &self.absences, &mut self.changes.hours);
    }

    pub(super) fn is_deserted(&self, service: i64, at: i64) -> bool {
        self.ledger.is_deserted(service, at)
    }

    /// Judges a service anew that the settings name, or did: it is to be there before it ever was.
    pub(super) fn judge_named(&mut self, name: &str, at: i64) {
        let is_known = self.ledger.by_name.contains_key(name);
        if is_known || self.ledger.held_to.contains_key(name) {
            let service = self.number(name, at);
            self.judge(service, at);
        }
    }

    /// Judges a service anew.
    pub(super) fn judge(&mut self, service: i64, at: i64) {
        self.close(service, at);
        let Some(account) = self.changes.accounts.get_mut(&service) else {
            return;
        };
        let state = account.judge(&self.ledger.held_to);
        if state != account.state {
            (account.state, account.since) = (state, at);
        }
    }

    /// Counts the sessions of all services anew: events that would have counted them were not kept.
    pub(super) fn recount(&mut self, tallies: &Tallies, at: i64) {
        self.changes.heard.clone_from(&self.ledger.unheard);
        let services: Vec<_> = self.ledger.accounts.keys().copied().collect();
        for service in services {
            self.close(service, at);
            if let Some(account) = self.changes.accounts.get_mut(&service) {
                let tally = tallies.services.get(&*account.name);
                account.tally = Tally {
                    at_risk: 0,
                    ..tally.copied().unwrap_or_default()
                };
                account.unheard = 0;
                let state = account.judge(&self.ledger.held_to);
                if state != account.state {
                    (account.state, account.since) = (state, at);
                }
            }
        }
    }

    /// The clock on the wall was set: time that it left out is nobody's, and time that it shows again is
    /// counted again.
    pub(super) fn set_clock(&mut self, jump: Jump) {
        let services: Vec<_> = self.ledger.accounts.keys().copied().collect();
        for service in services {
            self.close(service, jump.from);
            if let Some(account) = self.changes.accounts.get_mut(&service) {
                account.accounted_to = jump.to;
                account.since = account.since.min(jump.to);
            }
        }
    }

    /// A run begins: whoever was there before was not heard of yet.
    pub(super) fn begin_anew(&mut self, at: i64) {
        let ledger = self.ledger;
        let watched = ledger.accounts.iter().filter(|(_, account)| {
            account.state != State::Unwatched || account.judge(&ledger.held_to) != account.state
        });
        watched.for_each(|(service, _)| self.judge(*service, at));
    }

    /// A service that nobody came back to is not waited for any more, unless the settings name it.
    pub(super) fn give_up(&mut self, service: i64, at: i64) {
        self.close(service, at);
        let Some(account) = self.changes.accounts.get_mut(&service) else {
            return;
        };
        let is_named = self.ledger.held_to.contains_key(&*account.name);
        if account.state != State::Unwatched && !is_named {
            (account.state, account.since) = (State::Unwatched, at);
        }
    }

    /// The services whose row is another one now.
    pub(super) fn rows(&self) -> impl Iterator<Item = (i64, &Account)> {
        let accounts = self.changes.accounts.iter();
        let accounts = accounts.map(|(service, account)| (*service, account));
        accounts.filter(|(service, account)| {
            let known = self.ledger.accounts.get(service);
            known.is_none_or(|known| {
                known.state != account.state || known.accounted_to != account.accounted_to
            })
        })
    }

    pub(super) fn hours(&self) -> &HashMap<HourKey, Hour> {
        &self.changes.hours
    }

    /// The absences that it adds.
    pub(super) fn absences(&self) -> &[Absence] {
        &self.changes.absences
    }

    /// What has changed, when all is in.
    pub(super) fn finish(self) -> Changes {
        self.changes
    }

    fn number(&mut self, name: &str, at: i64) -> i64 {
        if let Some(service) = self.ledger.by_name.get(name) {
            return *service;
        }
        if let Some(service) = self.changes.new.get(name) {
            return *service;
        }
        let new = i64::try_from(self.changes.new.len()).unwrap_or(i64::MAX);
        let service = self.ledger.last_service + new + 1;
        let name: Arc<str> = name.into();
        self.changes
            .accounts
            .insert(service, Account::new(name.clone(), at));
        self.changes.new.insert(name, service);
        service
    }
}

/// Why a service failed, in the words of what made it.
fn reason(turn: &Turn<'_>) -> String {
    let what = turn.kind.as_str();
    match turn.kind.cause() {
        Some(cause) => format!("{} {what}: {}", turn.name, cause.as_str()),
        None => format!("{} {what}", turn.name),
    }
}
