//! What is to happen, in the order of virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use carotid_core::Tick;

use super::connection::Message;

/// Something that happens at a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    /// A peer's timer says that it is time to beat.
    Beat { peer: usize, life: u32 },
    /// A peer connects anew.
    Connect { peer: usize, life: u32 },
    /// A peer gives up a connection on which nothing gets through.
    Abandon {
        peer: usize,
        life: u32,
        connection: usize,
    },
    /// A peer notices that we know its connection no more.
    Notice {
        peer: usize,
        life: u32,
        connection: usize,
    },
    /// A peer hears that its session is unknown.
    Refuse {
        peer: usize,
        life: u32,
        connection: usize,
    },
    /// The next of a peer's planned mishaps.
    Mishap { peer: usize, number: usize },
    /// A peer that was gone is there again.
    Return { peer: usize, life: u32 },
    /// A message reaches our socket.
    Arrive { connection: usize, message: Message },
    /// We get round to reading what queued up on a connection.
    Drain { connection: usize, round: u32 },
    /// A shard's deadline task wakes.
    Sweep { shard: usize, round: u32 },
    /// We do not run from here on.
    Stall { number: usize },
    /// We run again.
    Wake { number: usize },
    /// Our process ends.
    Stop,
    /// Another one takes its place.
    Start,
    /// The clock on our wall jumps.
    Jump { number: usize },
    /// Somebody asks us about everything.
    Ask,
    /// All peers fall silent.
    End,
    /// Everything should be over.
    Settle,
    /// One last session was silent for its whole timeout.
    Farewell,
}

/// The actions to come; of those at the same time the one that was planned first comes first.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    heap: BinaryHeap<Reverse<(Tick, u64, Action)>>,
    planned: u64,
}

impl Schedule {
    pub(super) fn at(&mut self, clock: Tick, action: Action) {
        self.planned += 1;
        self.heap.push(Reverse((clock, self.planned, action)));
    }

    pub(super) fn next(&mut self) -> Option<(Tick, Action)> {
        let Reverse((clock, _, action)) = self.heap.pop()?;
        Some((clock, action))
    }
}
