//! Where a server takes connections.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use socket2::{Domain, Type};

use crate::peer::PeerAddr;
use crate::socket::Socket;

/// Connections that may wait to be accepted: a fleet that comes back at once is not turned away. The
/// system may have a lower limit of its own (`net.core.somaxconn`).
const BACKLOG: i32 = 4096;

/// Where a server takes connections: a TCP port, or a Unix socket.
#[derive(Debug)]
pub struct Listener {
    kind: Kind,
    /// Goes away with it.
    _file: Option<SocketFile>,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A listener's address; a port that was asked for as 0 is the one that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenAddr {
    /// An address and a port.
    Tcp(SocketAddr),
    /// The path of a socket.
    Unix(PathBuf),
}

/// `127.0.0.1:7400`, or `unix:/run/carotid.sock`.
impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Listener {
    /// Listens on `HOST:PORT`, where port 0 takes a free one, or on `unix:PATH`.
    ///
    /// # Errors
    ///
    /// The address is taken, cannot be resolved, or must not be used.
    pub fn bind(address: &str) -> io::Result<Self> {
        match address.strip_prefix("unix:") {
            Some(path) => Self::bind_unix(path),
            None => Self::bind_tcp(address),
        }
    }

    /// Listens on the first of these addresses that can be had.
    ///
    /// # Errors
    ///
    /// None can be had.
    pub fn bind_tcp(address: impl ToSocketAddrs) -> io::Result<Self> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in address.to_socket_addrs()? {
            match listen(address) {
                Ok(listener) => return listener.try_into(),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Listens on a Unix socket. The file of a server that is gone is taken over; the file goes away
    /// with the listener.
    ///
    /// # Errors
    ///
    /// Another server listens there, or the file cannot be made.
    pub fn bind_unix(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
                std::fs::remove_file(path)?;
                UnixListener::bind(path)?
            }
            bound => bound?,
        };
        listener.set_nonblocking(true)?;
        Ok(Self {
            kind: Kind::Unix(listener),
            _file: Some(SocketFile::new(path)),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// The system does not tell.
    pub fn local_addr(&self) -> io::Result<ListenAddr> {
        match &self.kind {
            Kind::Tcp(listener) => listener.local_addr().map(ListenAddr::Tcp),
            Kind::Unix(listener) => {
                let address = listener.local_addr()?;
                Ok(ListenAddr::Unix(
                    address.as_pathname().unwrap_or(Path::new("")).to_owned(),
                ))
            }
        }
    }

    /// The next connection that waits.
    pub(crate) fn accept(&self) -> io::Result<(Socket, PeerAddr)> {
        match &self.kind {
            Kind::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                Ok((Socket::Tcp(stream), PeerAddr::Tcp(peer)))
            }
            Kind::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                let pid = process_behind(&stream);
                Ok((Socket::Unix(stream), PeerAddr::Unix { pid }))
            }
        }
    }
}

impl From<Kind> for Listener {
    fn from(kind: Kind) -> Self {
        Self { kind, _file: None }
    }
}

/// A listener that was made elsewhere, by a supervisor for example.
impl TryFrom<TcpListener> for Listener {
    type Error = io::Error;

    fn try_from(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Kind::Tcp(listener).into())
    }
}

/// The same for a Unix socket, whose file then is the maker's to remove.
impl TryFrom<UnixListener> for Listener {
    type Error = io::Error;

    fn try_from(listener: UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Kind::Unix(listener).into())
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        match &self.kind {
            Kind::Tcp(listener) => listener.as_raw_fd(),
            Kind::Unix(listener) => listener.as_raw_fd(),
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Takes the port over from connections that are still being wound up.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The file of a socket, which outlives its process unless somebody removes it.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Which file it is, by device and inode.
    identity: Option<(u64, u64)>,
}

impl SocketFile {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            identity: identity(path),
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A successor may have put its own there.
        if self.identity.is_some() && self.identity == identity(&self.path) {
            // Somebody else has removed it, or we must not: either way it is out of our hands.
            let _gone = std::fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = std::fs::symlink_metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// Whether a socket's file is there, and nobody listens on it.
fn is_abandoned(path: &Path) -> bool {
    UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(target_os = "linux")]
fn process_behind(stream: &UnixStream) -> Option<i32> {
    let peer = rustix::net::sockopt::socket_peercred(stream).ok()?;
    Some(peer.pid.as_raw_nonzero().get())
}

#[cfg(not(target_os = "linux"))]
fn process_behind(_stream: &UnixStream) -> Option<i32> {
    None
}
