//! The clock reads of the load generator.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A reading of the monotonic clock, in nanoseconds: a ping is stamped with one, so it is small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

impl Moment {
    pub(super) fn now() -> Self {
        Self(nanos(read(ClockId::Monotonic)))
    }

    pub(super) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    pub(super) const fn plus_nanos(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// The last moment before this one.
    pub(super) const fn just_before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Nanoseconds since an earlier moment; none since a later one.
    pub(super) const fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    pub(super) const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.nanos_since(earlier))
    }

    /// The same moment, as a timer of the kernel takes it.
    pub(super) const fn since_boot(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

/// What a thread has had of its time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    /// On a core.
    pub(super) running: Duration,
    /// For a core, that others had.
    pub(super) waiting: Duration,
}

impl Spent {
    /// Of the calling thread, so far.
    pub(super) fn now() -> Self {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let mut times = text.split(' ').map(|time| time.parse().ok());
        match (times.next().flatten(), times.next().flatten()) {
            (Some(running), Some(waiting)) => Self {
                running: Duration::from_nanos(running),
                waiting: Duration::from_nanos(waiting),
            },
            // Not every kernel keeps it.
            _ => Self {
                running: read(ClockId::ThreadCPUTime),
                waiting: Duration::ZERO,
            },
        }
    }

    pub(super) const fn since(self, earlier: Self) -> Self {
        Self {
            running: self.running.saturating_sub(earlier.running),
            waiting: self.waiting.saturating_sub(earlier.waiting),
        }
    }
}

fn read(clock: ClockId) -> Duration {
    // None of these clocks is before its own origin.
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
