//! The driver in numbers.

use std::time::Duration;

use carotid_core::{ServiceHealth, Tally};

use super::Driver;
use super::counts::{Concluded, Counts};

/// All that a driver counts, as of one moment or close to it.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Beats of all shards.
    pub(crate) counts: Counts,
    /// What was concluded.
    pub(crate) concluded: Concluded,
    /// Services and how their sessions are. Names without a slash are of the service without a name.
    pub(crate) services: Vec<Listed>,
    /// How many sessions could not be opened because the table was full.
    pub(crate) refused: u64,
    /// How many deaths mass silence holds back.
    pub(crate) held: u32,
    /// How many mass silences there were.
    pub(crate) incidents: u64,
    /// How many of them are not over.
    pub(crate) ongoing_incidents: usize,
    /// How often we stalled.
    pub(crate) stalls: u64,
    /// For how long together.
    pub(crate) stalled: Duration,
    /// How unwell this host is.
    pub(crate) own_health_score: u32,
    /// How many follow the event log.
    pub(crate) readers: usize,
}

/// A service in numbers.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) name: Box<str>,
    pub(crate) tally: Tally,
    pub(crate) health: ServiceHealth,
}

impl Driver {
    /// Everything that is counted. Holds each lock for some microseconds.
    pub(crate) fn figures(&self) -> Figures {
        let mut counts = Counts::default();
        for shard in &self.shared.shards {
            counts.add(&shard.lock().counts);
        }
        let (stalls, stalled) = self.shared.clock.stalls();
        let held_to = self.held_to();
        let listed = |name: &str, tally: Tally| {
            let min_alive = held_to.get(name).copied().unwrap_or_default().min_alive;
            Listed {
                name: name.into(),
                tally,
                health: tally.health(min_alive),
            }
        };
        let breaker = self.shared.breaker();
        let mut alone = breaker.all();
        let services = breaker.services().map(|(service, tally)| {
            alone = alone.without(tally);
            listed(service, tally)
        });
        let mut services: Vec<_> = services.collect();
        // One that is needed and not there fails.
        let missing = held_to
            .keys()
            .filter(|name| breaker.service(name).is_none());
        services.extend(missing.map(|name| listed(name, Tally::default())));
        if alone.sessions > 0 {
            services.push(listed("", alone));
        }
        Figures {
            counts,
            services,
            held: breaker.held(),
            incidents: breaker.incidents(),
            ongoing_incidents: breaker.ongoing(),
            concluded: self.shared.concluded().clone(),
            refused: self
                .shared
                .refused
                .load(std::sync::atomic::Ordering::Relaxed),
            stalls,
            stalled,
            own_health_score: self.shared.clock.own_health_score(),
            readers: self.hub().readers(),
        }
    }
}
