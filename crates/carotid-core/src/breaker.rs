//! Mass silence: hold, one incident, bounded release.
//!
//! When many sessions fall silent together, the likely cause is between them and us. A session whose
//! silence is at most one interval from its timeout is *at risk*; if more than a share of its service,
//! or of all, is at risk when it times out, that is mass silence, and its death is held for one
//! interval of its own. Whoever beats meanwhile is simply back; the others are let go in random order
//! and at a bounded rate. Every hold has an end from the start, so it leaves by itself.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use crate::evidence::Phase;
use crate::{ConfigError, Event, EventKind, Tally, Terms, Tick};

mod census;
mod order;
mod query;
mod release;

use self::census::{Census, shared_service};
use self::release::Releases;

/// Settings of a [`Breaker`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerConfig {
    /// Mass silence is more than this share of a service, or of all sessions, within an interval of
    /// death. Default: 0.15. At 1 there is none, and every session dies at its timeout. Peers choose
    /// their names: whoever opens many living sessions of a service makes its silent ones a smaller
    /// share.
    pub share: f64,

    /// A service of fewer sessions, or fewer in all, is too small for a mass. Default: 10.
    pub least_sessions: u32,

    /// How long a death is held at most, 24 hours or less. Default: `None`, one interval of the session.
    /// If it is longer and nobody came back meanwhile, a death is held for one interval only. The
    /// queue of those whose hold is over comes on top, see [`Self::releases_per_second`].
    pub max_hold: Option<Duration>,

    /// How many held sessions may die in a second, those of all services together. Default: 10,000.
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

    /// How long it is held if nobody comes back meanwhile.
    #[must_use]
    pub fn shortest_hold(&self, interval: Duration) -> Duration {
        self.longest_hold(interval).min(interval)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if !(0.0..=1.0).contains(&self.share) {
            return Err(ConfigError::BreakerShare { share: self.share });
        }
        if self.releases_per_second == 0 {
            return Err(ConfigError::NoReleases);
        }
        if let Some(max_hold) = self.max_hold
            && max_hold > Terms::MAX_TIMEOUT
        {
            return Err(ConfigError::LongHold { max_hold });
        }
        Ok(())
    }

    fn is_mass(&self, tally: Tally) -> bool {
        tally.sessions >= self.least_sessions && self.is_large_part(tally)
    }

    fn is_large_part(&self, tally: Tally) -> bool {
        f64::from(tally.at_risk) > self.share * f64::from(tally.sessions)
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
    /// Whether the deaths of all sessions are held, not only those of [`Self::services`]: too many of
    /// the others are at risk, too.
    pub all: bool,
    /// The services that fell silent, in alphabetical order; at most [`Self::LISTED`].
    pub services: Vec<Box<str>>,
    /// Until when the first of the deaths is held; later if somebody comes back and more time is
    /// allowed. Every other session is held for an interval of its own.
    pub held_until: Tick,
}

impl Incident {
    /// At most so many services are listed.
    pub const LISTED: usize = 100;
}

/// What became of an incident whose hold is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncidentEnd {
    /// Which incident it was.
    pub number: u64,
    /// When it was over.
    pub at: Tick,
    /// How many of its sessions died.
    pub died: u32,
    /// How many were at risk or held, and beat again or said goodbye.
    pub returned: u32,
}

/// Decides whether a session whose time is up may die. One for all engines that share a fleet.
///
/// Show it every [`Event`] with [`observe`](Self::observe), and lend it to
/// [`Engine::handle_timeout`](crate::Engine::handle_timeout); after both drain
/// [`poll_incident`](Self::poll_incident) and [`poll_end`](Self::poll_end).
#[derive(Debug)]
pub struct Breaker {
    config: BreakerConfig,
    census: Census,
    /// By number.
    ongoing: BTreeMap<u64, Ongoing>,
    last_incident: u64,
    releases: Releases,
    /// No verdict can be kept now, so nobody dies (I8).
    barred: bool,
    /// Held sessions whose hold is over and that wait for their turn.
    released: u32,
    begun: VecDeque<Incident>,
    ended: VecDeque<IncidentEnd>,
}

/// An incident that is not over.
#[derive(Debug, Default)]
struct Ongoing {
    /// How many services are in it, all sessions counted as one more.
    scopes: usize,
    died: u32,
    returned: u32,
}

/// A session whose time is up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plea<'a> {
    pub(crate) name: &'a str,
    pub(crate) interval: Duration,
    pub(crate) timeout_at: Tick,
    pub(crate) phase: Phase,
}

/// What is to become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sentence {
    Die,
    /// It is held until then.
    Hold(Tick),
    /// Its hold is over, and this is its turn.
    Release(Tick),
}

impl Breaker {
    /// How soon a barred death is looked at again: long enough for a million of them.
    const BARRED_FOR: Duration = Duration::from_secs(1);

    /// A breaker that knows no session yet. The seed decides the order of releases; draw it at random.
    ///
    /// # Errors
    ///
    /// Settings that contradict themselves.
    pub fn new(config: BreakerConfig, seed: u64) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            config,
            census: Census::new(config),
            ongoing: BTreeMap::new(),
            last_incident: 0,
            releases: Releases::new(config.releases_per_second, seed),
            barred: false,
            released: 0,
            begun: VecDeque::new(),
            ended: VecDeque::new(),
        })
    }

    /// Counts what an engine has concluded. Each event must be shown once, and before the next
    /// [`Engine::handle_timeout`](crate::Engine::handle_timeout) of any engine.
    pub fn observe(&mut self, event: &Event) {
        let service = shared_service(event.name.as_str());
        if let Some(before) = event.evidence.as_deref()
            && (event.kind == EventKind::Back || event.kind.is_terminal())
        {
            self.note_end_of_risk(service, event, before.phase);
        }
        self.census.observe(service, event);
        for number in self.census.leave(service).into_iter().flatten() {
            self.leave(number, event.at);
        }
    }

    /// Counts a session that an engine has restored, see [`Engine::restore`](crate::Engine::restore).
    pub fn count_restored(&mut self, name: &str) {
        self.census.count_restored(shared_service(name));
    }

    /// While barred, nobody dies: each death is held until verdicts can be kept again (I8). Those held
    /// die then in random order and at the rate of [`BreakerConfig::releases_per_second`].
    pub const fn bar(&mut self, barred: bool) {
        self.barred = barred;
    }

    /// The next incident that has begun.
    pub fn poll_incident(&mut self) -> Option<Incident> {
        self.begun.pop_front()
    }

    /// The next incident that is over: no death of it is held any more, and less than half the share of
    /// its sessions is at risk.
    pub fn poll_end(&mut self) -> Option<IncidentEnd> {
        self.ended.pop_front()
    }

    /// How all sessions are, ended ones left out.
    #[must_use]
    pub const fn all(&self) -> Tally {
        self.census.all.tally
    }

    /// How the sessions of a service are. `None` if it has none, or if its name has no slash.
    #[must_use]
    pub fn service(&self, service: &str) -> Option<Tally> {
        self.census.service(service).map(|scope| scope.tally)
    }

    /// The services that have sessions which have not ended, in the order of their names (bytes), from
    /// the first after `after` on; the empty text is before all. Names without a slash are none of them.
    pub fn services_after(&self, after: &str) -> impl Iterator<Item = (&str, Tally)> {
        self.census.services_after(after)
    }

    /// A session of this name is at most one interval from its death.
    pub(crate) fn count_at_risk(&mut self, name: &str) {
        self.census.count_at_risk(shared_service(name));
    }

    /// What becomes of a session at risk whose timeout has passed, or whose hold or turn has come.
    pub(crate) fn judge(&mut self, now: Tick, plea: Plea<'_>) -> Sentence {
        let service = shared_service(plea.name);
        if self.barred {
            return self.put_off(now, service, plea.phase);
        }
        let hold = |length: Duration| Sentence::Hold(plea.timeout_at.after(length).max(now));
        match plea.phase {
            Phase::Clear | Phase::AtRisk => {
                let shortest = self.config.shortest_hold(plea.interval);
                if !self.is_mass(now, service, shortest) || cfg!(carotid_break = "breaker") {
                    return Sentence::Die;
                }
                self.census.hold(service);
                hold(shortest)
            }
            Phase::Held => {
                let longest = self.config.longest_hold(plea.interval);
                let incident = self.census.incident(service);
                let ongoing = incident.and_then(|number| self.ongoing.get(&number));
                let somebody_returned = ongoing.is_some_and(|ongoing| ongoing.returned > 0);
                if somebody_returned && now < plea.timeout_at.after(longest) {
                    return hold(longest);
                }
                let waiting = self.census.held().saturating_sub(self.released);
                let turn = self.releases.draw(now, waiting);
                self.released += 1;
                Sentence::Release(turn)
            }
            Phase::Released => Sentence::Die,
        }
    }

    /// Holds a death for a moment, whatever became of it before.
    fn put_off(&mut self, now: Tick, service: Option<&str>, phase: Phase) -> Sentence {
        match phase {
            Phase::Clear | Phase::AtRisk => self.census.hold(service),
            Phase::Held => {}
            Phase::Released => self.released = self.released.saturating_sub(1),
        }
        Sentence::Hold(now.after(Self::BARRED_FOR))
    }

    /// Whether this service is silent, or all are; begins an incident if that is news.
    fn is_mass(&mut self, now: Tick, service: Option<&str>, hold: Duration) -> bool {
        let is_own = self.census.is_massed(service);
        let is_all = self.census.are_all_massed();
        if (is_own || is_all) && self.census.incident(service).is_none() {
            self.begin(now, is_all, now.after(hold));
        }
        is_own || is_all
    }

    /// Begins an incident while there is none of all.
    fn begin(&mut self, now: Tick, all: bool, held_until: Tick) {
        self.last_incident += 1;
        let number = self.last_incident;
        let (services, sum) = self.census.enter(number);
        let whole = &mut self.census.all;
        if all {
            whole.incident = Some(number);
        }
        let scope = if all { whole.tally } else { sum };
        let ongoing = Ongoing {
            scopes: services.len() + usize::from(all),
            ..Ongoing::default()
        };
        self.ongoing.insert(number, ongoing);
        self.begun.push_back(Incident {
            number,
            at: now,
            at_risk: scope.at_risk,
            sessions: scope.sessions,
            all,
            services: services.into_iter().take(Incident::LISTED).collect(),
            held_until,
        });
    }

    /// A session that was at risk is back, or has ended.
    fn note_end_of_risk(&mut self, service: Option<&str>, event: &Event, phase: Phase) {
        let incident = self.census.incident(service);
        let ongoing = incident.and_then(|number| self.ongoing.get_mut(&number));
        if let (Some(ongoing), true) = (ongoing, phase != Phase::Clear) {
            let died = matches!(event.kind, EventKind::Dead { .. });
            ongoing.died += u32::from(died);
            ongoing.returned += u32::from(!died);
        }
        match phase {
            Phase::Clear | Phase::AtRisk => {}
            Phase::Held => self.census.let_go(service),
            Phase::Released => {
                self.census.let_go(service);
                self.released = self.released.saturating_sub(1);
                if self.released == 0 {
                    self.releases.forget(event.at);
                }
            }
        }
    }

    fn leave(&mut self, number: u64, now: Tick) {
        let Some(ongoing) = self.ongoing.get_mut(&number) else {
            return;
        };
        ongoing.scopes -= 1;
        if ongoing.scopes == 0 {
            self.ended.push_back(IncidentEnd {
                number,
                at: now,
                died: ongoing.died,
                returned: ongoing.returned,
            });
            self.ongoing.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests;
