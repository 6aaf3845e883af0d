//! Where the server is, and how to reach it.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use carotid::Address;
use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};

use crate::exit::Exit;

/// What a kernel calls it.
#[derive(Clone, Debug)]
pub(super) enum Endpoint {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Resolves a name; of several addresses, the first that accepts.
pub(super) async fn resolve(target: &Address, patience: Duration) -> Result<Endpoint, Exit> {
    let server = match target {
        Address::Unix(path) => return Ok(Endpoint::Unix(path.clone())),
        Address::Tcp(server) | Address::Http { server, .. } => server,
        unknown => return Err(Exit::usage(anyhow!("{unknown} cannot be loaded"))),
    };
    let (host, port) = (server.host(), server.port());
    let found = tokio::net::lookup_host((host, port)).await;
    let found: Vec<_> = found
        .map_err(|error| {
            Exit::connect(error)
                .context(format!("cannot find {host}"))
                .advise("Is the name spelt right? An address such as 127.0.0.1:7400 needs no name service.")
        })?
        .collect();
    if let [only] = found[..] {
        return Ok(Endpoint::Tcp(only));
    }
    for address in &found {
        let trial = tokio::net::TcpStream::connect(address);
        if matches!(tokio::time::timeout(patience, trial).await, Ok(Ok(_))) {
            return Ok(Endpoint::Tcp(*address));
        }
    }
    match found.first() {
        // Connecting to it says best what is wrong.
        Some(first) => Ok(Endpoint::Tcp(*first)),
        None => Err(Exit::connect(anyhow!("{host} has no address"))),
    }
}

/// A connection to either.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Endpoint {
    /// Begins to connect.
    pub(super) fn connect(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(address) => TcpStream::connect(*address).map(Stream::Tcp),
            Self::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
        }
    }
}

impl Stream {
    /// Whether it is connected by now.
    pub(super) fn is_connected(&self) -> io::Result<bool> {
        let Self::Tcp(stream) = self else {
            return Ok(true);
        };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => stream.set_nodelay(true).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Our address, which is what the server sees.
    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            Self::Unix(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(from),
            Self::Unix(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Stream {
    fn register(&mut self, to: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.register(to, token, interest),
            Self::Unix(stream) => stream.register(to, token, interest),
        }
    }

    fn reregister(&mut self, to: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.reregister(to, token, interest),
            Self::Unix(stream) => stream.reregister(to, token, interest),
        }
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.deregister(from),
            Self::Unix(stream) => stream.deregister(from),
        }
    }
}
