//! The gob side of net/rpc: headers and strings by our own allocation-free reading and
//! writing, Rust types through [`gobwire`], values of types that only the peer knows by our own
//! code again.

pub(crate) mod convert;
pub(crate) mod definition;
pub(crate) mod dynamic;
pub(crate) mod header;
pub(crate) mod misfit;
pub(crate) mod number;
pub(crate) mod reader;
pub(crate) mod sent;
pub(crate) mod shape;
pub(crate) mod table;
pub(crate) mod types;
pub(crate) mod walk;
pub(crate) mod writer;

/// Ids of the types every gob stream knows.
pub(crate) use gobwire::ids;
