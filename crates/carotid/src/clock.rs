//! The only clock read.

use std::time::{Duration, Instant};

use carotid_core::Tick;
use jiff::Timestamp;

/// Monotonic time for decisions, and wall time for display (I10).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads it"
    )]
    pub(crate) fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    /// The present, rounded down to a nanosecond (I5).
    pub(crate) fn now(self) -> Tick {
        Tick::from_nanos(0).after(self.origin.elapsed())
    }

    /// Waits until `tick`, or for ever.
    pub(crate) async fn wait_until(self, tick: Option<Tick>) {
        match tick {
            Some(tick) => {
                let due = self.origin + Duration::from_nanos(tick.as_nanos());
                tokio::time::sleep_until(due.into()).await;
            }
            None => std::future::pending().await,
        }
    }

    /// What the clock on the wall showed at `tick`, judged from what it shows now, in whole
    /// milliseconds.
    pub(crate) fn wall(self, tick: Tick) -> Timestamp {
        let ago = self.now().since(tick);
        let then = Timestamp::now()
            .checked_sub(ago)
            .unwrap_or(Timestamp::UNIX_EPOCH);
        Timestamp::from_millisecond(then.as_millisecond()).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
