//! How a client connects, and what its sockets have set.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use carotid_netrpc::{Client, Options, tcp};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;

use crate::address::{Address, HostPort};

/// A connection that was made.
#[derive(Debug)]
pub(crate) struct Dialled {
    pub(crate) client: Client,
    /// Where it leads; `None` for a Unix socket.
    pub(crate) server: Option<SocketAddr>,
    pub(crate) user_timeout: UserTimeout,
}

/// Connects to the first of a server's addresses that answers, resolved anew. Each has `patience`,
/// and so have the name and what is to be said in HTTP first. What was sent may stay unacknowledged
/// for `user_timeout`.
pub(crate) async fn dial(
    address: &Address,
    patience: Duration,
    user_timeout: Duration,
) -> io::Result<Dialled> {
    match address {
        Address::Tcp(server) => {
            let tcp = connect(server, patience).await?;
            let server = tcp.peer_addr()?;
            let (stream, user_timeout) = Stream::new(tcp, user_timeout)?;
            Ok(Dialled {
                client: Client::new(stream),
                server: Some(server),
                user_timeout,
            })
        }
        Address::Http { server, path } => {
            let tcp = connect(server, patience).await?;
            let server = tcp.peer_addr()?;
            let (stream, user_timeout) = Stream::new(tcp, user_timeout)?;
            let options = Options::default();
            let asking = Client::over_http(stream, path, &options);
            Ok(Dialled {
                client: in_time(patience, asking).await?,
                server: Some(server),
                user_timeout,
            })
        }
        Address::Unix(path) => Ok(Dialled {
            client: Client::new(in_time(patience, UnixStream::connect(path)).await?),
            server: None,
            user_timeout: UserTimeout::new(user_timeout),
        }),
    }
}

async fn in_time<T>(
    patience: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let done = timeout(patience, work).await;
    done.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn connect(server: &HostPort, patience: Duration) -> io::Result<TcpStream> {
    let found = lookup_host((server.host(), server.port()));
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in in_time(patience, found).await? {
        match in_time(patience, TcpStream::connect(address)).await {
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

/// Sets what every connection of ours has, and an end when what we sent stays unacknowledged for
/// `user_timeout`.
pub(crate) fn set_options(stream: &TcpStream, user_timeout: Duration) -> io::Result<()> {
    tcp::set_options(stream)?;
    tcp::set_user_timeout(stream, user_timeout)
}

/// Raises a connection's `TCP_USER_TIMEOUT` from beside the stream: a session that agreed on a
/// longer timeout must not lose its connection to a shorter one. A Unix socket has none to raise.
#[derive(Clone, Debug)]
pub(crate) struct UserTimeout {
    millis: Arc<AtomicU32>,
}

impl UserTimeout {
    fn new(timeout: Duration) -> Self {
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
struct Stream {
    tcp: TcpStream,
    wanted: UserTimeout,
    set: u32,
}

impl Stream {
    fn new(tcp: TcpStream, user_timeout: Duration) -> io::Result<(Self, UserTimeout)> {
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
            if let Err(error) = tcp::set_user_timeout(&self.tcp, timeout) {
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
        // Before anything that counts on a longer timeout.
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

#[cfg(test)]
mod tests {
    use super::*;
    use carotid_netrpc::tcp::KEEPALIVE;
    use socket2::SockRef;
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
        assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEPALIVE);
        assert!(stream.tcp.nodelay().unwrap());

        user_timeout.raise(2 * minute);
        user_timeout.raise(minute);
        stream.write_all(b"beat").await.unwrap();
        assert_eq!(
            of(&stream),
            Some(2 * minute),
            "never shorter than a session's timeout"
        );
    }
}
