//! Services, as their sessions make them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::driver::ServiceStatus;

/// A page of services.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Services {
    /// In the order of their names.
    pub services: Vec<Service>,
    /// What to pass as `after` for the next page; `null` on the last.
    pub next: Option<String>,
}

/// A service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Service {
    /// Its name: what stands before the first `/` of its sessions' names.
    pub service: String,
    /// `fail` if fewer of its sessions are alive than it needs; `warn` if some are suspect, wedged or
    /// at risk; otherwise `pass`.
    pub health: Cow<'static, str>,
    /// Why, in words for a person.
    pub reason: String,
    /// How many sessions it has that have not ended.
    pub sessions: u32,
    /// Those of them that are of use: neither suspect nor wedged.
    pub alive: u32,
    /// Those that are suspect.
    pub suspect: u32,
    /// Those whose main loop makes no progress.
    pub wedged: u32,
    /// Those that are at most one interval from their death, or whose death is held back.
    pub at_risk: u32,
    /// How many must be alive.
    pub min_alive: u32,
}

impl From<ServiceStatus> for Service {
    fn from(status: ServiceStatus) -> Self {
        Self {
            health: status.health().as_str().into(),
            reason: status.reason(),
            sessions: status.tally.sessions,
            alive: status.tally.alive(),
            suspect: status.tally.suspect,
            wedged: status.tally.wedged,
            at_risk: status.tally.at_risk,
            min_alive: status.min_alive,
            service: status.name.into(),
        }
    }
}
