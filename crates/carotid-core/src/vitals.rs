//! What a beat says of its peer beyond that it lives.

use core::time::Duration;

/// What a peer tells of itself with a beat.
///
/// A process can beat and do nothing else: its heartbeat has a thread of its own, and its main loop
/// waits for ever. Such a session is alive, and *wedged*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// How long ago the peer's main loop made progress; `None` if the beat does not say. Longer than
    /// [`Terms::wedged_after`](crate::Terms::wedged_after) means wedged.
    pub progress: Option<Duration>,
}
