//! The liveness layer for RPC.
//!
//! A [`Server`] speaks Go's `net/rpc` and watches every peer that calls it; a [`Client`] keeps one
//! session alive on such a server and reconnects when it must. What is concluded of the sessions
//! comes out of the [`Hub`] in order: opened, suspect, back, dead, left, each with its cause.
//!
//! Deciding is the work of `carotid-core`, the wire that of `carotid-netrpc`; this crate joins them
//! with sockets, tasks and the only clock. It does not read configuration files and prints nothing.

mod address;
pub mod check;
mod client;
mod clock;
mod connection;
mod dial;
mod driver;
mod hub;
mod readers;
mod server;
mod sink;
mod source;
mod span;
mod vitality;

pub use carotid_core as core;
pub use carotid_netrpc as netrpc;

pub use address::{Address, AddressError, HostPort};
pub use client::{
    Caller, Client, ClientCallError, ClientConfig, ClientCounters, ClientState, LinkError,
    Progress, RoundTrip, StartError, States,
};
pub use driver::{
    Cursor, Death, Driver, Page, Place, RestoreError, ServiceConfig, ServiceConfigs, ServiceStatus,
    SessionKey, SortKey, Sorting, Verdict, Watched,
};
pub use hub::{Batch, Conclusion, Happening, Hub, Record, Restart, Subscription};
pub use server::{Server, ServerConfig, ServerError};
pub use sink::journal::{
    Archive, JournalConfig, JournalStatus, OpenJournalError, Reach, ReadError, Subject,
};
pub use sink::{alert, api};
pub use span::{Span, SpanError};
pub use vitality::{Loop, Progress as LoopProgress, Vitality};
