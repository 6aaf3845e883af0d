//! What time it is for alerts.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::situation::after;

/// Time that nobody sets: what the wall's clock showed at the start, and what has passed since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    wall: Timestamp,
    origin: Instant,
}

impl Clock {
    /// Begins now.
    pub(super) fn start() -> Self {
        Self {
            wall: Timestamp::now(),
            origin: Instant::now(),
        }
    }

    /// Later the next time, whatever becomes of the clock on the wall.
    pub(super) fn now(&self) -> Timestamp {
        after(self.wall, self.origin.elapsed())
    }

    /// Waits until then, or for an hour.
    pub(super) async fn sleep_until(&self, at: Timestamp) {
        let wait = Duration::try_from(at.duration_since(self.now())).unwrap_or_default();
        // A timer that is set for ever would overflow.
        tokio::time::sleep(wait.min(Duration::from_secs(3600))).await;
    }
}
