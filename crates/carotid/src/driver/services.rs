//! How the services are: what their sessions make of them, and what they need.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use carotid_core::{
    Cause, Health, PastEnd, ServiceHealth, SessionName, SessionView, Standing, Tally,
};
use tokio::sync::watch;

use super::Driver;
use super::deaths::Death;
use super::shard::Shared;
use super::sorted::{Place, Sorting};

/// What a service is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceConfig {
    /// With fewer sessions alive (neither suspect nor wedged) it fails. Default: 1. At 0 it never
    /// fails; more than 1 is for services that one instance cannot carry.
    pub min_alive: u32,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self { min_alive: 1 }
    }
}

/// What services are held to, by name. One that is named here fails when it has no session at all;
/// others are unknown then.
pub type ServiceConfigs = BTreeMap<Box<str>, ServiceConfig>;

/// How a service is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServiceStatus {
    /// Its name.
    pub name: Box<str>,
    /// Its sessions that have not ended.
    pub tally: Tally,
    /// How many of them must be alive.
    pub min_alive: u32,
    /// Whether the settings name it.
    pub is_configured: bool,
    /// Those of its sessions that died last and are not back, the latest last.
    pub deaths: Vec<Death>,
}

impl ServiceStatus {
    /// Whether it can do its work.
    #[must_use]
    pub const fn health(&self) -> ServiceHealth {
        self.tally.health(self.min_alive)
    }

    /// Why, for a person: `1 of the 2 needed alive; payments/7 dead since 14:02:11 UTC, silence`.
    #[must_use]
    pub fn reason(&self) -> String {
        let Tally {
            sessions,
            suspect,
            wedged,
            at_risk,
            ..
        } = self.tally;
        let alive = self.tally.alive();
        let mut reason = match self.health() {
            ServiceHealth::Fail if self.is_configured => {
                format!("{alive} of the {} needed alive", self.min_alive)
            }
            ServiceHealth::Fail | ServiceHealth::Warn | ServiceHealth::Pass => {
                match (alive, sessions) {
                    (0, 0) => "no session".to_owned(),
                    (0, 1) => "not alive".to_owned(),
                    (0, _) => format!("none of {sessions} alive"),
                    (alive, sessions) if alive == sessions => format!("{alive} alive"),
                    _ => format!("{alive} of {sessions} alive"),
                }
            }
        };
        for (count, word) in [
            (suspect, "suspect"),
            (wedged, "wedged"),
            (at_risk, "about to die"),
        ] {
            if count > 0 {
                let written = write!(reason, "; {count} {word}");
                written.expect("writing to a string does not fail");
            }
        }
        if let Some(Death {
            name, at, cause, ..
        }) = self.deaths.last()
        {
            let (at, cause) = (at.strftime("%H:%M:%S"), cause.as_str());
            reason += &format!("; {name} dead since {at} UTC, {cause}");
        }
        reason
    }
}

/// Names looked at under one lock: some tens of microseconds.
const NAMES_AT_ONCE: usize = 256;

impl Driver {
    /// Holds services to this from now on, instead of what they were held to before.
    pub fn hold_to(&self, services: ServiceConfigs) {
        self.shared.services.send_replace(Arc::new(services));
    }

    /// What services are held to.
    #[must_use]
    pub fn held_to(&self) -> Arc<ServiceConfigs> {
        self.shared.services.borrow().clone()
    }

    /// What services are held to, whenever that changes.
    pub(crate) fn follow_held_to(&self) -> watch::Receiver<Arc<ServiceConfigs>> {
        self.shared.services.subscribe()
    }

    /// How a service is. `None` if the settings do not name it, no session of it is being watched and
    /// none has died lately.
    #[must_use]
    pub fn service_status(&self, name: &str) -> Option<ServiceStatus> {
        let shared = self.shared.breaker().service(name);
        self.status(&self.held_to(), name, shared.unwrap_or_default())
    }

    /// At most `limit` services that `wanted` accepts, in the order of their names (bytes) from the
    /// one after `after` on, and whether there are more. `search` is a part of their names, in
    /// any case of ASCII letters. `wanted` is asked once about each.
    ///
    /// No lock is held for long. A service costs about a microsecond until the page is full; if
    /// there are names without a slash, each of which is a service, all sessions are looked at.
    pub async fn services(
        &self,
        after: &str,
        limit: usize,
        search: &str,
        wanted: impl Fn(&ServiceStatus) -> bool,
    ) -> (Vec<ServiceStatus>, bool) {
        let configs = self.held_to();
        let wanted = |status: &ServiceStatus| contains(&status.name, search) && wanted(status);
        let singles = self.singles(&configs, after, limit + 1, &wanted).await;
        let mut singles = singles.into_iter().peekable();
        let mut found = Vec::new();
        let mut at: Box<str> = after.into();
        loop {
            let (names, end) = self.names_after(&configs, &at);
            let is_now = |name: &str| end.as_deref().is_none_or(|end| name <= end);
            let mut round = BTreeMap::new();
            while let Some(single) = singles.next_if(|single| is_now(&single.name)) {
                round.insert(single.name.clone(), single);
            }
            for (name, tally) in names {
                if is_now(&name)
                    && contains(&name, search)
                    && let Some(status) = self.status(&configs, &name, tally)
                {
                    round.insert(name, status);
                }
            }
            for status in round.into_values().filter(&wanted) {
                if found.len() == limit {
                    return (found, true);
                }
                found.push(status);
            }
            let Some(end) = end else {
                return (found, false);
            };
            at = end;
            tokio::task::yield_now().await;
        }
    }

    /// The next services that have sessions of several names, died of late or are configured, and up
    /// to which name these are all there are; `None` if there are no more.
    pub(super) fn names_after(
        &self,
        configs: &ServiceConfigs,
        at: &str,
    ) -> (BTreeMap<Box<str>, Tally>, Option<Box<str>>) {
        let mut names = BTreeMap::new();
        let mut end: Option<Box<str>> = None;
        let mut add = |some: Vec<(Box<str>, Tally)>| {
            if let [.., (last, _)] = &some[..]
                && some.len() == NAMES_AT_ONCE
                && end.as_ref().is_none_or(|end| last < end)
            {
                end = Some(last.clone());
            }
            for (name, tally) in some {
                *names.entry(name).or_default() = tally;
            }
        };
        let without = |name: &str| (name.into(), Tally::default());
        let configured = configs.range::<str, _>((Bound::Excluded(at), Bound::Unbounded));
        let configured = configured.take(NAMES_AT_ONCE);
        add(configured.map(|(name, _)| without(name)).collect());
        add({
            let deaths = self.shared.deaths();
            let dead = deaths.services_after(at).take(NAMES_AT_ONCE);
            dead.map(without).collect()
        });
        add({
            let breaker = self.shared.breaker();
            let services = breaker.services_after(at).take(NAMES_AT_ONCE);
            services.map(|(name, tally)| (name.into(), tally)).collect()
        });
        (names, end)
    }

    /// The first services after `after` that are one session whose name has no slash, and nothing else:
    /// [`Self::names_after`] tells of the others.
    async fn singles(
        &self,
        configs: &ServiceConfigs,
        after: &str,
        limit: usize,
        wanted: impl Fn(&ServiceStatus) -> bool,
    ) -> Vec<ServiceStatus> {
        if !self.shared.has_singles.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let status = |view: &SessionView| {
            let name = view.name.as_str();
            let is_single = !name.contains('/') && view.health != Health::Left;
            let is_told = || {
                configs.contains_key(name)
                    || self.shared.breaker().service(name).is_some()
                    || self.shared.deaths().has(name)
            };
            (is_single && !is_told())
                .then(|| self.with_single(configs, name, Tally::default(), Some(view)))
        };
        let place = Place::of_name(after);
        let wanted = |view: &SessionView| status(view).flatten().is_some_and(|it| wanted(&it));
        let page = self
            .sorted(Sorting::NAME, Some(&place), limit, wanted)
            .await;
        let views = page.sessions.iter();
        views
            .filter_map(|session| status(&session.view).flatten())
            .collect()
    }

    fn status(&self, configs: &ServiceConfigs, name: &str, tally: Tally) -> Option<ServiceStatus> {
        let may_be_single = self.shared.has_singles.load(Ordering::Relaxed) && !name.contains('/');
        let single = if may_be_single { self.find(name) } else { None };
        self.with_single(configs, name, tally, single.as_ref().map(|it| &it.view))
    }

    /// A service of these sessions and perhaps one more, that has no slash in its name. Takes no lock
    /// of a shard.
    fn with_single(
        &self,
        configs: &ServiceConfigs,
        name: &str,
        shared: Tally,
        single: Option<&SessionView>,
    ) -> Option<ServiceStatus> {
        let config = configs.get(name);
        let mut deaths: Vec<_> = {
            let now = self.shared.now();
            let shown = self.shared.hub.last_seq();
            self.shared.deaths().of(name, now, shown).cloned().collect()
        };
        let mut tally = shared;
        match single.map(|view| (view, view.health)) {
            Some((view, Health::Alive | Health::Suspect)) => tally = tally.with(tally_of(view)),
            Some((view, Health::Dead)) => deaths.push(Death {
                name: view.name.clone(),
                at: self.shared.clock.wall(view.since),
                cause: view.cause.unwrap_or(Cause::Silence),
                seq: 0,
            }),
            Some((_, Health::Left)) | None => {}
        }
        if config.is_none() && deaths.is_empty() && tally.sessions == 0 {
            return None;
        }
        Some(ServiceStatus {
            name: name.into(),
            tally,
            min_alive: config.copied().unwrap_or_default().min_alive,
            is_configured: config.is_some(),
            deaths,
        })
    }
}

impl Shared {
    /// Notes a session from before a restart, and how it ended.
    pub(super) fn take_up(&self, name: SessionName, ended: Option<PastEnd>) {
        self.note_name(&name);
        if let Some(PastEnd { at, died_of, .. }) = ended
            && let Some(cause) = died_of
        {
            let wall = self.clock.wall(at);
            let death = Death {
                name,
                cause,
                at: wall,
                // It was shown before the restart.
                seq: 0,
            };
            self.deaths().remember(at, death);
        }
    }

    pub(super) fn note_name(&self, name: &SessionName) {
        if !name.as_str().contains('/') {
            self.has_singles.store(true, Ordering::Relaxed);
        }
    }
}

/// A service of one session that has not ended.
pub(super) fn tally_of(view: &SessionView) -> Tally {
    let suspect = u32::from(view.health == Health::Suspect);
    let wedged = u32::from(view.wedged);
    Tally {
        sessions: 1,
        suspect,
        wedged,
        unfit: suspect.max(wedged),
        at_risk: u32::from(view.standing != Standing::Clear),
    }
}

/// Whether a name contains a part, in any case of ASCII letters.
pub(crate) fn contains(name: &str, part: &str) -> bool {
    let (name, part) = (name.as_bytes(), part.as_bytes());
    part.is_empty()
        || name
            .windows(part.len())
            .any(|at| at.eq_ignore_ascii_case(part))
}
