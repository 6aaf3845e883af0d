//! The driver in numbers.

mod services;

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Driver;
use super::counts::{Concluded, Counts};

pub(crate) use services::{Listed, Services};

/// All that a driver counts, as of one moment or close to it.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Beats of all shards.
    pub(crate) counts: Counts,
    /// What was concluded.
    pub(crate) concluded: Concluded,
    /// How the sessions of services are.
    pub(crate) services: Services,
    /// How many sessions could not be opened because the table was full.
    pub(crate) refused: u64,
    /// How many deaths mass silence holds back.
    pub(crate) held: u32,
    /// Whether nobody may die now, as verdicts cannot be kept.
    pub(crate) barred: bool,
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

impl Driver {
    /// Everything that is counted. Holds each lock for some tens of microseconds at most.
    /// May block for as long as somebody else holds one.
    pub(crate) fn figures(&self) -> Figures {
        let mut counts = Counts::default();
        for shard in &self.shared.shards {
            counts.add(&shard.lock().counts);
        }
        let (stalls, stalled) = self.shared.clock.stalls();
        let services = self.count_services();
        let breaker = self.shared.breaker();
        Figures {
            counts,
            services,
            held: breaker.held(),
            barred: breaker.is_barred(),
            incidents: breaker.incidents(),
            ongoing_incidents: breaker.ongoing(),
            concluded: self.shared.concluded().clone(),
            refused: self.shared.refused.load(Ordering::Relaxed),
            stalls,
            stalled,
            own_health_score: self.shared.clock.own_health_score(),
            readers: self.hub().readers(),
        }
    }
}
