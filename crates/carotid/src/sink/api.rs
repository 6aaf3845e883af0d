//! The JSON objects of the HTTP interface, for those who write it and those who read it.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use crate::driver::Watched;
use crate::hub::Record;

/// The header of an event stream that tells one run of the daemon from another: event numbers begin
/// anew with each.
pub const RUN_HEADER: &str = "carotid-run";

/// The header of an event stream with the number after which it begins.
pub const AFTER_HEADER: &str = "carotid-after";

/// A page of sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sessions {
    /// In no particular order.
    pub sessions: Vec<Session>,
    /// What to pass as `after` for the next page; `null` on the last.
    pub next: Option<String>,
}

/// One session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// What the peer calls itself.
    pub name: String,
    /// The name's part before the first `/`.
    pub service: String,
    /// `alive`, `suspect`, `dead` or `left`.
    pub health: Cow<'static, str>,
    /// Why: `silence`, `closed`, `reset`, `unreachable`, `goodbye`; `null` while alive.
    pub cause: Option<Cow<'static, str>>,
    /// Which life of this name, from 1.
    pub epoch: u32,
    /// Wall time since which the health holds.
    #[serde(serialize_with = "to_the_millisecond")]
    pub since: Timestamp,
    /// Milliseconds since the last beat.
    pub last_beat_ms: u64,
    /// Beats so far.
    pub beats: u64,
    /// Connections it has now.
    pub connections: u32,
    /// Where it was last heard from.
    pub peer: Option<SocketAddr>,
    /// The agreed time between two beats, in milliseconds.
    pub interval_ms: u64,
    /// The agreed silence that means death, in milliseconds.
    pub timeout_ms: u64,
}

/// One event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Its number, from 1 in each run of the daemon.
    pub seq: u64,
    /// Wall time of the conclusion.
    #[serde(serialize_with = "to_the_millisecond")]
    pub at: Timestamp,
    /// `opened`, `suspect`, `back`, `dead` or `left`.
    pub kind: Cow<'static, str>,
    /// The session's name.
    pub name: String,
    /// The name's part before the first `/`.
    pub service: String,
    /// Which life of this name, from 1.
    pub epoch: u32,
    /// Why, for `suspect`, `dead` and `left`.
    pub cause: Option<Cow<'static, str>>,
    /// How long the session had been silent, in milliseconds.
    pub silent_ms: u64,
    /// Where it was last heard from.
    pub peer: Option<SocketAddr>,
}

/// In an event stream, in place of events that are not kept any more.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Missed {
    /// How many.
    pub missed: u64,
}

/// Why a request was refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// In words.
    pub error: String,
}

impl From<Watched> for Session {
    fn from(watched: Watched) -> Self {
        let view = watched.view;
        Self {
            name: view.name.as_str().to_owned(),
            service: view.name.service().to_owned(),
            health: view.health.as_str().into(),
            cause: view.cause.map(|cause| cause.as_str().into()),
            epoch: view.epoch,
            since: watched.since,
            last_beat_ms: whole_ms(watched.silent),
            beats: view.beats,
            connections: view.connections,
            peer: watched.peer,
            interval_ms: whole_ms(view.terms.interval()),
            timeout_ms: whole_ms(view.terms.timeout()),
        }
    }
}

impl From<Record> for Event {
    fn from(record: Record) -> Self {
        let event = record.event;
        Self {
            seq: record.seq,
            at: record.at,
            kind: event.kind.as_str().into(),
            name: event.name.as_str().to_owned(),
            service: event.name.service().to_owned(),
            epoch: event.epoch,
            cause: event.kind.cause().map(|cause| cause.as_str().into()),
            silent_ms: whole_ms(event.silent),
            peer: record.peer,
        }
    }
}

/// Rounded down: a death at 60,000.9 ms was not 60,001 ms silent.
fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Always three digits, so that columns of times stand straight.
fn to_the_millisecond<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}
