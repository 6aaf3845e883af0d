//! Peers that come and go, each with a name of its own, and the ways in which they go.

use std::net::SocketAddr;
use std::time::Duration;

use super::peer::Peer;

/// How a visitor leaves, after its first pong.
#[derive(Clone, Copy, Debug)]
enum Leaving {
    /// One ping more, then an orderly close.
    Closes,
    /// A goodbye for its session, then an orderly close.
    SaysGoodbye,
    /// A reset.
    Resets,
    /// An orderly close in the middle of a call.
    StopsHalfWay,
}

const WAYS: [Leaving; 4] = [
    Leaving::Closes,
    Leaving::SaysGoodbye,
    Leaving::Resets,
    Leaving::StopsHalfWay,
];

/// A peer on its way from connecting to leaving.
#[derive(Debug)]
pub(crate) struct Visitor {
    peer: Peer,
    leaving: Leaving,
    /// Tells it from others that had its place before.
    pub(crate) number: u64,
    answered: u32,
}

/// What became of a visitor.
#[derive(Debug)]
pub(crate) enum Step {
    /// It is not done; after this many calls in this step.
    Stays { calls: u64 },
    /// It has nothing left to do but to leave.
    Leaves,
}

impl Visitor {
    /// The visitor of that number begins to connect. Numbers decide how they leave, in turn.
    pub(crate) fn connect(address: SocketAddr, number: u64) -> anyhow::Result<Self> {
        let turn = usize::try_from(number % WAYS.len() as u64)?;
        Ok(Self {
            peer: Peer::connect(address, format!("visitor/{number:08}"))?,
            leaving: WAYS[turn],
            number,
            answered: 0,
        })
    }

    pub(crate) const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Goes on with what it came for; the socket is ready. A reply's time goes to `took`.
    pub(crate) fn step(
        &mut self,
        input: &mut [u8],
        now: Duration,
        mut took: impl FnMut(Duration),
    ) -> anyhow::Result<Step> {
        if !self.peer.is_greeted() {
            self.peer.greet(now)?;
            return Ok(Step::Stays { calls: 1 });
        }
        let Some(reply) = self.peer.receive(input, now)? else {
            return Ok(Step::Stays { calls: 0 });
        };
        took(reply);
        self.answered += 1;
        match (self.leaving, self.answered) {
            (Leaving::Closes, 1) => self.peer.ping(now, &mut Vec::new())?,
            (Leaving::SaysGoodbye, 1) => self.peer.say_goodbye(now)?,
            (
                Leaving::Closes | Leaving::SaysGoodbye | Leaving::Resets | Leaving::StopsHalfWay,
                _,
            ) => return Ok(Step::Leaves),
        }
        Ok(Step::Stays { calls: 1 })
    }

    /// Goes.
    pub(crate) fn leave(self) -> anyhow::Result<()> {
        match self.leaving {
            Leaving::Closes | Leaving::SaysGoodbye => Ok(()),
            Leaving::Resets => self.peer.reset(),
            Leaving::StopsHalfWay => self.peer.stop_half_way(),
        }
    }
}
