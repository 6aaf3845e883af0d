//! What can go wrong, one type per operation.
//!
//! No variant of [`WireError`] carries text chosen by the peer, so that it may go into a log
//! line as it is.

use std::borrow::Cow;
use std::fmt;

use crate::gob::dynamic::error::ValueError;
use crate::gob::misfit::{self, Misfit};

/// An error that a method answers: its text travels to the caller.
///
/// In gob and in Go's JSON the text is all that travels. JSON-RPC 2.0 has a code as well:
/// -32000 for what a method says (made with `From`), and those of its specification for what the
/// server says (made with the constructors here).
#[derive(Clone, Debug)]
pub struct ServerError {
    text: Cow<'static, str>,
    fault: Fault,
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The method's own error.
    Method,
    /// There is no such method.
    NoMethod,
    /// The argument does not fit.
    Argument,
    /// The method panicked.
    Panic,
}

impl ServerError {
    fn new(fault: Fault, text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        Self { text, fault }
    }

    /// The text Go's server sends for a method name without a dot.
    pub fn ill_formed(name: &str) -> Self {
        let text = format!("rpc: service/method request ill-formed: {name}");
        Self::new(Fault::NoMethod, text)
    }

    /// The text Go's server sends when no such service is registered; `name` is the whole
    /// `Service.Method`.
    pub fn no_service(name: &str) -> Self {
        Self::new(Fault::NoMethod, format!("rpc: can't find service {name}"))
    }

    /// The text Go's server sends when the service has no such method; `name` is the whole
    /// `Service.Method`.
    pub fn no_method(name: &str) -> Self {
        Self::new(Fault::NoMethod, format!("rpc: can't find method {name}"))
    }

    /// What is answered when a method panics; `name` is the whole `Service.Method`. (In Go the
    /// program ends.)
    pub fn panicked(name: &str) -> Self {
        Self::new(Fault::Panic, format!("rpc: method {name} panicked"))
    }

    /// The text itself.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn fault(&self) -> Fault {
        self.fault
    }
}

/// Errors are equal if their texts are: on most wires nothing else can be seen of them.
impl PartialEq for ServerError {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ServerError {}

impl From<String> for ServerError {
    fn from(text: String) -> Self {
        Self::new(Fault::Method, text)
    }
}

impl From<&str> for ServerError {
    fn from(text: &str) -> Self {
        Self::new(Fault::Method, text.to_owned())
    }
}

impl From<ArgumentError> for ServerError {
    fn from(error: ArgumentError) -> Self {
        Self::new(Fault::Argument, error.to_string())
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ServerError {}

/// Why an argument (or, at the client, a reply) is not what it was read as. The connection
/// lives on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// The gob value does not fit the type; the text is Go's.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The gob value cannot be read for another reason, for example one of the type's own
    /// `Decode`.
    #[error("{}", misfit::without_modules(.0))]
    Gob(#[from] gobwire::Error),
    /// The gob value is none of its own type.
    #[error("gob: bad data: {0}")]
    Value(#[from] ValueError),
    /// The JSON value does not fit the type.
    #[error("json: {0}")]
    Json(#[from] serde_json::Error),
    /// A JSON request without `params`; the text is Go's.
    #[error("jsonrpc: request body missing params")]
    MissingParams,
    /// The `params` of a request in Go's JSON are not an array; the text is Go's.
    #[error("json: cannot unmarshal {kind} into Go value of type [1]interface {{}}")]
    NotAnArray {
        /// What they are: "object", "string", "number" or "bool".
        kind: &'static str,
    },
    /// A string that is not UTF-8.
    #[error("gob: string is not valid UTF-8")]
    NotUtf8,
}

/// Why the bytes of a peer end its connection. The peer is to blame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A message announced, or grew to, more than the limit.
    #[error("message of {size} bytes is over the limit of {limit}")]
    TooLong {
        /// What was announced; for JSON, one more than the limit.
        size: u64,
        /// The limit in bytes.
        limit: usize,
    },
    /// A gob number that no encoder writes.
    #[error("gob stream has an impossible number")]
    BadNumber,
    /// A gob message without content.
    #[error("gob stream has an empty message")]
    EmptyMessage,
    /// A gob message ended inside a value.
    #[error("gob message ends inside a value")]
    Truncated,
    /// More type definitions than a connection may send.
    #[error("peer defines too many gob types")]
    TooManyTypes,
    /// A type definition that cannot be read.
    #[error("bad gob type definition: {0}")]
    BadDefinition(#[source] ValueError),
    /// The header's type is not one of net/rpc.
    #[error("gob value is not a net/rpc header")]
    NotAHeader,
    /// The header names fields its type does not have.
    #[error("gob header has a field that its type does not define")]
    HeaderField,
    /// The peer switched header types more often than is plausible.
    #[error("peer keeps changing the type of its gob headers")]
    HeaderTypes,
    /// What cannot become JSON, or is no message of net/rpc.
    #[error("bad JSON message")]
    BadJson,
    /// A JSON id of more than 1 KiB.
    #[error("JSON request has an id of more than {limit} bytes")]
    LongId {
        /// The limit in bytes.
        limit: usize,
    },
    /// HTTP on the RPC port, but not `CONNECT`.
    #[error("peer speaks plain HTTP; this is the RPC port")]
    NotConnect,
    /// `CONNECT` to a path that is not Go's RPC path.
    #[error("peer asks CONNECT for a path that is not the RPC path")]
    WrongPath,
    /// An HTTP head that is malformed or longer than 8 KiB.
    #[error("bad HTTP request")]
    BadHttp,
    /// The preface of HTTP/2, with which gRPC begins.
    #[error("peer speaks HTTP/2 (gRPC), which this port does not")]
    Http2,
    /// A TLS handshake.
    #[error("peer speaks TLS, which this port does not")]
    Tls,
    /// None of the protocols this port speaks.
    #[error("peer speaks none of gob, JSON and HTTP CONNECT")]
    UnknownProtocol,
}

impl WireError {
    /// What is worth telling the peer, in its own protocol, before the connection ends.
    pub fn refusal(&self) -> &'static [u8] {
        crate::http::refusal(self)
    }
}

/// Why a method was not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The name has no dot, or nothing on one side of it.
    #[error("method name {name:?} is not of the form Service.Method")]
    IllFormed {
        /// The name as given.
        name: String,
    },
    /// The name is taken.
    #[error("method {name:?} is already registered")]
    Taken {
        /// The name as given.
        name: String,
    },
}
