//! The gob side of net/rpc: headers and strings by our own allocation-free reading and
//! writing, everything else through [`gobwire`].

pub(crate) mod definition;
pub(crate) mod header;
pub(crate) mod number;
pub(crate) mod reader;
pub(crate) mod types;
pub(crate) mod writer;

/// Ids of the types every gob stream knows.
pub(crate) use gobwire::ids;
