//! The only clock reads of xtask.

use std::time::{Duration, Instant};

/// Measures how long something took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    started: Instant,
}

impl Stopwatch {
    /// Starts now.
    #[expect(
        clippy::disallowed_methods,
        reason = "a measuring program reads the clock, in this one place"
    )]
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Lets other processes settle before they are measured.
#[expect(
    clippy::disallowed_methods,
    reason = "settling has no event to wait for, and no runtime runs here"
)]
pub(crate) fn settle(pause: Duration) {
    std::thread::sleep(pause);
}
