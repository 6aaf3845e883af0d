//! One transport link: its id, and what its end says of the peer.

use std::fmt;
use std::io;

use carotid_core::Disconnect;
use carotid_netrpc::End;

/// Numbers a server's connections, from 1, or from above those that a journal knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionId(pub(crate) u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What the end of a connection says of the peer.
pub(crate) fn disconnect(end: &End) -> Disconnect {
    match end {
        End::Reset(error) => reset(error.kind()),
        End::Closed | End::Malformed(_) => Disconnect::Closed,
        // We ended it: too long silent, too late with its first call, not reading its replies, or
        // on our way out. Its beats, or their absence, say more.
        End::Idle | End::NoFirstCall | End::WriteTimeout | End::Shutdown | _ => Disconnect::Local,
    }
}

fn reset(kind: io::ErrorKind) -> Disconnect {
    let unreachable = matches!(
        kind,
        io::ErrorKind::TimedOut
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    );
    if unreachable {
        Disconnect::Unreachable
    } else if kind == io::ErrorKind::BrokenPipe {
        // It closed first, and we wrote after that.
        Disconnect::Closed
    } else {
        Disconnect::Reset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_of_our_own_making_is_no_evidence_against_the_peer() {
        for end in [
            End::Idle,
            End::NoFirstCall,
            End::WriteTimeout,
            End::Shutdown,
        ] {
            assert_eq!(disconnect(&end), Disconnect::Local, "{end}");
        }
        assert_eq!(disconnect(&End::Closed), Disconnect::Closed);
        for (kind, meaning) in [
            (io::ErrorKind::ConnectionReset, Disconnect::Reset),
            (io::ErrorKind::BrokenPipe, Disconnect::Closed),
            (io::ErrorKind::TimedOut, Disconnect::Unreachable),
            (io::ErrorKind::HostUnreachable, Disconnect::Unreachable),
        ] {
            assert_eq!(disconnect(&End::Reset(kind.into())), meaning, "{kind}");
        }
    }
}
