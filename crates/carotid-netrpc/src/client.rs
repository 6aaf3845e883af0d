//! Clients: many calls at once over one connection.

mod calls;
mod driver;
mod gob;
mod http;
mod json;
mod outbox;
mod pending;
mod scratch;

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, ToSocketAddrs};

use crate::codec::{CallWriter, ReplyReader};
use crate::error::{ArgumentError, ServerError, WireError};
use crate::options::Options;
use calls::{Calls, Waiting};
pub use gob::Client;
pub use json::JsonClient;
pub use pending::Pending;

/// Why a call has no result.
///
/// | in Go | here |
/// |---|---|
/// | `rpc.ServerError` | [`Server`](Self::Server) |
/// | `rpc.ErrShutdown`: the call came after `Close`, or after the connection was lost | [`ShutDown`](Self::ShutDown) |
/// | `rpc.ErrShutdown`: the call was in flight at `Close` | [`ConnectionLost`](Self::ConnectionLost) with [`Lost::ClosedHere`] |
/// | `io.ErrUnexpectedEOF`: the call was in flight when the peer closed | [`ConnectionLost`](Self::ConnectionLost) with [`Lost::ClosedByPeer`] |
/// | any other error of reading | [`ConnectionLost`](Self::ConnectionLost) with its reason |
/// | "reading body …", which ends the connection | [`Reply`](Self::Reply), which does not |
/// | the error of encoding the arguments | [`Argument`](Self::Argument) |
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The peer's method, or its server, said so.
    #[error(transparent)]
    Server(ServerError),
    /// The connection was gone before the call: nothing was sent.
    #[error("connection is shut down: {0}")]
    ShutDown(Lost),
    /// The connection went away during the call. Whether it was carried out is unknown.
    #[error("connection lost: {0}")]
    ConnectionLost(Lost),
    /// The reply does not fit the expected type. The connection lives on.
    #[error("cannot read the reply: {0}")]
    Reply(#[source] ArgumentError),
    /// The argument cannot be written; nothing was sent.
    #[error("cannot write the argument: {0}")]
    Argument(#[source] EncodeError),
}

impl CallError {
    /// Whether the server does not know the method, as Go's and ours say it.
    #[must_use]
    pub fn is_unknown_method(&self) -> bool {
        matches!(self, Self::Server(error) if error.text().starts_with("rpc: can't find "))
    }

    /// Why the connection is gone, if that is why the call failed.
    #[must_use]
    pub fn lost(&self) -> Option<&Lost> {
        match self {
            Self::ShutDown(lost) | Self::ConnectionLost(lost) => Some(lost),
            Self::Server(_) | Self::Reply(_) | Self::Argument(_) => None,
        }
    }

    /// Whether the call cannot have reached the server, so that it may be made again on another
    /// connection whatever it does.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        matches!(self, Self::ShutDown(_) | Self::Argument(_))
    }
}

/// Why an argument cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// It has no gob form.
    #[error(transparent)]
    Gob(#[from] gobwire::Error),
    /// It has no JSON form.
    #[error("json: {0}")]
    Json(#[from] serde_json::Error),
}

/// Why a client's connection ended.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// The client was closed or dropped.
    #[error("closed by this side")]
    ClosedHere,
    /// The peer closed it.
    #[error("closed by the peer")]
    ClosedByPeer,
    /// Reading or writing failed.
    #[error("{0}")]
    Io(Arc<io::Error>),
    /// The peer sent what cannot be read.
    #[error("malformed input: {0}")]
    Malformed(Arc<WireError>),
    /// The peer took nothing of what was sent for [`Options::write_timeout`].
    #[error("the peer does not read")]
    WriteTimeout,
    /// The runtime that drove the connection stopped.
    #[error("the runtime stopped")]
    RuntimeStopped,
}

/// What clients of both protocols have in common. Dropping it closes the connection.
#[derive(Debug)]
struct Link {
    calls: Arc<Calls>,
}

impl Link {
    fn new<S>(io: S, reader: ReplyReader, options: &Options) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let calls = Arc::new(Calls::new(options));
        tokio::spawn(driver::drive(io, reader, Arc::clone(&calls)));
        Self { calls }
    }

    /// Sends what `encode` writes as soon as [`Options::max_in_flight`] allows it.
    async fn go<R>(
        &self,
        waiting: fn(pending::Sender<R>) -> Waiting,
        encode: impl FnOnce(&mut CallWriter, &mut Vec<u8>, u64) -> Result<(), EncodeError>,
    ) -> Result<Pending<R>, CallError> {
        let permit = self.calls.permit().await?;
        let (sender, receiver) = pending::channel();
        let seq = self.calls.send(waiting(sender), permit, encode)?;
        Ok(Pending::new(receiver, Arc::clone(&self.calls), seq))
    }

    async fn closed(&self) -> Lost {
        self.calls.gone().await;
        self.calls.why()
    }

    fn is_closed(&self) -> bool {
        self.calls.is_gone()
    }

    async fn close(&self) {
        self.calls.begin_close();
        self.calls.gone().await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.calls.begin_close();
    }
}

async fn dial(addr: impl ToSocketAddrs) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
