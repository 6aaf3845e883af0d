//! What consumes events and answers questions, one file an audience.

pub mod alert;
pub mod api;
pub(crate) mod http;
pub(crate) mod journal;
mod metrics;
