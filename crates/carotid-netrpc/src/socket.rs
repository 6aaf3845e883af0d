//! The socket of one connection, and its options.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// Probes a connection on which nothing has moved for this long, as the recipe does.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A socket that does not block.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// No blocking, no delay of small messages, and keepalive.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        let stream = match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => return stream.set_nonblocking(true),
        };
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE)
            .with_interval(KEEPALIVE / 3);
        let socket = SockRef::from(stream);
        // A read would stop at an urgent byte and look as if nothing came after it.
        socket.set_out_of_band_inline(true)?;
        socket.set_tcp_keepalive(&keepalive)
    }

    /// How long what we sent may stay unacknowledged before the kernel ends the connection.
    #[cfg(target_os = "linux")]
    pub(crate) fn set_user_timeout(&self, timeout: Duration) -> io::Result<()> {
        // The kernel takes no more.
        const MOST: Duration = Duration::from_millis(i32::MAX as u64);
        match self {
            Self::Tcp(stream) => {
                SockRef::from(stream).set_tcp_user_timeout(Some(timeout.min(MOST)))
            }
            Self::Unix(_) => Ok(()),
        }
    }

    /// Elsewhere the connection's own deadlines do it alone.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn set_user_timeout(&self, _timeout: Duration) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    /// Tells the peer that nothing more comes.
    pub(crate) fn shut_down(&self) {
        // Whether the peer hears of our closing does not change why we close.
        let _heard = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }

    /// The error that the kernel has noted, if any.
    pub(crate) fn take_error(&self) -> Option<io::Error> {
        match self {
            Self::Tcp(stream) => stream.take_error(),
            Self::Unix(stream) => stream.take_error(),
        }
        .ok()
        .flatten()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        }
    }
}
