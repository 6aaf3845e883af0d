//! What produces beats, one file a protocol.

pub(crate) mod http;
pub(crate) mod messages;
pub(crate) mod netrpc;
mod wish;
