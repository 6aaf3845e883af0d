//! What a breaker can be asked. Nothing here changes it.

use super::Breaker;

impl Breaker {
    /// How many deaths are held, or wait for their turn after that.
    #[must_use]
    pub const fn held(&self) -> u32 {
        self.census.held()
    }

    /// Whether nobody may die now, see [`Self::bar`].
    #[must_use]
    pub const fn is_barred(&self) -> bool {
        self.barred
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
