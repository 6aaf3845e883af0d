//! How many connections there are, what they speak, and how they ended.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};

use carotid_netrpc::{End, PeerAddr, Protocol};

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Unix,
}

/// Counts connections. Touched when one comes, makes its first call, or goes.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    /// By transport.
    accepted: [AtomicU64; Transport::ALL.len()],
    /// By transport and protocol, those first that have not said anything yet.
    open: [[AtomicU64; 1 + Protocol::ALL.len()]; Transport::ALL.len()],
    ended: [AtomicU64; REASONS.len()],
}

/// Why connections end.
const REASONS: [&str; 7] = [
    "closed",
    "reset",
    "idle",
    "no_first_call",
    "write_timeout",
    "malformed",
    "shutdown",
];

impl Transport {
    const ALL: [Self; 2] = [Self::Tcp, Self::Unix];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Unix => "unix",
        }
    }
}

impl From<PeerAddr> for Transport {
    fn from(peer: PeerAddr) -> Self {
        match peer {
            PeerAddr::Unix { .. } => Self::Unix,
            PeerAddr::Tcp(_) | _ => Self::Tcp,
        }
    }
}

impl Connections {
    /// A connection has come.
    pub(super) fn begin(&self, transport: Transport) {
        self.accepted[transport as usize].fetch_add(1, Ordering::Relaxed);
        self.place(transport, None).fetch_add(1, Ordering::Relaxed);
    }

    /// It has shown what it speaks.
    pub(super) fn speaks(&self, transport: Transport, protocol: Protocol) {
        let now = self.place(transport, Some(protocol));
        now.fetch_add(1, Ordering::Relaxed);
        self.place(transport, None).fetch_sub(1, Ordering::Relaxed);
    }

    /// It is gone.
    pub(super) fn end(&self, transport: Transport, protocol: Option<Protocol>) {
        let place = self.place(transport, protocol);
        place.fetch_sub(1, Ordering::Relaxed);
    }

    /// Why.
    pub(super) fn count_end(&self, end: &End) {
        let reason = match end {
            End::Closed => 0,
            End::Reset(_) => 1,
            End::Idle => 2,
            End::NoFirstCall => 3,
            End::WriteTimeout => 4,
            End::Malformed(_) => 5,
            End::Shutdown | _ => 6,
        };
        self.ended[reason].fetch_add(1, Ordering::Relaxed);
    }

    /// How many have come on each transport.
    pub(crate) fn accepted(&self) -> [(Transport, u64); 2] {
        Transport::ALL.map(|transport| {
            let accepted = &self.accepted[transport as usize];
            (transport, accepted.load(Ordering::Relaxed))
        })
    }

    /// How many are open, by what carries them and what they speak.
    pub(crate) fn open(&self) -> impl Iterator<Item = (Transport, Option<Protocol>, u64)> {
        let protocols = [None].into_iter().chain(Protocol::ALL.map(Some));
        protocols.flat_map(|protocol| {
            Transport::ALL.map(|transport| {
                let open = self.place(transport, protocol);
                (transport, protocol, open.load(Ordering::Relaxed))
            })
        })
    }

    /// How many ended for which reason.
    pub(crate) fn ended(&self) -> [(&'static str, u64); REASONS.len()] {
        array::from_fn(|index| {
            let ended = self.ended[index].load(Ordering::Relaxed);
            (REASONS[index], ended)
        })
    }

    fn place(&self, transport: Transport, protocol: Option<Protocol>) -> &AtomicU64 {
        let index = match protocol {
            None => 0,
            Some(protocol) => {
                let at = Protocol::ALL.iter().position(|known| *known == protocol);
                1 + at.expect("all of them are listed")
            }
        };
        &self.open[transport as usize][index]
    }
}
