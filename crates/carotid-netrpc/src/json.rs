//! The JSON side of net/rpc: the dialect of Go's `net/rpc/jsonrpc` (JSON-RPC 1.0) and
//! [JSON-RPC 2.0](https://www.jsonrpc.org/specification), told apart message by message; one
//! value after the other, with or without white space between them.

pub(crate) mod batch;
pub(crate) mod id;
pub(crate) mod object;
pub(crate) mod params;
pub(crate) mod reader;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod scan;
pub(crate) mod typed;
pub(crate) mod value;
pub(crate) mod writer;
