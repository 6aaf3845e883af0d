//! Where a connection comes from.

use std::fmt;
use std::net::SocketAddr;

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerAddr {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A process of this machine.
    Unix {
        /// Its id when it connected, where the system tells.
        pid: Option<i32>,
    },
}

/// `127.0.0.1:49152`, or `unix:4711` with the id of the process.
impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix { pid: None } => f.write_str("unix"),
            Self::Unix { pid: Some(pid) } => write!(f, "unix:{pid}"),
        }
    }
}

impl From<SocketAddr> for PeerAddr {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}
