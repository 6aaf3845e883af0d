//! Services in numbers, where only so many of them can be told of by name.

use carotid_core::{ServiceHealth, Tally};

use crate::driver::Driver;

/// How many services are told of by name besides those that the settings name: so many of the largest,
/// and as many that have lost all their sessions. Names are the peers' choice (I9).
const LISTED: usize = 1000;

/// A service in numbers.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) name: Box<str>,
    pub(crate) tally: Tally,
    pub(crate) min_alive: u32,
}

impl Listed {
    pub(crate) const fn health(&self) -> ServiceHealth {
        self.tally.health(self.min_alive)
    }
}

/// All services in numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Services {
    /// Those that are told of by name, in no order.
    pub(crate) listed: Vec<Listed>,
    /// All others together.
    pub(crate) others: Tally,
    /// Sessions whose names have no slash and are no service that the settings name.
    pub(crate) alone: Tally,
}

/// Services as they are gone through.
#[derive(Debug, Default)]
struct Listing {
    configured: Vec<Listed>,
    /// Those with sessions; twice as many as are kept, now and then.
    living: Vec<Listed>,
    /// Those without.
    dead: Vec<Listed>,
    others: Tally,
    sum: Tally,
}

impl Listing {
    fn add(&mut self, service: Listed, is_configured: bool) {
        self.sum = self.sum.with(service.tally);
        if is_configured {
            self.configured.push(service);
        } else if service.tally.sessions > 0 {
            self.living.push(service);
            if self.living.len() == 2 * LISTED {
                self.leave_out();
            }
        } else if self.dead.len() < LISTED {
            self.dead.push(service);
        }
    }

    /// Keeps the largest.
    fn leave_out(&mut self) {
        if self.living.len() > LISTED {
            let size = |service: &Listed| std::cmp::Reverse(service.tally.sessions);
            self.living.select_nth_unstable_by_key(LISTED, size);
            for smaller in self.living.drain(LISTED..) {
                self.others = self.others.with(smaller.tally);
            }
        }
    }

    /// `all` are all sessions.
    fn finish(mut self, all: Tally) -> Services {
        self.leave_out();
        let mut listed = self.configured;
        listed.append(&mut self.living);
        listed.append(&mut self.dead);
        Services {
            listed,
            others: self.others,
            alone: all.without(self.sum),
        }
    }
}

impl Driver {
    /// Goes through all services, a few hundred at a time. What comes and goes meanwhile may be counted
    /// among those without a slash.
    pub(super) fn count_services(&self) -> Services {
        let configs = self.held_to();
        let mut listing = Listing::default();
        let mut at: Box<str> = "".into();
        loop {
            let (names, end) = self.names_after(&configs, &at);
            let is_now = |name: &str| end.as_deref().is_none_or(|end| name <= end);
            for (name, tally) in names {
                let config = configs.get(&name);
                if !is_now(&name) || (config.is_none() && self.is_forgotten(&name, tally)) {
                    continue;
                }
                // One that the settings name may be a session without a slash.
                let whole = config.and_then(|_| self.service_status(&name));
                let service = Listed {
                    tally: whole.map_or(tally, |whole| whole.tally),
                    min_alive: config.copied().unwrap_or_default().min_alive,
                    name,
                };
                listing.add(service, config.is_some());
            }
            let Some(end) = end else {
                return listing.finish(self.shared.breaker().all());
            };
            at = end;
        }
    }

    /// Whether it has no session, and nobody remembers that it had.
    fn is_forgotten(&self, service: &str, tally: Tally) -> bool {
        let now = self.shared.now();
        let shown = self.shared.hub.last_seq();
        tally.sessions == 0 && (self.shared.deaths().of(service, now, shown).next()).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(index: u32, sessions: u32) -> Listed {
        Listed {
            name: format!("s{index}").into(),
            tally: Tally {
                sessions,
                ..Tally::default()
            },
            min_alive: 1,
        }
    }

    #[test]
    fn the_largest_are_listed_and_nobody_is_lost() {
        let mut listing = Listing::default();
        let mut all = 5;
        for index in 0..10_000 {
            let sessions = 1 + index * 7919 % 10_000;
            all += sessions;
            listing.add(service(index, sessions), false);
        }
        for index in 0..3000 {
            listing.add(service(10_000 + index, 0), false);
        }
        listing.add(service(20_000, 0), true);
        let services = listing.finish(service(0, all).tally);

        assert_eq!(services.listed.len(), 2 * LISTED + 1);
        let listed = services.listed.iter().map(|listed| listed.tally.sessions);
        assert_eq!(
            listed.clone().filter(|sessions| *sessions > 9000).count(),
            LISTED
        );
        assert!(
            services
                .listed
                .iter()
                .any(|listed| &*listed.name == "s20000")
        );
        assert_eq!(services.alone.sessions, 5);
        let told = listed.sum::<u32>() + services.others.sessions + services.alone.sessions;
        assert_eq!(told, all);
    }
}
