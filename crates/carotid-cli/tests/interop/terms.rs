//! Terms for tests: short, but with room for a busy machine between suspicion, after 2.5 intervals,
//! and the timeout.

pub(crate) use crate::ground::daemon::TERMS;
use crate::ground::events::Event;

pub(crate) const SUSPICION_MS: u64 = 500;
pub(crate) const TIMEOUT_MS: u64 = 1000;
const LATEST_MS: u64 = TIMEOUT_MS + 50;

/// Judged by what the event says of itself, not by the test's clock.
#[track_caller]
pub(crate) fn assert_in_time(dead: &Event) {
    assert!(
        (TIMEOUT_MS..=LATEST_MS).contains(&dead.silent_ms),
        "{dead:?}"
    );
}
