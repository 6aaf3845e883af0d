//! How each rule fares, for those who ask.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::rule::Rule;
use crate::sink::api::{Alerts, RuleState};

/// What all rules write on, each in its own place. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    rules: Arc<Mutex<Vec<RuleState>>>,
}

impl Board {
    /// Has a place for each of these rules.
    pub(super) fn new<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Self {
        let mut states: Vec<_> = rules.into_iter().map(RuleState::new).collect();
        states.sort_by(|one, other| one.rule.cmp(&other.rule));
        Self {
            rules: Arc::new(Mutex::new(states)),
        }
    }

    /// How all fare now.
    pub(crate) fn read(&self) -> Alerts {
        let rules = self.lock().clone();
        Alerts { rules }
    }

    pub(super) fn write(&self, rule: &str, write: impl FnOnce(&mut RuleState)) {
        let mut states = self.lock();
        if let Some(state) = states.iter_mut().find(|state| state.rule == rule) {
            write(state);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RuleState>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RuleState {
    fn new(rule: &Rule) -> Self {
        Self {
            rule: rule.name.clone(),
            kind: rule.destination.kind().into(),
            destination: rule.destination.to_string(),
            on: rule
                .on
                .iter()
                .map(|trouble| trouble.as_str().into())
                .collect(),
            firing: Vec::new(),
            firing_count: 0,
            cursor: 0,
            pending: 0,
            delivered: 0,
            dead_letters: 0,
            last_delivered_at: None,
            last_error: None,
            last_error_at: None,
            gone: false,
        }
    }
}
