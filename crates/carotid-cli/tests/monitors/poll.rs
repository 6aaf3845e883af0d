//! Waiting for what a monitoring system sees at its next look.

use std::time::Duration;

/// Looks again and again until there is something to see; what is looked at changes about once in a
/// second.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
    const LOOKS: u32 = 600;
    for _ in 0..LOOKS {
        if let Some(seen) = look() {
            return seen;
        }
        std::thread::park_timeout(BETWEEN_LOOKS);
    }
    panic!("{what}: not within a minute");
}
