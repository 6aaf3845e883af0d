//! Why a connection ended.

use std::fmt;
use std::io;

use crate::error::WireError;

/// Why a connection ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum End {
    /// The peer closed it.
    Closed,
    /// Reading or writing failed.
    Reset(io::Error),
    /// No call came for as long as [`Interceptor::idle_timeout`](crate::Interceptor::idle_timeout)
    /// allows.
    Idle,
    /// No whole call came within [`Options::first_call_timeout`](crate::Options::first_call_timeout).
    NoFirstCall,
    /// The peer took nothing of what was sent for
    /// [`Options::write_timeout`](crate::Options::write_timeout).
    WriteTimeout,
    /// The peer sent what cannot be read.
    Malformed(WireError),
    /// We were asked to stop.
    Shutdown,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed by the peer"),
            Self::Reset(error) => write!(f, "connection failed: {error}"),
            Self::Idle => f.write_str("no call within the idle timeout"),
            Self::NoFirstCall => f.write_str("no whole call within the first-call timeout"),
            Self::WriteTimeout => f.write_str("the peer does not read its replies"),
            Self::Malformed(error) => write!(f, "malformed input: {error}"),
            Self::Shutdown => f.write_str("shut down"),
        }
    }
}
