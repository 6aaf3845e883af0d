//! Why a server cannot be put under load, and what to do about it.

use std::io::{self, ErrorKind};
use std::time::Duration;

use carotid::Address;
use rustix::io::Errno;

use super::wire::NoReply;
use crate::exit::Exit;
use crate::output;

#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{0}")]
    Connect(io::Error),
    #[error("the connection broke before the first ping was answered: {0}")]
    Broken(io::Error),
    #[error("{}", slow(*after, *connected, said))]
    Slow {
        after: Duration,
        connected: bool,
        /// What came, if anything.
        said: Vec<u8>,
    },
    #[error("the server closed the connection instead of answering{}", words(said))]
    Closed { said: Vec<u8> },
    #[error(
        "what answers there does not speak this protocol{}: {why}",
        words(said)
    )]
    NotNetRpc { why: NoReply, said: Vec<u8> },
    #[error("the server answers with the error {text:?}")]
    Error { text: String },
    #[error("the server says {text:?} instead of \"Pong\"")]
    NotPong { text: String },
}

const NOT_RPC: &str = "Something listens there, but it does not answer as a net/rpc server. Is it the RPC port, not the HTTP one, and does it speak the --protocol?";

impl Refusal {
    /// Whether it may be otherwise in a moment: a backlog was full, or the server turned this one away
    /// while it serves others.
    pub(super) fn may_pass(&self, serves_others: bool) -> bool {
        match self {
            Self::Connect(error) if error.kind() == ErrorKind::WouldBlock => true,
            Self::Connect(error) if error.kind() == ErrorKind::AddrNotAvailable => false,
            Self::Connect(error) => serves_others && !is_exhausted(error),
            Self::Broken(_) | Self::Closed { .. } => serves_others,
            Self::Slow { .. }
            | Self::NotNetRpc { .. }
            | Self::Error { .. }
            | Self::NotPong { .. } => false,
        }
    }

    /// How the program ends for it; `up` connections had been made.
    pub(super) fn exit(self, target: &Address, up: usize, wanted: usize, method: &str) -> Exit {
        let doing = match up {
            0 => format!("cannot load {target}"),
            _ => format!("only {up} of {wanted} connections to {target}"),
        };
        let advice = self.advice(up, method);
        let exit = match self {
            Self::Connect(ref error) if is_exhausted(error) => Exit::usage(self),
            Self::Connect(ref error) if error.kind() == ErrorKind::AddrNotAvailable => {
                Exit::usage(self)
            }
            Self::Connect(_)
            | Self::Slow {
                connected: false, ..
            } => Exit::connect(self),
            Self::NotPong { .. } => Exit::unhealthy(self),
            Self::Broken(_)
            | Self::Closed { .. }
            | Self::Slow { .. }
            | Self::NotNetRpc { .. }
            | Self::Error { .. } => Exit::rpc(self),
        };
        exit.context(doing).advise(advice)
    }

    fn advice(&self, up: usize, method: &str) -> String {
        match self {
            Self::Connect(error) if is_exhausted(error) => {
                "This program or machine has no more open files: raise ulimit -n or fs.file-max, or take fewer --connections.".to_owned()
            }
            Self::Connect(error) if error.kind() == ErrorKind::AddrNotAvailable => {
                "All ports that connections from here may have are in use: widen net.ipv4.ip_local_port_range, wait a minute for those of closed connections, or take fewer --connections.".to_owned()
            }
            Self::Connect(_) | Self::Slow { connected: false, .. } if up == 0 => {
                "Is the server running, and is the address its RPC listener's?".to_owned()
            }
            Self::Connect(_) | Self::Broken(_) | Self::Closed { .. } | Self::Slow { .. } if up > 0 => {
                "The server takes no more: look at its log, at how many files it may open (ulimit -n) and at its own limits, or take fewer --connections.".to_owned()
            }
            Self::Slow { said, .. } if said.is_empty() => {
                "It accepted the connection and then said nothing: it is frozen, overloaded, or no heartbeat server. --call-timeout is how long to wait.".to_owned()
            }
            Self::Error { .. } => {
                format!("It speaks net/rpc but does not take {method} with a name: say with --method what to call.")
            }
            Self::NotPong { .. } => {
                "It says that it is not well; ask carotid ping.".to_owned()
            }
            Self::Connect(_)
            | Self::Slow { .. }
            | Self::Broken(_)
            | Self::Closed { .. }
            | Self::NotNetRpc { .. } => NOT_RPC.to_owned(),
        }
    }
}

/// Whether this process or machine has too many files open.
fn is_exhausted(error: &io::Error) -> bool {
    let number = error.raw_os_error();
    [Errno::MFILE, Errno::NFILE]
        .iter()
        .any(|exhausted| number == Some(exhausted.raw_os_error()))
}

fn slow(after: Duration, connected: bool, said: &[u8]) -> String {
    if connected {
        format!(
            "no answer to the first ping within {after:?}{}",
            words(said)
        )
    } else {
        format!("no connection within {after:?}")
    }
}

/// What somebody said, who may be anybody.
fn words(said: &[u8]) -> String {
    if said.is_empty() {
        return String::new();
    }
    let text = String::from_utf8_lossy(said);
    format!("; it said {:?}", output::harmless(&text))
}
