//! Both ends of a connection as state machines: bytes in, calls or replies out, bytes out.
//!
//! Nothing here reads a socket or waits. `poll` is given a chunk of input and called until it
//! returns `None`; what it yields is borrowed from the chunk wherever that holds it whole. Who
//! stops earlier must go on with what is left of the input, before any that comes later.

mod client;
mod server;

pub use client::{CallWriter, ReplyMessage, ReplyReader};
pub use server::{Call, CallId, Incoming, ServerCodec};
