//! What a breaker can be asked. Nothing here changes it.

use super::Breaker;
use crate::Tally;

impl Breaker {
    /// How the sessions of each service are, in no order; names without a slash are of none.
    pub fn services(&self) -> impl Iterator<Item = (&str, Tally)> {
        self.census.services()
    }

    /// How many deaths are held, or wait for their turn after that.
    #[must_use]
    pub const fn held(&self) -> u32 {
        self.census.held()
    }

    /// How many incidents there were.
    #[must_use]
    pub const fn incidents(&self) -> u64 {
        self.last_incident
    }

    /// How many of them are not over.
    #[must_use]
    pub fn ongoing(&self) -> usize {
        self.ongoing.len()
    }
}
