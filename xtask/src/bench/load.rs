//! The load generator: one thread, one epoll set, many connections.
//!
//! Each connection writes a batch of requests, waits until the last reply byte
//! is there, and writes the next: the same pattern for every server, so that
//! each gets the same reads.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::event::{Timespec, epoll};

use super::wire::{self, Pings};
use crate::clock::Stopwatch;

/// A server that does not answer for so long has failed, even one that runs under callgrind.
const PATIENCE: Timespec = Timespec {
    tv_sec: 20,
    tv_nsec: 0,
};

/// How the connections behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    /// Requests that each connection has unanswered at a time.
    pub(crate) in_flight: usize,
}

/// What goes over a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Talk {
    /// A Go client's bytes, introduced by its type definitions.
    Gob,
    /// Requests of the same length, to a server that answers each with this
    /// many bytes and looks at none.
    Raw { reply: usize },
}

/// Connections to one server.
#[derive(Debug)]
pub(crate) struct Load {
    epoll: rustix::fd::OwnedFd,
    links: Vec<Link>,
    in_flight: usize,
}

#[derive(Debug)]
struct Link {
    stream: TcpStream,
    pings: Pings,
    reply: usize,
    awaited: usize,
}

/// The sizes of a request and its reply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) request: usize,
    pub(crate) reply: usize,
}

impl Load {
    /// Connects, and has a first ping answered on each connection.
    pub(crate) fn connect(address: SocketAddr, shape: Shape, talk: Talk) -> anyhow::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut links = Vec::with_capacity(shape.connections);
        for slot in 0..shape.connections {
            let link = Link::open(address, &format!("bench/{slot:08}"), talk)
                .with_context(|| format!("connection {slot}"))?;
            link.stream.set_nonblocking(true)?;
            let slot = epoll::EventData::new_u64(u64::try_from(slot)?);
            epoll::add(&epoll, &link.stream, slot, epoll::EventFlags::IN)?;
            links.push(link);
        }
        Ok(Self {
            epoll,
            links,
            in_flight: shape.in_flight,
        })
    }

    /// What a ping takes on the wire; all connections agree.
    pub(crate) fn sizes(&self) -> anyhow::Result<Sizes> {
        let link = self.links.first().context("there is no connection")?;
        Ok(Sizes {
            request: link.pings.request_len(),
            reply: link.reply,
        })
    }

    /// Pings on all connections for a while; returns how many were answered.
    ///
    /// Connections stay busy afterwards: a later call goes on where this ends.
    pub(crate) fn run(&mut self, duration: Duration) -> anyhow::Result<u64> {
        let watch = Stopwatch::start();
        self.run_while(|_| watch.elapsed() < duration)
    }

    /// Has a number of batches answered on all connections together.
    pub(crate) fn exchange(&mut self, batches: u64) -> anyhow::Result<()> {
        self.run_while(|done| done < batches).map(drop)
    }

    fn run_while(&mut self, goes_on: impl Fn(u64) -> bool) -> anyhow::Result<u64> {
        let mut batch = Vec::new();
        for link in self.links.iter_mut().filter(|link| link.awaited == 0) {
            link.send(self.in_flight, &mut batch)?;
        }
        let mut input = vec![0; 64 * 1024];
        let mut events = Vec::with_capacity(1024);
        let mut batches = 0;
        while goes_on(batches) {
            events.clear();
            epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                Some(&PATIENCE),
            )?;
            if events.is_empty() {
                bail!("no reply for {} seconds", PATIENCE.tv_sec);
            }
            for event in &events {
                let link = &mut self.links[usize::try_from(event.data.u64())?];
                if link.receive(&mut input)? {
                    batches += 1;
                    link.send(self.in_flight, &mut batch)?;
                }
            }
        }
        Ok(batches * u64::try_from(self.in_flight)?)
    }
}

impl Link {
    fn open(address: SocketAddr, name: &str, talk: Talk) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(address).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::try_from(PATIENCE)?))?;
        let mut pings = Pings::new(name);
        let mut batch = Vec::new();
        let reply = match talk {
            Talk::Gob => {
                stream.write_all(&pings.first())?;
                wire::read_pong(&mut stream)?;
                pings.next(1, &mut batch);
                stream.write_all(&batch)?;
                wire::read_pong(&mut stream)?
            }
            Talk::Raw { reply } => {
                pings.next(1, &mut batch);
                stream.write_all(&batch)?;
                stream.read_exact(&mut vec![0; reply])?;
                reply
            }
        };
        Ok(Self {
            stream,
            pings,
            reply,
            awaited: 0,
        })
    }

    fn send(&mut self, requests: usize, batch: &mut Vec<u8>) -> anyhow::Result<()> {
        self.pings.next(requests, batch);
        self.stream
            .write_all(batch)
            .context("the server does not take a request")?;
        self.awaited = requests * self.reply;
        Ok(())
    }

    /// Reads what is there; says whether that was the last of the batch.
    fn receive(&mut self, input: &mut [u8]) -> anyhow::Result<bool> {
        match self.stream.read(input) {
            Ok(0) => bail!("the server closed a connection"),
            Ok(read) => {
                self.awaited = self
                    .awaited
                    .checked_sub(read)
                    .context("more reply than asked for")?;
                Ok(self.awaited == 0)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error).context("cannot read a reply"),
        }
    }
}
