//! A server's other address, over which connections can be lost or fall silent.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use carotid::Client;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::ground::in_time;

/// What happens on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// What one side says reaches the other.
    Carry,
    /// It is taken, and lost: a black hole.
    Swallow,
    /// The connection ends, or does as soon as it is made.
    Cut,
}

/// Carries connections to a server for as long as it is held.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    /// What happens on the connections to come, and on those that are there.
    new: watch::Sender<Mode>,
    old: watch::Sender<Mode>,
    accepting: JoinHandle<()>,
}

impl Relay {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (new, old) = (
            watch::Sender::new(Mode::Carry),
            watch::Sender::new(Mode::Carry),
        );
        let (for_new, for_old) = (new.subscribe(), old.clone());
        let accepting = tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let mode = *for_new.borrow();
                if mode != Mode::Cut {
                    tokio::spawn(carry(near, server, mode, for_old.subscribe()));
                }
            }
        });
        Self {
            address,
            new,
            old,
            accepting,
        }
    }

    /// Ends all connections.
    pub(crate) fn cut(&self) {
        self.old.send_replace(Mode::Cut);
    }

    /// Ends all connections, and each new one.
    pub(crate) fn shut(&self) {
        self.new.send_replace(Mode::Cut);
        self.cut();
    }

    /// Lets new connections through again.
    pub(crate) fn open(&self) {
        self.new.send_replace(Mode::Carry);
    }

    /// From now on nothing gets through that connections say which are there.
    pub(crate) fn swallow(&self) {
        self.old.send_replace(Mode::Swallow);
    }

    /// The same for those to come.
    pub(crate) fn swallow_all(&self) {
        self.new.send_replace(Mode::Swallow);
        self.swallow();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Waits until the client has heard nothing for longer than it believes in a connection.
pub(crate) async fn grown_doubtful(client: &Client) {
    let doubtful = async {
        while client.counters().since_last_pong.unwrap() < Duration::from_millis(50) {
            tokio::task::yield_now().await;
        }
    };
    in_time(doubtful).await;
}

/// Carries one connection after the other from a Unix socket to a server, for as long as the test
/// runs.
pub(crate) fn from_unix(path: &Path, server: SocketAddr) {
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        let (_forever, carried) = watch::channel(Mode::Carry);
        loop {
            let (near, _) = listener.accept().await.unwrap();
            carry(near, server, Mode::Carry, carried.clone()).await;
        }
    });
}

/// A change of mode is for whoever was there before it.
async fn carry(
    near: impl AsyncRead + AsyncWrite,
    server: SocketAddr,
    begun: Mode,
    mut mode: watch::Receiver<Mode>,
) {
    mode.mark_unchanged();
    let far = TcpStream::connect(server).await.unwrap();
    let (near_read, near_write) = split(near);
    let (far_read, far_write) = split(far);
    let changed = mode.clone();
    let cut = async { while mode.changed().await.is_ok() && *mode.borrow() != Mode::Cut {} };
    tokio::select! {
        () = one_way(near_read, far_write, begun, changed.clone()) => {}
        () = one_way(far_read, near_write, begun, changed) => {}
        () = cut => {}
    }
}

async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    begun: Mode,
    changed: watch::Receiver<Mode>,
) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let mode = if changed.has_changed().is_ok_and(|changed| changed) {
            *changed.borrow()
        } else {
            begun
        };
        if mode == Mode::Carry && to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
