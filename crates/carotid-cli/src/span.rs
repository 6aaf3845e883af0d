//! Durations as people write them.

pub(crate) use carotid::Span;
