//! One transport link: its id, its socket options, and what its end says of the peer.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use carotid_core::Disconnect;
use carotid_netrpc::End;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// Numbers a server's connections, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionId(pub(crate) u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Probes a connection on which nothing has moved for this long, as the recipe does.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The first of a server's addresses that answers; each has `patience`, and so has the name.
pub(crate) async fn dial(address: &str, patience: Duration) -> io::Result<TcpStream> {
    let addresses = timeout(patience, lookup_host(address)).await;
    let addresses = addresses.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses? {
        let connecting = timeout(patience, TcpStream::connect(address)).await;
        match connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            // Dialling a free port of one's own machine can meet itself (simultaneous open).
            Ok(tcp) if tcp.local_addr().is_ok_and(|local| local == address) => {
                failure = io::ErrorKind::ConnectionRefused.into();
            }
            Ok(tcp) => return Ok(tcp),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Sets what every connection of ours has: no delay of small messages, keepalive, and an end when
/// what we sent stays unacknowledged for `user_timeout`.
pub(crate) fn set_options(stream: &TcpStream, user_timeout: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(KEEPALIVE / 3);
    socket.set_tcp_keepalive(&keepalive)?;
    set_user_timeout(&socket, user_timeout)
}

#[cfg(target_os = "linux")]
fn set_user_timeout(socket: &SockRef<'_>, timeout: Duration) -> io::Result<()> {
    socket.set_tcp_user_timeout(Some(timeout))
}

/// Elsewhere the connection's own deadlines do it alone.
#[cfg(not(target_os = "linux"))]
fn set_user_timeout(_socket: &SockRef<'_>, _timeout: Duration) -> io::Result<()> {
    Ok(())
}

/// Raises a connection's `TCP_USER_TIMEOUT` from beside the stream: a session that agreed on a
/// longer timeout must not lose its connection to a shorter one.
#[derive(Clone, Debug)]
pub(crate) struct UserTimeout {
    millis: Arc<AtomicU32>,
}

impl UserTimeout {
    pub(crate) fn new(timeout: Duration) -> Self {
        let millis = Arc::new(AtomicU32::new(whole_ms(timeout)));
        Self { millis }
    }

    pub(crate) fn raise(&self, timeout: Duration) {
        self.millis.fetch_max(whole_ms(timeout), Ordering::Relaxed);
    }
}

fn whole_ms(timeout: Duration) -> u32 {
    // The kernel takes no more.
    const MOST: u32 = i32::MAX.unsigned_abs();
    u32::try_from(timeout.as_millis()).map_or(MOST, |ms| ms.min(MOST))
}

/// A stream whose user timeout follows its [`UserTimeout`].
#[derive(Debug)]
pub(crate) struct Stream {
    tcp: TcpStream,
    wanted: UserTimeout,
    set: u32,
}

impl Stream {
    pub(crate) fn new(tcp: TcpStream, user_timeout: Duration) -> io::Result<(Self, UserTimeout)> {
        set_options(&tcp, user_timeout)?;
        let wanted = UserTimeout::new(user_timeout);
        let stream = Self {
            tcp,
            wanted: wanted.clone(),
            set: whole_ms(user_timeout),
        };
        Ok((stream, wanted))
    }

    fn follow(&mut self) {
        let wanted = self.wanted.millis.load(Ordering::Relaxed);
        if self.set != wanted {
            self.set = wanted;
            let timeout = Duration::from_millis(u64::from(wanted));
            if let Err(error) = set_user_timeout(&SockRef::from(&self.tcp), timeout) {
                // Our trouble, not the peer's: the shorter timeout stays.
                tracing::debug!(%error, "cannot raise TCP_USER_TIMEOUT");
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Before the reply that grants a longer timeout.
        self.follow();
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
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
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn sockets_have_the_options_of_the_recipe_and_follow_their_sessions() {
        let minute = Duration::from_secs(60);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tcp = TcpStream::connect(address).await.unwrap();
        let (mut stream, user_timeout) = Stream::new(tcp, minute).unwrap();
        let of = |stream: &Stream| SockRef::from(&stream.tcp).tcp_user_timeout().unwrap();
        assert_eq!(of(&stream), Some(minute));
        let socket = SockRef::from(&stream.tcp);
        assert!(socket.keepalive().unwrap());
        assert_eq!(
            socket.tcp_keepalive_time().unwrap(),
            Duration::from_secs(30)
        );
        assert!(stream.tcp.nodelay().unwrap());

        user_timeout.raise(2 * minute);
        user_timeout.raise(minute);
        stream.write_all(b"reply").await.unwrap();
        assert_eq!(
            of(&stream),
            Some(2 * minute),
            "never shorter than a session's timeout"
        );
    }

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
