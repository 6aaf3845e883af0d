//! Mass silence: hold, one incident, bounded release.
//!
//! When many sessions fall silent together, the likely cause is between them and us. A session whose
//! silence is at most one interval from its timeout is *at risk*; if more than a share of a service,
//! or of all, is at risk when the first of them times out, that is mass silence. Nobody dies of it at
//! once: deaths are held for an interval, in which whoever beats is simply back, and then let go in
//! random order and at a bounded rate. Every hold has an end from the start, so it leaves by itself.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use crate::service::{Services, Tally, shared_service};
use crate::{ConfigError, Event, EventKind, Standing, Tick};

mod hold;
mod order;

use self::hold::Hold;

/// Settings of a [`Breaker`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerConfig {
    /// Mass silence is more than this share of a service, or of all sessions, within an interval of
    /// death. Default: 0.15. At 1 there is none, and every session dies at its timeout.
    pub share: f64,

    /// A service of fewer sessions, or fewer in all, is too small for a mass. Default: 10.
    pub least_sessions: u32,

    /// How long deaths are held at most. Default: `None`, one interval of the session that would have
    /// died first. When it is longer than that and nobody came back within one interval, they are held
    /// no longer than that.
    pub max_hold: Option<Duration>,

    /// How many held sessions may die in a second. Default: 10,000.
    pub releases_per_second: u32,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            share: 0.15,
            least_sessions: 10,
            max_hold: None,
            releases_per_second: 10_000,
        }
    }
}

impl BreakerConfig {
    /// How long the death of a session with this interval may be held.
    #[must_use]
    pub fn longest_hold(&self, interval: Duration) -> Duration {
        self.max_hold.unwrap_or(interval)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if !(0.0..=1.0).contains(&self.share) {
            return Err(ConfigError::BreakerShare { share: self.share });
        }
        if self.releases_per_second == 0 {
            return Err(ConfigError::NoReleases);
        }
        Ok(())
    }

    fn is_mass(&self, tally: Tally) -> bool {
        tally.sessions >= self.least_sessions
            && f64::from(tally.at_risk) > self.share * f64::from(tally.sessions)
    }
}

/// Mass silence began: how much of it there is, and until when no death comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Counts incidents from 1.
    pub number: u64,
    /// When it was noticed: when the first of its sessions would have died.
    pub at: Tick,
    /// How many sessions are at risk.
    pub at_risk: u32,
    /// How many sessions there are in its scope.
    pub sessions: u32,
    /// Whether the deaths of all sessions are held, not only those of [`Self::services`].
    pub all: bool,
    /// The services that fell silent, in alphabetical order; at most [`Self::LISTED`].
    pub services: Vec<Box<str>>,
    /// When the first of the deaths may come, unless somebody comes back and more time is allowed.
    pub held_until: Tick,
}

impl Incident {
    /// At most so many services are listed.
    pub const LISTED: usize = 100;
}

/// Decides whether a session whose time is up may die. One for all engines that share a fleet.
///
/// Show it every [`Event`] with [`observe`](Self::observe), and lend it to
/// [`Engine::handle_timeout`](crate::Engine::handle_timeout); then drain
/// [`poll_incident`](Self::poll_incident).
#[derive(Debug)]
pub struct Breaker {
    config: BreakerConfig,
    seed: u64,
    services: Services,
    /// Services of which more than the share is at risk, and some of which it was not long ago.
    massed: BTreeSet<Box<str>>,
    /// Those that may not be over yet, oldest first.
    holds: Vec<Hold>,
    /// Until when releases are promised to somebody.
    promised: Tick,
    /// How many wait for theirs.
    waiting: u32,
    incidents: u64,
    noticed: Vec<Incident>,
}

/// What is to become of a session whose timeout has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sentence {
    Die,
    /// Ask again at this time.
    Hold(Tick),
}

impl Breaker {
    /// A breaker that knows no session yet. The seed decides the order of releases; draw it at random.
    ///
    /// # Errors
    ///
    /// Settings that contradict themselves.
    pub fn new(config: BreakerConfig, seed: u64) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            config,
            seed,
            services: Services::new(seed),
            massed: BTreeSet::new(),
            holds: Vec::new(),
            promised: Tick::default(),
            waiting: 0,
            incidents: 0,
            noticed: Vec::new(),
        })
    }

    /// Counts what an engine has concluded. Each event must be shown once, and before the next
    /// [`Engine::handle_timeout`](crate::Engine::handle_timeout) of any engine.
    pub fn observe(&mut self, event: &Event) {
        self.services.observe(event);
        let Some(before) = event.evidence.as_deref() else {
            return;
        };
        let is_back = event.kind == EventKind::Back;
        if is_back && before.is_at_risk() {
            let service = shared_service(event.name.as_str());
            for hold in &mut self.holds {
                hold.note_return(service);
            }
        }
        if before.standing == Standing::Held && (is_back || event.kind.is_terminal()) {
            self.waiting = self.waiting.saturating_sub(1);
            if self.waiting == 0 {
                // What was promised to those who came back is free again, or a fleet that falls silent
                // over and over would wait longer each time.
                self.promised = Tick::default();
                self.holds.iter_mut().for_each(Hold::forget_turns);
            }
        }
    }

    /// The next incident.
    pub fn poll_incident(&mut self) -> Option<Incident> {
        if self.noticed.is_empty() {
            None
        } else {
            Some(self.noticed.remove(0))
        }
    }

    /// How all sessions are, ended ones left out.
    #[must_use]
    pub const fn all(&self) -> Tally {
        self.services.all
    }

    /// How the sessions of a service are. `None` if it has none, or if its name has no slash.
    #[must_use]
    pub fn service(&self, service: &str) -> Option<Tally> {
        self.services.get(service)
    }

    /// A session of this name is at most one interval from its death.
    pub(crate) fn count_at_risk(&mut self, name: &str) {
        let service = shared_service(name);
        let tally = self.services.count_at_risk(service);
        if let (Some(service), Some(now)) = (service, tally) {
            let before = Tally {
                at_risk: now.at_risk - 1,
                ..now
            };
            if self.config.is_mass(now) && !self.config.is_mass(before) {
                self.massed.insert(service.into());
            }
            // Names are the peers' choice: no more of them than there are services (I9).
            if self.massed.len() > self.services.len() {
                let services = &self.services;
                self.massed
                    .retain(|service| services.get(service).is_some());
            }
        }
    }

    /// The timeout of a session that is at risk has passed, or it was held and its turn has come.
    pub(crate) fn judge(
        &mut self,
        now: Tick,
        name: &str,
        interval: Duration,
        held: bool,
    ) -> Sentence {
        let service = shared_service(name);
        self.holds.retain(|hold| !hold.is_over(now));
        let index = self.holds.iter().position(|hold| hold.covers(service));
        let index = match index {
            Some(index) if held && self.holds[index].lets_go(now) => return Sentence::Die,
            Some(index) => index,
            None if held || !self.trip(now, service, interval) => return Sentence::Die,
            None => self.holds.len() - 1,
        };
        self.waiting += u32::from(!held);
        let hold = &mut self.holds[index];
        Sentence::Hold(hold.promise(now, &mut self.promised, self.config.releases_per_second))
    }

    /// Begins an incident, if there is mass silence that this service is part of.
    fn trip(&mut self, now: Tick, service: Option<&str>, interval: Duration) -> bool {
        let all = self.config.is_mass(self.services.all);
        let tally = service.and_then(|service| self.services.get(service));
        let is_mass = all || tally.is_some_and(|tally| self.config.is_mass(tally));
        if !is_mass || cfg!(carotid_break = "breaker") {
            return false;
        }
        if let Some(service) = service
            && tally.is_some_and(|tally| self.config.is_mass(tally))
        {
            // It may be a mass because others left, which is not counted as more at risk.
            self.massed.insert(service.into());
        }
        let (config, tallies) = (&self.config, &self.services);
        self.massed.retain(|service| {
            let tally = tallies.get(service);
            tally.is_some_and(|tally| config.is_mass(tally))
        });
        let held = |service: &str| self.holds.iter().any(|hold| hold.covers(Some(service)));
        let new = self.massed.iter().filter(|service| !held(service));
        let services: Vec<Box<str>> = new.cloned().collect();
        let scope = if all {
            self.services.all
        } else {
            let tallies = services.iter().filter_map(|name| self.services.get(name));
            tallies.fold(Tally::default(), |sum, tally| Tally {
                sessions: sum.sessions + tally.sessions,
                at_risk: sum.at_risk + tally.at_risk,
                ..sum
            })
        };
        self.incidents += 1;
        let max_hold = self.config.longest_hold(interval);
        let held_until = now.after(interval.min(max_hold));
        let seed = self.seed ^ self.incidents.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.noticed.push(Incident {
            number: self.incidents,
            at: now,
            at_risk: scope.at_risk,
            sessions: scope.sessions,
            all,
            services: services.iter().take(Incident::LISTED).cloned().collect(),
            held_until,
        });
        let scope_names = if all { None } else { Some(services) };
        let last = now.after(max_hold);
        self.holds.push(Hold::new(
            scope_names,
            held_until,
            last,
            scope.at_risk,
            seed,
        ));
        true
    }
}

#[cfg(test)]
mod tests;
