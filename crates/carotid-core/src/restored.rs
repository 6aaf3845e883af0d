//! What is known of a session from before a restart.

use core::time::Duration;

use crate::{Cause, SessionName, Terms, Tick};

/// A session from before a restart.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What the peer calls itself.
    pub name: SessionName,
    /// Which life of this name it is.
    pub epoch: u32,
    /// What was agreed.
    pub terms: Terms,
    /// How it ended, if it has.
    pub ended: Option<PastEnd>,
}

/// How a session ended before a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastEnd {
    /// When.
    pub at: Tick,
    /// How long it had been silent then.
    pub silent: Duration,
    /// Why it was dead; `None` if it said goodbye.
    pub died_of: Option<Cause>,
}
