//! Mass silence, counted without the breaker.
//!
//! Of those who die of silence unheld, no more than the share of a service, or of all, may do so
//! within the time for which they are at risk before; for long timeouts that is one interval.

use std::collections::VecDeque;
use std::time::Duration;

use carotid_core::{BreakerConfig, Event, EventKind, Incident, Standing, Tick};

use super::subject::Subject;
use super::{LATENESS, Law, TICK, Violation};

/// A shard may count who is at risk so much later than another judges; a hiccup adds to it.
const SLACK: Duration = Duration::from_millis(225);

/// Deaths that share a window are forgotten after this.
const LONGEST_WINDOW: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Mass {
    config: BreakerConfig,
    sessions: u32,
    by_service: Vec<u32>,
    /// Deaths of silence that were not held.
    deaths: VecDeque<Death>,
    /// When held sessions died.
    releases: VecDeque<Tick>,
    number: u64,
    incidents_ever: u64,
    most_sessions: u32,
    longest_interval: Duration,
}

/// A death, and what followed it within its window.
#[derive(Clone, Copy, Debug)]
struct Death {
    at: Tick,
    service: Option<usize>,
    sessions: u32,
    of_service: u32,
    died: u32,
    died_of_service: u32,
}

impl Mass {
    pub(super) fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            sessions: 0,
            by_service: Vec::new(),
            deaths: VecDeque::new(),
            releases: VecDeque::new(),
            number: 0,
            incidents_ever: 0,
            most_sessions: 0,
            longest_interval: Duration::ZERO,
        }
    }

    pub(super) fn restart(&mut self) {
        let incidents_ever = self.incidents_ever;
        *self = Self::new(self.config);
        self.incidents_ever = incidents_ever;
    }

    pub(super) const fn incidents_ever(&self) -> u64 {
        self.incidents_ever
    }

    pub(super) fn on_opened(&mut self, service: Option<usize>) {
        self.sessions += 1;
        self.most_sessions = self.most_sessions.max(self.sessions);
        if let Some(service) = service {
            let services = self.by_service.len().max(service + 1);
            self.by_service.resize(services, 0);
            self.by_service[service] += 1;
        }
    }

    pub(super) fn on_event(
        &mut self,
        subject: &Subject,
        now: Tick,
        event: &Event,
    ) -> Result<(), Violation> {
        let standing = event.evidence.as_deref().map(|evidence| evidence.standing);
        if !event.kind.is_terminal() {
            return Ok(());
        }
        let silent = subject.terms.timeout() <= now.since(subject.heard);
        if silent && matches!(event.kind, EventKind::Dead { .. }) {
            if standing == Some(Standing::Held) {
                self.on_release(subject, now)?;
            } else {
                self.on_death(subject, now)?;
            }
        }
        self.sessions -= 1;
        if let Some(service) = subject.service {
            self.by_service[service] -= 1;
        }
        Ok(())
    }

    fn on_death(&mut self, subject: &Subject, now: Tick) -> Result<(), Violation> {
        self.deaths
            .retain(|death| now.since(death.at) <= LONGEST_WINDOW);
        let of_service = subject
            .service
            .map_or(0, |service| self.by_service[service]);
        self.deaths.push_back(Death {
            at: now,
            service: subject.service,
            sessions: self.sessions,
            of_service,
            died: 0,
            died_of_service: 0,
        });
        let config = self.config;
        let is_mass = |died: u32, sessions: u32| {
            config.least_sessions <= sessions
                && config.share * f64::from(sessions) < f64::from(died)
        };
        for death in &mut self.deaths {
            if now.since(death.at) + SLACK > subject.at_risk_for() && death.at != now {
                continue;
            }
            death.died += 1;
            if death.service.is_some() && death.service == subject.service {
                death.died_of_service += 1;
            }
            if is_mass(death.died, death.sessions)
                || is_mass(death.died_of_service, death.of_service)
            {
                let detail = format!("at {now:?}, {death:?}, not held, with {subject:?}");
                return Err(Violation::of(Law::MassIsHeld, subject, detail));
            }
        }
        Ok(())
    }

    fn on_release(&mut self, subject: &Subject, now: Tick) -> Result<(), Violation> {
        const SECOND: Duration = Duration::from_secs(1);
        self.releases.retain(|at| now.since(*at) < SECOND);
        self.releases.push_back(now);
        let rate = f64::from(self.config.releases_per_second);
        // Those of a little more than a second may be swept within one.
        let most = rate * (SECOND + SLACK).as_secs_f64() + 1.0;
        if most < self.releases.len() as f64 {
            let detail = format!(
                "{} in the second before {now:?}, at {rate} a second",
                self.releases.len()
            );
            return Err(Violation::of(Law::ReleaseRate, subject, detail));
        }
        Ok(())
    }

    pub(super) fn on_incident(
        &mut self,
        now: Tick,
        incident: &Incident,
        subjects: &[Subject],
    ) -> Result<(), Violation> {
        self.number += 1;
        self.incidents_ever += 1;
        let open = || subjects.iter().filter(|subject| subject.is_open());
        let of_scope = |subject: &Subject| {
            incident.all
                || incident
                    .services
                    .iter()
                    .any(|name| subject.service.is_some() && **name == *subject.name.service())
        };
        let sessions = open().filter(|subject| of_scope(subject)).count();
        let at_risk = open()
            .filter(|subject| {
                of_scope(subject) && subject.at_risk_after() <= now.since(subject.heard)
            })
            .count();
        let longest = open().map(|subject| subject.terms.interval()).max();
        self.longest_interval = self.longest_interval.max(longest.unwrap_or_default());
        let hold = incident.held_until.since(incident.at);
        let longest_hold = self.config.max_hold.unwrap_or(self.longest_interval);
        let agrees = incident.number == self.number
            && incident.at == now
            && incident.sessions as usize == sessions
            && incident.at_risk as usize <= at_risk
            && self.config.least_sessions <= incident.sessions
            && self.config.share * f64::from(incident.sessions) < f64::from(incident.at_risk)
            && hold <= longest_hold.min(self.longest_interval)
            && incident.services.is_sorted();
        if agrees {
            return Ok(());
        }
        let detail =
            format!("{incident:?} at {now:?}, with {at_risk} of {sessions} sessions at risk");
        Err(Violation::new(Law::Incident, detail))
    }

    /// When a session dies at the soonest, if held: it is held for an interval of its own.
    pub(super) fn earliest_release(&self, subject: &Subject) -> Tick {
        let hold = self.config.shortest_hold(subject.terms.interval());
        subject.timeout_at().after(hold)
    }

    /// When it dies at the latest, if held: after its longest hold, when its turn comes.
    pub(super) fn latest_release(&self, subject: &Subject) -> Tick {
        let hold = self.config.longest_hold(subject.terms.interval());
        subject.timeout_at().after(hold).after(self.longest_queue())
    }

    /// How long the releases of everybody take, and of a block of latecomers, twice over.
    pub(super) fn longest_queue(&self) -> Duration {
        self.turns(self.most_sessions + 64) + TICK + LATENESS
    }

    /// How long so many releases take, twice over.
    fn turns(&self, count: u32) -> Duration {
        let rate = f64::from(self.config.releases_per_second);
        Duration::from_secs_f64(f64::from(count) * 2.0 / rate)
    }

    /// How long a hold may last, with all its turns.
    pub(super) fn longest_hold(&self) -> Duration {
        self.config.max_hold.unwrap_or(self.longest_interval) + self.longest_queue()
    }

    pub(super) const fn sessions(&self) -> u32 {
        self.sessions
    }
}
