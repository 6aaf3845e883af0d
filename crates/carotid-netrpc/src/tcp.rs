//! What every TCP connection of ours has set, at either end.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// Probes a connection on which nothing has moved for this long, as the recipe does.
pub const KEEPALIVE: Duration = Duration::from_secs(30);

/// No delay of small messages, and keepalive.
///
/// # Errors
///
/// The system refuses, as it does for a socket that is closed already.
pub fn set_options(socket: &impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(socket);
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(KEEPALIVE / 3);
    socket.set_tcp_keepalive(&keepalive)
}

/// How long what we sent may stay unacknowledged before the kernel ends the connection
/// (`TCP_USER_TIMEOUT`); at most 2³¹ − 1 ms. Elsewhere than on Linux this does nothing, and the
/// connection's own deadlines do it alone.
///
/// # Errors
///
/// As for [`set_options`].
pub fn set_user_timeout(socket: &impl AsFd, timeout: Duration) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        // The kernel takes no more.
        const MOST: Duration = Duration::from_millis(i32::MAX as u64);
        SockRef::from(socket).set_tcp_user_timeout(Some(timeout.min(MOST)))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let (_, _) = (socket, timeout);
        Ok(())
    }
}

/// Whether accepting failed because the peer was gone before, which says nothing about the listener.
pub fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
