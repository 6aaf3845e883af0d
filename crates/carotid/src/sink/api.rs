//! The JSON objects of the HTTP interface, for those who write it and those who read it.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use crate::driver::{self, Driver, Watched};
use crate::hub::{Happening, Record};

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
    /// `opened`, `suspect`, `back`, `dead` or `left`; or `stalled`, when the daemon itself did not
    /// run, which has no session.
    pub kind: Cow<'static, str>,
    /// The session's name.
    pub name: Option<String>,
    /// The name's part before the first `/`.
    pub service: Option<String>,
    /// Which life of this name, from 1.
    pub epoch: Option<u32>,
    /// Why, for `suspect`, `dead` and `left`.
    pub cause: Option<Cow<'static, str>>,
    /// How long the session had been silent, in milliseconds of the daemon's attention.
    pub silent_ms: Option<u64>,
    /// Where it was last heard from.
    pub peer: Option<SocketAddr>,
    /// For `stalled`: how long the daemon did not run, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalled_ms: Option<u64>,
}

/// What the belief in a session stands on: for one that is alive as of now, for any other as of the
/// moment when it was concluded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// The session.
    pub session: Session,
    /// Wall time of its last beat.
    #[serde(serialize_with = "to_the_millisecond")]
    pub last_beat: Timestamp,
    /// How long it was silent then, in milliseconds.
    pub silent_ms: u64,
    /// The gaps between its last beats, at most eight, oldest first, in milliseconds.
    pub gaps_ms: Vec<f64>,
    /// The silence after which it was to be suspected, in milliseconds.
    pub suspect_after_ms: u64,
    /// How late its beats are, as the detector sees it, in milliseconds.
    pub spread_ms: f64,
    /// How long the daemon did not run between the last beat and then, in milliseconds; not part of
    /// the silence.
    pub stalled_ms: u64,
}

/// When the daemon itself did not run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stalls {
    /// The latest, oldest first.
    pub stalls: Vec<Stall>,
    /// How many there were, those not listed any more included.
    pub count: u64,
    /// How long they all were, in milliseconds.
    pub total_ms: u64,
}

/// A span in which the daemon did not run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stall {
    /// Counts stalls from 1.
    pub number: u64,
    /// Wall time at which it began.
    #[serde(serialize_with = "to_the_millisecond")]
    pub at: Timestamp,
    /// How long it was, in milliseconds.
    pub stalled_ms: u64,
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

impl From<driver::Verdict> for Verdict {
    fn from(verdict: driver::Verdict) -> Self {
        let view = &verdict.watched.view;
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        Self {
            last_beat: verdict.last_beat,
            silent_ms: whole_ms(verdict.silent),
            gaps_ms: verdict.gaps.iter().copied().map(ms).collect(),
            suspect_after_ms: whole_ms(view.patience),
            spread_ms: ms(view.spread),
            stalled_ms: whole_ms(verdict.stalled),
            session: Session::from(verdict.watched),
        }
    }
}

impl From<Record> for Event {
    fn from(record: Record) -> Self {
        let empty = Self {
            seq: record.seq,
            at: record.at,
            kind: record.what.as_str().into(),
            name: None,
            service: None,
            epoch: None,
            cause: None,
            silent_ms: None,
            peer: None,
            stalled_ms: None,
        };
        match record.what {
            Happening::Session { event, peer } => Self {
                name: Some(event.name.as_str().to_owned()),
                service: Some(event.name.service().to_owned()),
                epoch: Some(event.epoch),
                cause: event.kind.cause().map(|cause| cause.as_str().into()),
                silent_ms: Some(whole_ms(event.silent)),
                peer,
                ..empty
            },
            Happening::Stalled(stall) => Self {
                stalled_ms: Some(whole_ms(stall.length)),
                ..empty
            },
        }
    }
}

impl Stalls {
    /// The ledger of a driver.
    #[must_use]
    pub fn of(driver: &Driver) -> Self {
        let attendance = driver.attendance();
        let stalls = attendance.stalls().map(|stall| Stall {
            number: stall.number,
            at: driver.wall(stall.at),
            stalled_ms: whole_ms(stall.length),
        });
        Self {
            stalls: stalls.collect(),
            count: attendance.count(),
            total_ms: whole_ms(attendance.stalled()),
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
