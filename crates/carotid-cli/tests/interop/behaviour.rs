//! What Go documents of `net/rpc`, point by point: `docs/net-rpc.md` is the table, these are its
//! tests. Where both behave alike, one Go program plays the same scenario against Go's server and
//! against ours, and sees the same.

mod ground;
mod service;

mod calls;
mod client;
mod debug;
mod ending;
mod json;
mod json_client;
mod place;
mod registration;
mod shapes;
mod writes;
