//! A client: many calls at once over one connection.

mod calls;
mod driver;

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::sync::oneshot;

use crate::error::{ArgumentError, ServerError, WireError};
use crate::http::{self, Head};
use crate::options::Options;
use calls::{Calls, Waiting};

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The peer's method, or its server, said so.
    #[error(transparent)]
    Server(ServerError),
    /// The connection is gone. Whether the call was carried out is unknown.
    #[error("connection lost: {0}")]
    ConnectionLost(Lost),
    /// The reply does not fit the expected type. The connection lives on.
    #[error("cannot read the reply: {0}")]
    Reply(#[source] ArgumentError),
    /// The argument has no gob form; nothing was sent.
    #[error("cannot write the argument: {0}")]
    Argument(#[source] gobwire::Error),
}

impl CallError {
    /// Whether the server does not know the method, as Go's and ours say it.
    #[must_use]
    pub fn is_unknown_method(&self) -> bool {
        matches!(self, Self::Server(error) if error.text().starts_with("rpc: can't find "))
    }
}

/// Why a client's connection ended.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// [`Client::close`] was called, or the client was dropped.
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

/// One connection to a net/rpc server that speaks gob: Go's, or ours.
///
/// Dropping it closes the connection.
#[derive(Debug)]
pub struct Client {
    calls: Arc<Calls>,
}

impl Client {
    /// A client on a connection that is already there, with default options.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, which must drive the connection.
    pub fn new<S>(io: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        Self::with_options(io, &Options::default())
    }

    /// The same with limits of one's own; [`Options::first_call_timeout`] means nothing here.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, which must drive the connection.
    pub fn with_options<S>(io: S, options: &Options) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let calls = Arc::new(Calls::new(options));
        tokio::spawn(driver::drive(io, Arc::clone(&calls)));
        Self { calls }
    }

    /// Connects as Go's `rpc.Dial("tcp", addr)`.
    ///
    /// # Errors
    ///
    /// Connecting failed.
    pub async fn dial(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self::new(connect(addr).await?))
    }

    /// Connects as Go's `rpc.DialHTTPPath("tcp", addr, path)`; Go's default path is
    /// [`RPC_PATH`](crate::RPC_PATH).
    ///
    /// # Errors
    ///
    /// Connecting failed, or what answers is not a Go RPC server on that path.
    pub async fn dial_http(addr: impl ToSocketAddrs, path: &str) -> io::Result<Self> {
        let mut stream = connect(addr).await?;
        let request = format!("CONNECT {path} HTTP/1.0\n\n");
        stream.write_all(request.as_bytes()).await?;
        let mut head = Head::default();
        let head = loop {
            // The server says nothing after its head until it is asked, but a byte at a time
            // makes sure that nothing of the gob stream is swallowed.
            let byte = [stream.read_u8().await?];
            let head = head.poll(&mut &byte[..]);
            if let Some(head) = head.map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))? {
                break head;
            }
        };
        if http::is_connected(&head) {
            return Ok(Self::new(stream));
        }
        let line = http::first_line(&head).escape_ascii();
        Err(io::Error::other(format!(
            "unexpected HTTP response: {line}"
        )))
    }

    /// Calls a method and waits for its reply.
    ///
    /// There is no timeout; dropping the future abandons the call without harm to others.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn call<R>(
        &self,
        method: &str,
        argument: &(impl gobwire::Encode + ?Sized + Sync),
    ) -> Result<R, CallError>
    where
        R: gobwire::Decode + Default + Send + 'static,
    {
        let permit = self.calls.permit().await;
        let permit = permit.map_err(CallError::ConnectionLost)?;
        let (sender, receiver) = oneshot::channel::<Result<R, CallError>>();
        let waiting = Waiting::new(sender, permit);
        let _abandon_on_drop = self.calls.send(method, argument, waiting)?;
        match receiver.await {
            Ok(outcome) => outcome,
            Err(_) => Err(CallError::ConnectionLost(self.calls.why())),
        }
    }

    /// Waits until the connection is gone, and says why.
    pub async fn closed(&self) -> Lost {
        self.calls.gone().await;
        self.calls.why()
    }

    /// Whether the connection is gone.
    pub fn is_closed(&self) -> bool {
        self.calls.is_gone()
    }

    /// Sends what is still to be sent, closes the connection, and waits until it is closed.
    /// Calls in flight fail.
    pub async fn close(&self) {
        self.calls.begin_close();
        self.calls.gone().await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.calls.begin_close();
    }
}

async fn connect(addr: impl ToSocketAddrs) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
