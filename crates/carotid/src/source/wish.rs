//! What a peer asks for.

use std::time::Duration;

use carotid_core::{Terms, TermsError};

/// Terms that a peer would like to have; what it does not ask for is the server's to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) interval: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) longest_stall: Option<Duration>,
}

impl Wish {
    /// The terms asked for; what is not asked for is `default`'s.
    ///
    /// # Errors
    ///
    /// What cannot be terms.
    pub(crate) fn terms(self, default: Terms) -> Result<Terms, TermsError> {
        let interval = self.interval.unwrap_or(default.interval());
        let terms = Terms::new(interval, self.timeout.unwrap_or(default.timeout()))?;
        terms.with_longest_stall(self.longest_stall.unwrap_or(default.longest_stall()))
    }
}
