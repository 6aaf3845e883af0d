//! What a batch changes in the accounts.

use std::sync::Arc;

use carotid_core::{EventKind, Tally};
use hashbrown::HashMap;

use super::{Account, Changes, Draft, HOUR_MS, Hour, HourKey, State};
use crate::driver::Tallies;
use crate::sink::journal::absence::Absence;
use crate::sink::journal::entry::Turn;
use crate::sink::journal::wall::Jump;

impl Draft<'_> {
    /// What happened to a session changes its service, whose number is returned.
    pub(in crate::sink::journal) fn turn(&mut self, at: i64, turn: &Turn<'_>) -> Option<i64> {
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
    pub(in crate::sink::journal) fn absence(&mut self, absence: Absence) {
        self.absences.add(absence);
        self.changes.absences.push(absence);
    }

    /// Puts down the time of a service until `at`.
    pub(in crate::sink::journal) fn close(&mut self, service: i64, at: i64) {
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

    pub(in crate::sink::journal) fn is_deserted(&self, service: i64, at: i64) -> bool {
        self.ledger.is_deserted(service, at)
    }

    /// Judges a service anew that the settings name, or did: it is to be there before it ever was.
    pub(in crate::sink::journal) fn judge_named(&mut self, name: &str, at: i64) {
        let is_known = self.ledger.by_name.contains_key(name);
        if is_known || self.ledger.held_to.contains_key(name) {
            let service = self.number(name, at);
            self.judge(service, at);
        }
    }

    /// Judges a service anew.
    pub(in crate::sink::journal) fn judge(&mut self, service: i64, at: i64) {
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
    pub(in crate::sink::journal) fn recount(&mut self, tallies: &Tallies, at: i64) {
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
    pub(in crate::sink::journal) fn set_clock(&mut self, jump: Jump) {
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
    pub(in crate::sink::journal) fn begin_anew(&mut self, at: i64) {
        let ledger = self.ledger;
        let watched = ledger.accounts.iter().filter(|(_, account)| {
            account.state != State::Unwatched || account.judge(&ledger.held_to) != account.state
        });
        watched.for_each(|(service, _)| self.judge(*service, at));
    }

    /// A service that nobody came back to is not waited for any more, unless the settings name it.
    pub(in crate::sink::journal) fn give_up(&mut self, service: i64, at: i64) {
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
    pub(in crate::sink::journal) fn rows(&self) -> impl Iterator<Item = (i64, &Account)> {
        let accounts = self.changes.accounts.iter();
        let accounts = accounts.map(|(service, account)| (*service, account));
        accounts.filter(|(service, account)| {
            let known = self.ledger.accounts.get(service);
            known.is_none_or(|known| {
                known.state != account.state || known.accounted_to != account.accounted_to
            })
        })
    }

    pub(in crate::sink::journal) fn hours(&self) -> &HashMap<HourKey, Hour> {
        &self.changes.hours
    }

    /// The absences that it adds.
    pub(in crate::sink::journal) fn absences(&self) -> &[Absence] {
        &self.changes.absences
    }

    /// What has changed, when all is in.
    pub(in crate::sink::journal) fn finish(self) -> Changes {
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
