//! Accepting connections, whatever happens.

use std::net::SocketAddr;
use std::time::Duration;

use carotid_netrpc::tcp::is_of_one_connection;
use tokio::net::{TcpListener, TcpStream};

/// How long not to accept after accepting failed: the usual cause is a full file table, which
/// only time empties.
const PAUSE: Duration = Duration::from_millis(100);

/// The next connection. An error of the listener, such as too many open files, is logged and
/// tried again after 0.1 s. Cancel safe.
pub(super) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections; trying again in 0.1 s");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
