//! The JSON side of net/rpc, as Go's `net/rpc/jsonrpc` speaks it (JSON-RPC 1.0): one object
//! after the other, with or without white space between them.

pub(crate) mod params;
pub(crate) mod reader;
pub(crate) mod scan;
pub(crate) mod writer;
