//! What a loop leaves behind when it comes round.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the beginnings and ends of a loop's turns: odd while it is in the middle of one.
#[derive(Debug, Default)]
pub(crate) struct Mark(AtomicU64);

impl Mark {
    /// A turn begins, and is over when what is returned is dropped.
    pub(crate) fn begin(&self) -> Turn<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Turn(self)
    }

    /// A turn has begun and is over.
    pub(crate) fn pass(&self) {
        self.0.fetch_add(2, Ordering::Relaxed);
    }

    pub(crate) fn turns(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A turn that is not over.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a Mark);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}
