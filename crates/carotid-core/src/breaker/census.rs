//! Who is at risk, service by service, and which of them are in an incident.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use core::ops::Bound;

use super::BreakerConfig;
use crate::{Event, EventKind, Tally};

/// Counts kept up with each event, so that a judgement looks at three of them and at no list (I4).
#[derive(Debug)]
pub(super) struct Census {
    config: BreakerConfig,
    pub(super) all: Scope,
    /// Services are what stands before a slash: a name without one is a service of its own, of which
    /// there is nothing to count. In the order of their names, so that they are listed in pieces.
    services: BTreeMap<Box<str>, Scope>,
    /// All services together that are a mass.
    massed: Tally,
    /// Services that are a mass, and in no incident yet.
    fresh: BTreeSet<Box<str>>,
}

/// Sessions that can be silent together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scope {
    pub(super) tally: Tally,
    /// The incident that it is in.
    pub(super) incident: Option<u64>,
    /// How many of them are held, or wait for their turn after that.
    held: u32,
}

/// The service of a session's name, if others can be of it too.
pub(super) fn shared_service(name: &str) -> Option<&str> {
    name.split_once('/').map(|(service, _)| service)
}

impl Census {
    pub(super) fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            all: Scope::default(),
            services: BTreeMap::new(),
            massed: Tally::default(),
            fresh: BTreeSet::new(),
        }
    }

    pub(super) fn service(&self, service: &str) -> Option<&Scope> {
        self.services.get(service)
    }

    /// Services in the order of their names, from the one after `after` on.
    pub(super) fn services_after(&self, after: &str) -> impl Iterator<Item = (&str, Tally)> {
        let names = (Bound::Excluded(after), Bound::Unbounded);
        let services = self.services.range::<str, _>(names);
        services.map(|(name, scope)| (&**name, scope.tally))
    }

    /// Whether this service is a mass.
    pub(super) fn is_massed(&self, service: Option<&str>) -> bool {
        let scope = service.and_then(|service| self.services.get(service));
        scope.is_some_and(|scope| self.config.is_mass(scope.tally))
    }

    /// Whether all are, and not for those services alone that are a mass by themselves.
    pub(super) fn are_all_massed(&self) -> bool {
        let rest = self.all.tally.without(self.massed);
        self.config.is_mass(self.all.tally) && self.config.is_large_part(rest)
    }

    /// The incident that the silence of a session of this service belongs to.
    pub(super) fn incident(&self, service: Option<&str>) -> Option<u64> {
        let scope = service.and_then(|service| self.services.get(service));
        scope.and_then(|scope| scope.incident).or(self.all.incident)
    }

    /// Puts the services that are a mass into an incident; returns them and their tally.
    pub(super) fn enter(&mut self, incident: u64) -> (BTreeSet<Box<str>>, Tally) {
        let services = core::mem::take(&mut self.fresh);
        let mut sum = Tally::default();
        for service in &services {
            if let Some(scope) = self.services.get_mut(service) {
                scope.incident = Some(incident);
                sum = sum.with(scope.tally);
            }
        }
        (services, sum)
    }

    /// A session of this service is at risk.
    pub(super) fn count_at_risk(&mut self, service: Option<&str>) {
        self.change(service, |tally| tally.at_risk += 1);
    }

    /// A session of this service has come back from before a restart.
    pub(super) fn count_restored(&mut self, service: Option<&str>) {
        self.enroll(service);
        self.change(service, Tally::count_restored);
    }

    /// A session of this service is held.
    pub(super) fn hold(&mut self, service: Option<&str>) {
        self.all.held += 1;
        if let Some(scope) = service.and_then(|service| self.services.get_mut(service)) {
            scope.held += 1;
        }
    }

    /// How many sessions are held, or wait for their turn after that.
    pub(super) const fn held(&self) -> u32 {
        self.all.held
    }

    /// A session of this service is held no more.
    pub(super) fn let_go(&mut self, service: Option<&str>) {
        self.all.held = self.all.held.saturating_sub(1);
        if let Some(scope) = service.and_then(|service| self.services.get_mut(service)) {
            scope.held = scope.held.saturating_sub(1);
        }
    }

    /// Counts what an event tells.
    pub(super) fn observe(&mut self, service: Option<&str>, event: &Event) {
        if matches!(event.kind, EventKind::Opened { .. }) {
            self.enroll(service);
        }
        self.change(service, |tally| tally.observe(event));
    }

    fn enroll(&mut self, service: Option<&str>) {
        if let Some(service) = service
            && !self.services.contains_key(service)
        {
            self.services.insert(service.into(), Scope::default());
        }
    }

    /// Incidents that a change has ended for this service and for all.
    pub(super) fn leave(&mut self, service: Option<&str>) -> [Option<u64>; 2] {
        let config = self.config;
        let left = |scope: &mut Scope| {
            let is_over = scope.held == 0 && !config.is_large_part(scope.tally.doubled());
            if is_over { scope.incident.take() } else { None }
        };
        let of_all = left(&mut self.all);
        let Some(service) = service else {
            return [None, of_all];
        };
        let Some(scope) = self.services.get_mut(service) else {
            return [None, of_all];
        };
        let of_service = left(scope);
        // Names are the peers' choice: a service without sessions takes no memory (I9).
        if scope.tally.sessions == 0 {
            self.services.remove(service);
        }
        [of_service, of_all]
    }

    fn change(&mut self, service: Option<&str>, change: impl Fn(&mut Tally)) {
        change(&mut self.all.tally);
        let Some(service) = service else { return };
        let Some(scope) = self.services.get_mut(service) else {
            return;
        };
        let was = self.config.is_mass(scope.tally);
        if was {
            self.massed = self.massed.without(scope.tally);
        }
        change(&mut scope.tally);
        let is = self.config.is_mass(scope.tally);
        if is {
            self.massed = self.massed.with(scope.tally);
        }
        if is && !was && scope.incident.is_none() {
            self.fresh.insert(service.into());
        } else if was && !is {
            self.fresh.remove(service);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_before_a_slash_is_shared() {
        assert_eq!(shared_service("payments/7"), Some("payments"));
        assert_eq!(shared_service("a/b/c"), Some("a"));
        assert_eq!(shared_service("client-42"), None);
    }
}
