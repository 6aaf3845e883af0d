//! The client that speaks JSON.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::to_raw_value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::ToSocketAddrs;

use crate::client::calls::Waiting;
use crate::client::pending::Pending;
use crate::client::{CallError, EncodeError, Link, Lost, dial};
use crate::codec::{CallWriter, ReplyReader};
use crate::options::Options;

/// One connection to a net/rpc server that speaks JSON as Go's `net/rpc/jsonrpc`: Go's, or ours.
///
/// It is a [`Client`](crate::Client) in all but the types it takes: serde's instead of gob's.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// #[derive(serde::Serialize)]
/// #[serde(rename_all = "PascalCase")]
/// struct Args {
///     a: i64,
///     b: i64,
/// }
///
/// let client = carotid_netrpc::JsonClient::dial("127.0.0.1:1234").await?;
/// let product: i64 = client.call("Arith.Multiply", &Args { a: 7, b: 8 }).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct JsonClient {
    link: Link,
}

impl JsonClient {
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
        let reader = ReplyReader::json(options.max_message);
        let link = Link::new(io, reader, options);
        Self { link }
    }

    /// Connects as Go's `jsonrpc.Dial("tcp", addr)`.
    ///
    /// # Errors
    ///
    /// Connecting failed.
    pub async fn dial(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self::new(dial(addr).await?))
    }

    /// Connects as Go's `jsonrpc.Dial("unix", path)`.
    ///
    /// # Errors
    ///
    /// Connecting failed.
    #[cfg(unix)]
    pub async fn dial_unix(path: impl AsRef<std::path::Path>) -> io::Result<Self> {
        Ok(Self::new(tokio::net::UnixStream::connect(path).await?))
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
        argument: &(impl Serialize + ?Sized + Sync),
    ) -> Result<R, CallError>
    where
        R: DeserializeOwned + Send + 'static,
    {
        self.go(method, argument).await?.await
    }

    /// Sends a call and returns, as Go's `Client.Go`, without waiting for its reply; it waits
    /// only while [`Options::max_in_flight`] calls are in flight.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; nothing was sent.
    pub async fn go<R>(
        &self,
        method: &str,
        argument: &(impl Serialize + ?Sized + Sync),
    ) -> Result<Pending<R>, CallError>
    where
        R: DeserializeOwned + Send + 'static,
    {
        // An argument's own `Serialize` may be slow, and must not hold up other calls.
        let argument = to_raw_value(argument)
            .map_err(|error| CallError::Argument(EncodeError::Json(error)))?;
        let encode = self.link.go(Waiting::json, |_, out, seq| {
            Ok(CallWriter::json_call(out, method, seq, &argument)?)
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
