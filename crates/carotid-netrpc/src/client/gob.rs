//! The client that speaks gob.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::ToSocketAddrs;

use crate::client::calls::Waiting;
use crate::client::pending::Pending;
use crate::client::{CallError, Link, Lost, dial, http};
use crate::codec::ReplyReader;
use crate::gob::convert::{FromGob, ToGob};
use crate::options::Options;

/// One connection to a net/rpc server that speaks gob: Go's, or ours.
///
/// Calls are in flight together, up to [`Options::max_in_flight`], and their replies may come
/// in any order. Replies that belong to no call are ignored. Dropping the client closes the
/// connection.
#[derive(Debug)]
pub struct Client {
    link: Link,
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
        let reader = ReplyReader::new(options.max_message);
        let link = Link::new(io, reader, options);
        Self { link }
    }

    /// Connects as Go's `rpc.Dial("tcp", addr)`.
    ///
    /// # Errors
    ///
    /// Connecting failed.
    pub async fn dial(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self::new(dial(addr).await?))
    }

    /// Connects as Go's `rpc.Dial("unix", path)`.
    ///
    /// # Errors
    ///
    /// Connecting failed.
    #[cfg(unix)]
    pub async fn dial_unix(path: impl AsRef<std::path::Path>) -> io::Result<Self> {
        Ok(Self::new(tokio::net::UnixStream::connect(path).await?))
    }

    /// Connects as Go's `rpc.DialHTTPPath("tcp", addr, path)`; Go's default path is
    /// [`RPC_PATH`](crate::RPC_PATH).
    ///
    /// # Errors
    ///
    /// Connecting failed, or what answers is not a Go RPC server on that path.
    pub async fn dial_http(addr: impl ToSocketAddrs, path: &str) -> io::Result<Self> {
        let stream = dial(addr).await?;
        Self::over_http(stream, path, &Options::default()).await
    }

    /// The same on a connection that is already there, with limits of one's own.
    ///
    /// # Errors
    ///
    /// The connection failed, or what answers is not a Go RPC server on that path.
    pub async fn over_http<S>(mut io: S, path: &str, options: &Options) -> io::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        http::connect(&mut io, path).await?;
        Ok(Self::with_options(io, options))
    }

    /// Calls a method and waits for its reply, as Go's `Client.Call`.
    ///
    /// There is no timeout; dropping the future abandons the call without harm to others.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub async fn call<R>(
        &self,
        method: &str,
        argument: &(impl ToGob + ?Sized + Sync),
    ) -> Result<R, CallError>
    where
        R: FromGob + Send + 'static,
    {
        self.go(method, argument).await?.await
    }

    /// Sends a call and returns, as Go's `Client.Go`, without waiting for its reply; it waits
    /// only while [`Options::max_in_flight`] calls are in flight.
    ///
    /// The argument is encoded while nothing else can happen on the connection, because a
    /// type's definition and its values must leave in order. What `#[derive(Gob)]` writes is
    /// quick; an [`Encode`](gobwire::Encode) of one's own that blocks would hold up the calls
    /// and the replies of everyone who shares the client.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; nothing was sent.
    pub async fn go<R>(
        &self,
        method: &str,
        argument: &(impl ToGob + ?Sized + Sync),
    ) -> Result<Pending<R>, CallError>
    where
        R: FromGob + Send + 'static,
    {
        let encode = self.link.go(Waiting::gob, |writer, out, seq| {
            Ok(writer.call(out, method, seq, argument)?)
        });
        encode.await
    }

    /// Waits until the connection is gone, and says why.
    pub async fn closed(&self) -> Lost {
        self.link.closed().await
    }

    /// Whether the connection is gone.
    pub fn is_closed(&self) -> bool {
        self.link.is_closed()
    }

    /// Sends what is still to be sent, closes the connection, and waits until it is closed.
    /// Calls in flight fail, and calls from now on. Closing again does nothing (Go returns
    /// `ErrShutdown`).
    pub async fn close(&self) {
        self.link.close().await;
    }
}
