//! The limits of one connection.

use std::time::Duration;

/// The limits of one connection.
#[derive(Clone, Debug)]
pub struct Options {
    /// Longest message in bytes, and the sum of a peer's gob type definitions. A longer one
    /// ends the connection before anything is kept of it. Default 4 MiB; lower it where
    /// strangers connect.
    pub max_message: usize,
    /// Calls running at once. At it, nothing more is read until one is done; a client waits
    /// with its next call. At least 1; default 256.
    pub max_in_flight: usize,
    /// How long a new connection may take to its first whole call, whatever it sends until
    /// then. Default 5 s.
    pub first_call_timeout: Duration,
    /// How long a peer may go without taking any of what is being sent to it. Default 5 s.
    pub write_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_message: 4 * 1024 * 1024,
            max_in_flight: 256,
            first_call_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(5),
        }
    }
}
