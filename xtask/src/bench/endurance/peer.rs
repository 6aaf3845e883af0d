//! One connection that never waits: it connects, pings, and checks each reply.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use super::replies::{Replies, Reply};
use crate::bench::wire::{self, Pings};

/// A connection with at most one call in flight.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: TcpStream,
    name: String,
    pings: Pings,
    replies: Replies,
    awaited: Option<Awaited>,
    is_greeted: bool,
}

/// A call without its reply.
#[derive(Clone, Copy, Debug)]
struct Awaited {
    since: Duration,
    sequence: u64,
    pong: bool,
}

impl Peer {
    /// Begins to connect; the connection is there when it can be written to.
    pub(crate) fn connect(address: SocketAddr, name: String) -> anyhow::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket =
            rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error).context("cannot connect"),
        }
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            pings: Pings::new(&name),
            name,
            replies: Replies::default(),
            awaited: None,
            is_greeted: false,
        })
    }

    /// Its socket.
    pub(crate) const fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Since when it waits for a reply, if it does.
    pub(crate) fn awaits_since(&self) -> Option<Duration> {
        self.awaited.map(|awaited| awaited.since)
    }

    /// Whether it was connected, and has sent its first call.
    pub(crate) const fn is_greeted(&self) -> bool {
        self.is_greeted
    }

    /// Sends the first call, once connected.
    pub(crate) fn greet(&mut self, now: Duration) -> anyhow::Result<()> {
        self.is_greeted = true;
        self.stream
            .take_error()?
            .map_or(Ok(()), Err)
            .context("cannot connect")?;
        let first = self.pings.first();
        self.call(&first, now, self.pings.sequence(), true)
    }

    /// Sends the next call.
    pub(crate) fn ping(&mut self, now: Duration, batch: &mut Vec<u8>) -> anyhow::Result<()> {
        self.pings.next(1, batch);
        self.call(batch, now, self.pings.sequence(), true)
    }

    /// Says goodbye for its session.
    pub(crate) fn say_goodbye(&mut self, now: Duration) -> anyhow::Result<()> {
        let sequence = wire::FIRST_SEQUENCE - 1;
        let goodbye = wire::goodbye(&self.name, sequence);
        self.call(&goodbye, now, u64::from(sequence), false)
    }

    /// Sends the first half of a call and closes.
    pub(crate) fn stop_half_way(mut self) -> anyhow::Result<()> {
        let mut batch = Vec::new();
        self.pings.next(1, &mut batch);
        let half = &batch[..batch.len() / 2];
        self.stream.write_all(half).context("cannot send a half")
    }

    /// Ends the connection with a reset instead of a close.
    pub(crate) fn reset(self) -> anyhow::Result<()> {
        Ok(sockopt::set_socket_linger(
            &self.stream,
            Some(Duration::ZERO),
        )?)
    }

    /// Reads what is there; returns how long the reply took if it came.
    pub(crate) fn receive(
        &mut self,
        input: &mut [u8],
        now: Duration,
    ) -> anyhow::Result<Option<Duration>> {
        let read = match self.stream.read(input) {
            Ok(0) => bail!("the server closed the connection"),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error).context("cannot read"),
        };
        let mut took = None;
        let awaited = &mut self.awaited;
        self.replies.take(&input[..read], |reply| {
            let call = awaited.take().context("a reply that nothing asked for")?;
            call.check(&reply)?;
            took = Some(now.saturating_sub(call.since));
            Ok(())
        })?;
        Ok(took)
    }

    fn call(
        &mut self,
        request: &[u8],
        since: Duration,
        sequence: u64,
        pong: bool,
    ) -> anyhow::Result<()> {
        self.awaited = Some(Awaited {
            since,
            sequence,
            pong,
        });
        self.stream.write_all(request).context("cannot send")
    }
}

impl Awaited {
    fn check(self, reply: &Reply) -> anyhow::Result<()> {
        let Reply {
            sequence,
            error,
            pong,
        } = reply;
        ensure!(error.is_empty(), "the server answered: {error}");
        ensure!(
            *sequence == self.sequence,
            "a reply with the number of another call"
        );
        ensure!(*pong || !self.pong, "a reply that is not Pong");
        Ok(())
    }
}
