//! How long each service was how: what the hours are made of.
//!
//! The accounts are in memory and change with each event; what a batch changes is a [`Draft`] that is
//! taken over when the batch is durable, and dropped when it could not be written.

use std::sync::Arc;

use carotid_core::{EventKind, ServiceHealth, Tally};
use hashbrown::{HashMap, HashSet};

use super::absence::{Absence, Absences};
use super::entry::Turn;
use crate::driver::ServiceConfigs;

mod draft;

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
