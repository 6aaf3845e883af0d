//! Mass silences: told of as one while they last, and of who is dead when they are over.

use jiff::Timestamp;

use super::{Judge, Key, sign};
use crate::sink::alert::situation::Situation;
use crate::sink::alert::trouble::Trouble;
use crate::sink::api::{Event, Incident};

impl Judge {
    /// Whether a mass silence that is not over may explain what becomes of a service.
    pub(super) fn is_silenced(&self, service: &str) -> bool {
        let mut incidents = self.incidents.values();
        incidents.any(|incident| is_of(incident, service))
    }

    /// Whether somebody is told of such a one.
    pub(super) fn is_told_of(&self, service: &str) -> bool {
        let mut incidents = self.incidents.iter();
        incidents.any(|(number, incident)| {
            let key = (Trouble::MassSilence, mass(*number));
            is_of(incident, service) && self.situations.contains_key(&key)
        })
    }

    pub(super) fn on_mass_silence(&mut self, at: Timestamp, event: &Event) {
        let Some(incident) = &event.incident else {
            return;
        };
        self.incidents.insert(incident.number, incident.clone());
        let concerns = |service: &String| self.rule.concerns(Trouble::MassSilence, Some(service));
        if is_of_more(incident) || incident.services.iter().any(concerns) {
            let subject = mass(incident.number);
            self.fail(at, Trouble::MassSilence, None, &subject, event);
        }
        // What it explains and nobody was told of yet waits until it is over.
        let keys = self
            .situations
            .keys()
            .filter(|(trouble, service)| trouble.is_of_service() && is_of(incident, service));
        for key in keys.cloned().collect::<Vec<_>>() {
            let mut withdrawn = None;
            self.change(key.clone(), |_, _, situation| {
                withdrawn = situation.withdraw();
            });
            if let Some(event) = withdrawn {
                self.deferred.insert(key.1, event);
            }
        }
    }

    pub(super) fn on_mass_silence_over(&mut self, at: Timestamp, event: &Event) {
        let Some(outcome) = event.outcome else {
            return;
        };
        self.incidents.remove(&outcome.number);
        self.touched.append(&mut self.deferred);
        let subject = mass(outcome.number);
        self.recover(at, Trouble::MassSilence, &subject, event);
        self.release(at);
    }

    /// Mass silences are counted anew, so those of the last run are over.
    pub(super) fn on_restart(&mut self, at: Timestamp) {
        self.incidents.clear();
        self.touched.append(&mut self.deferred);
        let keys = self.situations.keys();
        let masses: Vec<_> = keys
            .filter(|(trouble, _)| *trouble == Trouble::MassSilence)
            .cloned()
            .collect();
        for key in masses {
            self.change(key, |_, _, situation| situation.expire(at));
        }
        self.release(at);
    }

    /// A session of a mass silence is dead: told of with the others when that is over.
    pub(super) fn hold(&mut self, at: Timestamp, service: &str, name: &str, event: &Event) {
        if !self.rule.concerns(Trouble::Dead, Some(service)) {
            return;
        }
        let key: Key = (Trouble::Dead, service.to_owned());
        let held = self.situations.entry(key.clone());
        held.or_insert_with(|| Situation::held(at));
        self.fail_one(key, sign(at, name, event));
    }

    /// Tells of the dead that no mass silence holds any more.
    fn release(&mut self, at: Timestamp) {
        let keys = self.situations.keys();
        let keys = keys
            .filter(|(trouble, service)| *trouble == Trouble::Dead && !self.is_told_of(service));
        for key in keys.cloned().collect::<Vec<_>>() {
            self.change(key, |trouble, rule, situation| {
                situation.release(trouble, rule, at);
            });
        }
    }
}

/// Not all its services may be listed.
fn is_of_more(incident: &Incident) -> bool {
    incident.all || incident.services.len() >= carotid_core::Incident::LISTED
}

fn is_of(incident: &Incident, service: &str) -> bool {
    is_of_more(incident) || incident.services.iter().any(|one| one == service)
}

fn mass(number: u64) -> String {
    format!("mass_silence/{number}")
}
