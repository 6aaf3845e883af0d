//! Sessions, and why we believe what we believe of them.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ms, to_the_millisecond, whole_ms};
use crate::driver::{self, Watched};

/// A page of sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sessions {
    /// In the order that was asked for, or in none.
    pub sessions: Vec<Session>,
    /// What to pass as `after` for the next page; `null` on the last.
    pub next: Option<String>,
    /// How many there are on all pages; only where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
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
    /// Why: `silence`, `closed`, `reset`, `unreachable`, `goodbye`, `failed`; `null` while alive.
    pub cause: Option<Cow<'static, str>>,
    /// Which life of this name, from 1.
    pub epoch: u32,
    /// Wall time since which the health holds.
    #[serde(serialize_with = "to_the_millisecond")]
    pub since: Timestamp,
    /// Milliseconds since the last beat.
    pub last_beat_ms: u64,
    /// Beats so far; no more than 2³² − 1 are counted.
    pub beats: u32,
    /// Connections it has now.
    pub connections: u32,
    /// Where it was last heard from.
    pub peer: Option<String>,
    /// The agreed time between two beats, in milliseconds.
    pub interval_ms: u64,
    /// The agreed silence that means death, in milliseconds.
    pub timeout_ms: u64,
    /// For how long it may stop now and then, by its own account, in milliseconds.
    pub longest_stall_ms: u64,
    /// Whether it beats and its main loop makes no progress.
    pub wedged: bool,
    /// What the breaker makes of its silence: `clear`, `at-risk`, or `held` when its timeout has
    /// passed and its death is held back.
    pub standing: Cow<'static, str>,
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
    /// How many of those beyond its interval a beat may come; `null` under the fixed rule.
    pub quantile: Option<f32>,
    /// The round trip to it, as the peer itself measured it last, in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// How unwell the daemon's host is: 0 is well, 8 the most.
    pub own_health_score: u32,
    /// How long the daemon did not run between the last beat and then, in milliseconds; not part of
    /// the silence.
    pub stalled_ms: u64,
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
            peer: watched.peer.map(|peer| peer.to_string()),
            interval_ms: whole_ms(view.terms.interval()),
            timeout_ms: whole_ms(view.terms.timeout()),
            longest_stall_ms: whole_ms(view.terms.longest_stall()),
            wedged: view.wedged,
            standing: view.standing.as_str().into(),
        }
    }
}

impl From<driver::Verdict> for Verdict {
    fn from(verdict: driver::Verdict) -> Self {
        let view = &verdict.watched.view;
        Self {
            last_beat: verdict.last_beat,
            silent_ms: whole_ms(verdict.silent),
            gaps_ms: verdict.gaps.iter().copied().map(ms).collect(),
            suspect_after_ms: whole_ms(view.patience),
            spread_ms: ms(view.spread),
            quantile: view.quantile,
            round_trip_ms: verdict.watched.round_trip.map(ms),
            own_health_score: verdict.own_health_score,
            stalled_ms: whole_ms(verdict.stalled),
            session: Session::from(verdict.watched),
        }
    }
}
