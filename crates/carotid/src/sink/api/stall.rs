//! The stall ledger.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{to_the_millisecond, whole_ms};
use crate::driver::Driver;

/// When the daemon itself did not run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stalls {
    /// The latest, oldest first.
    pub stalls: Vec<Stall>,
    /// How many there were, those not listed any more included.
    pub count: u64,
    /// How long they all were, in milliseconds.
    pub total_ms: u64,
}

/// A span in which the daemon did not run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stall {
    /// Counts stalls from 1.
    pub number: u64,
    /// Wall time at which it began.
    #[serde(serialize_with = "to_the_millisecond")]
    pub at: Timestamp,
    /// How long it was, in milliseconds.
    pub stalled_ms: u64,
    /// How much of it the machine was suspended for, in milliseconds.
    pub suspended_ms: u64,
}

impl Stalls {
    /// The ledger of a driver.
    #[must_use]
    pub fn of(driver: &Driver) -> Self {
        let attendance = driver.attendance();
        let stalls = attendance.stalls().map(|stall| Stall {
            number: stall.number,
            at: driver.wall(stall.at),
            stalled_ms: whole_ms(stall.length),
            suspended_ms: whole_ms(stall.suspended),
        });
        Self {
            stalls: stalls.collect(),
            count: attendance.count(),
            total_ms: whole_ms(attendance.stalled()),
        }
    }
}
