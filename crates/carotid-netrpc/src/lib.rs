//! Go's [`net/rpc`](https://pkg.go.dev/net/rpc) for Rust.
//!
//! A stock Go program using `rpc.Dial`, `rpc.DialHTTP` or `jsonrpc.Dial` can call a Rust
//! service, and a Rust [`Client`] can call a Go one; neither side is changed.
//!
//! * [`codec`] holds both ends of a connection as state machines: bytes in, bytes out, no
//!   socket, no clock. The three protocols are told apart by their first bytes.
//! * [`serve_connection`] and [`Client`] put them on any tokio stream; [`Server`] accepts TCP.
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
//! # Hostile peers
//!
//! A message is checked against [`Options::max_message`] before anything is kept of it; type
//! definitions, the parts of a value, nesting, calls in flight and unread replies are bounded;
//! a panic in a method is that call's error. The one thing to avoid are types that hold
//! [`gobwire::Interface`] or [`gobwire::Dynamic`] in what strangers send: `gobwire` expands the
//! peer's types recursively for them.
//!
//! # What it does not do
//!
//! * No liveness: when to believe that a peer is dead is the `carotid` crate's affair.
//! * No TLS, no HTTP/2, no `/debug/rpc` page, no JSON client.
//! * No half-closed connections: when the peer closes its side, its running calls are
//!   cancelled (Go lets them finish).
//! * Method names that are not UTF-8 are read with replacement characters; string arguments
//!   that are not UTF-8 are refused (Go allows both).
//! * A gob message cannot be empty and an id of a JSON request has at most 1 KiB (Go has no
//!   such rules, and its encoders keep them).

mod accept;
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
mod options;
mod outbox;
mod router;
mod scratch;
mod server;

pub use accept::accept;
pub use answer::{Answer, Reply};
pub use argument::{Argument, Parameter};
pub use client::{CallError, Client, Lost};
pub use connection::{End, Interceptor, serve_connection};
pub use error::{ArgumentError, RegisterError, ServerError, WireError};
pub use gobwire::{self, Gob};
pub use http::RPC_PATH;
pub use options::Options;
pub use router::Router;
pub use server::Server;
