//! What produces beats, one file a protocol.

pub(crate) mod messages;
pub(crate) mod netrpc;
