//! The clock on the wall, which others set.

use std::time::Duration;

use super::writer;
use crate::clock::boottime;
use crate::driver::Driver;

/// A point in time by three clocks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moment {
    /// What the clock on the wall shows, in milliseconds.
    pub(super) wall: i64,
    /// How long the machine has been running, which nobody sets.
    pub(super) machine: Duration,
    /// How much of that we attended (I6): it stands still until a stall is over.
    pub(super) attended: Duration,
}

/// The clock on the wall was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jump {
    /// What it would have shown.
    pub(super) from: i64,
    pub(super) to: i64,
}

/// Tells when it is set.
#[derive(Debug, Default)]
pub(super) struct Wall {
    last: Option<Moment>,
    doubted_until: Duration,
}

/// By how much it must have been set at once, in milliseconds, to be noticed; less is lost among hours.
const LEAST_JUMP_MS: i64 = 5000;

/// For how long what it shows is no reason to forget anything.
const DOUBT: Duration = Duration::from_secs(24 * 3600);

impl Moment {
    pub(super) fn now(driver: &Driver) -> Self {
        Self {
            wall: writer::now(),
            machine: boottime(),
            attended: driver.attended(),
        }
    }
}

impl Wall {
    /// Whether it was set since the last look.
    pub(super) fn look(&mut self, now: Moment) -> Option<Jump> {
        let last = self.last.replace(now)?;
        let passed = now.machine.saturating_sub(last.machine).as_millis();
        let from = last.wall + i64::try_from(passed).ok()?;
        if (now.wall - from).abs() < LEAST_JUMP_MS {
            return None;
        }
        self.doubted_until = now.machine + DOUBT;
        Some(Jump { from, to: now.wall })
    }

    /// Whether it was set lately, and may be wrong.
    pub(super) fn is_in_doubt(&self, now: Moment) -> bool {
        now.machine < self.doubted_until
    }
}
