//! Go's [`net/rpc`](https://pkg.go.dev/net/rpc) for Rust.
//!
//! A stock Go program using `rpc.Dial`, `rpc.DialHTTP` or `jsonrpc.Dial` can call a Rust
//! service, and a Rust [`Client`] (gob) or [`JsonClient`] can call a Go one; neither side is
//! changed. JSON-RPC 2.0 is served beside Go's JSON on one port, message by message.
//!
//! * [`codec`] holds both ends of a connection as state machines: bytes in, bytes out, no
//!   socket, no clock. The three protocols are told apart by their first bytes.
//! * [`Server`] serves TCP and Unix sockets from poll loops of its own; [`Client`] takes any tokio
//!   stream.
//! * [`Router`] holds typed async methods; an [`Interceptor`] may answer calls before it does.
//!
//! ```
//! use carotid_netrpc::{Gob, Router, ServerError};
//! use serde::Deserialize;
//!
//! #[derive(Default, Deserialize, Gob)]
//! struct Args {
//!     #[gob(name = "A")]
//!     #[serde(rename = "A")]
//!     a: i64,
//!     #[gob(name = "B")]
//!     #[serde(rename = "B")]
//!     b: i64,
//! }
//!
//! let mut router = Router::new();
//! router.method("Arith.Multiply", async |args: Args| {
//!     args.a
//!         .checked_mul(args.b)
//!         .ok_or_else(|| ServerError::from("overflow"))
//! })?;
//! # Ok::<(), carotid_netrpc::RegisterError>(())
//! ```
//!
//! What `#[derive(Gob)]` writes names the crate `gobwire`, which must be among the dependencies
//! of whoever uses it. A method that takes any value of any type takes a [`Dynamic`].
//!
//! # Hostile peers
//!
//! A message is checked against [`Options::max_message`] before anything is kept of it; type
//! definitions, the parts of a value, nesting, calls in flight and unread replies are bounded;
//! a panic in a method is that call's error. The one thing to avoid are types that hold
//! [`gobwire::Interface`] or [`gobwire::Dynamic`] in what strangers send: `gobwire` expands the
//! peer's types recursively for them. Our own [`Dynamic`] takes any value, in no more memory
//! than its message.
//!
//! # What it does not do
//!
//! * No liveness: when to believe that a peer is dead is the `carotid` crate's affair.
//! * No TLS, no HTTP/2. No `/debug/rpc` page, but what belongs on it ([`Router::usage`]). No JSON-RPC
//!   2.0 at the client.
//! * When a connection breaks, its running calls are cancelled (Go lets them finish, and cannot
//!   write their replies); when the peer only closes its own side, they are answered as in Go.
//! * Method names that are not UTF-8 are read with replacement characters; strings that are not
//!   UTF-8 (Go allows both) are refused where a `String` is wanted: [`Dynamic`] has them as they
//!   are.
//! * Gob values are nested at most 512 levels in Rust types and 10,000 in a [`Dynamic`], and a
//!   connection has at most 8,192 types (Go has no such rules).
//! * A gob message cannot be empty, an id of a JSON request has at most 1 KiB, and JSON nests at
//!   most 128 levels (Go has no such rules, and its encoders keep them).
//! * JSON is read by Go's rules where the Rust type says what it wants (`null` is a zero value, the
//!   case of a field's name does not matter, base64 is bytes, a list is no struct), but a field
//!   that comes twice is refused (in Go the last counts). What is flattened or untagged is read by
//!   serde's rules. Bytes are written as numbers, which Go takes, and an answer that is not a
//!   finite number as `null` (Go refuses it).
//! * A batch of JSON-RPC 2.0 has at most 1000 requests, at most 16 of a connection wait for their
//!   calls, and their answers have together at most [`Options::max_message`] bytes; what is beyond
//!   gets an error.

mod answer;
mod argument;
mod client;
pub mod codec;
mod connection;
mod detect;
mod error;
mod frame;
mod gob;
mod http;
mod json;
mod listener;
mod options;
mod peer;
mod protocol;
mod router;
mod server;
mod socket;
pub mod tcp;

pub use answer::{Answer, Reply};
pub use argument::{Argument, Parameter};
pub use client::{CallError, Client, EncodeError, JsonClient, Lost, Pending};
pub use connection::{End, Interceptor};
pub use error::{ArgumentError, RegisterError, ServerError, WireError};
pub use gob::convert::{FromGob, ToGob};
pub use gob::dynamic::Dynamic;
pub use gob::dynamic::error::ValueError;
pub use gob::dynamic::value::{Concrete, Value};
pub use gob::misfit::Misfit;
pub use gob::shape::{Definition, Field, Marshaler, Shape, TypeId};
pub use gob::table::TypeSet;
pub use gobwire::{self, Gob};
pub use http::RPC_PATH;
pub use listener::{ListenAddr, Listener};
pub use options::Options;
pub use peer::PeerAddr;
pub use protocol::Protocol;
pub use router::{Router, Usage};
pub use server::{Everything, Host, Server};
