//! What happened, and the evidence for it.

use std::borrow::Cow;

use carotid_core as core;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ms, to_the_millisecond, whole_ms};
use crate::hub::{Conclusion, Happening, Record};

/// One event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Its number, from 1; with a journal they go on after a restart.
    pub seq: u64,
    /// Wall time of the conclusion.
    #[serde(serialize_with = "to_the_millisecond")]
    pub at: Timestamp,
    /// `opened`, `suspect`, `back`, `dead`, `left`, `wedged`, `unwedged` or `revised` (other terms); or,
    /// without a session, `stalled`, when the daemon itself did not run, `restarted`, `mass_silence`,
    /// `mass_silence_over` and `skipped`.
    pub kind: Cow<'static, str>,
    /// The session's name.
    pub name: Option<String>,
    /// The name's part before the first `/`.
    pub service: Option<String>,
    /// Which life of this name, from 1.
    pub epoch: Option<u32>,
    /// The number of the session's `opened` event: it names the session for ever.
    pub session: Option<u64>,
    /// Why, for `suspect`, `dead` and `left`.
    pub cause: Option<Cow<'static, str>>,
    /// How long the session had been silent, in milliseconds of the daemon's attention.
    pub silent_ms: Option<u64>,
    /// Where it was last heard from.
    pub peer: Option<String>,
    /// What the conclusion stands on; nothing for `opened`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// For `wedged`: how long its main loop had made no progress, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck_ms: Option<u64>,
    /// For `stalled`: how long the daemon did not run, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalled_ms: Option<u64>,
    /// For `stalled`: how much of that the machine was suspended for, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_ms: Option<u64>,
    /// For `mass_silence`: how much of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Incident>,
    /// For `mass_silence_over`: what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// For `restarted`: for how long nobody watched, in milliseconds, to within a few seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub down_ms: Option<u64>,
    /// For `restarted`: how many sessions came back, suspect for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<u32>,
    /// For `skipped`: how many suspicions and the like were not kept while the journal could not be
    /// written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<u64>,
}

/// What was known of a session when something was concluded of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// The gaps between its last beats, at most eight, oldest first, in milliseconds.
    pub gaps_ms: Vec<f64>,
    /// How late its beats are, as the detector sees it, in milliseconds.
    pub spread_ms: f64,
    /// How many of those beyond its interval a beat may come; `null` under the fixed rule.
    pub quantile: Option<f32>,
    /// The silence after which it was to be suspected, in milliseconds.
    pub suspect_after_ms: u64,
    /// The silence after which it was to be dead, in milliseconds.
    pub dead_after_ms: u64,
    /// How many connections it had.
    pub connections: u32,
    /// How its last connection was: `open`, `closed`, `reset` or `unreachable`; `gone` if we ended it
    /// ourselves.
    pub connection: Cow<'static, str>,
    /// The round trip to it, as the peer itself measured it last, in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// How long the daemon did not run since its last beat, in milliseconds; not part of the silence.
    pub stalled_ms: u64,
    /// What the breaker made of its silence: `clear`, `at-risk` or `held`.
    pub standing: Cow<'static, str>,
    /// Whether it beat and its main loop made no progress.
    pub wedged: bool,
    /// How unwell the daemon's host was: 0 is well, 8 the most.
    pub own_health_score: u32,
}

/// What became of a mass silence.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Which incident it was.
    pub number: u64,
    /// How many of its sessions died.
    pub died: u32,
    /// How many beat again or said goodbye.
    pub returned: u32,
}

/// Many sessions fell silent together, and their deaths are held back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Incident {
    /// Counts incidents from 1 in each run of the daemon.
    pub number: u64,
    /// How many sessions are within one interval of their death.
    pub at_risk: u32,
    /// Of how many.
    pub sessions: u32,
    /// Whether the deaths of all sessions are held, not only those of these services.
    pub all: bool,
    /// The services that fell silent, at most 100 of them.
    pub services: Vec<String>,
    /// For how long the first of its deaths is held, in milliseconds; longer if sessions come back and
    /// the settings allow it. Each session is held for an interval of its own.
    pub held_ms: u64,
}

impl Event {
    fn new(seq: u64, at: Timestamp, kind: &'static str) -> Self {
        Self {
            seq,
            at,
            kind: kind.into(),
            name: None,
            service: None,
            epoch: None,
            session: None,
            cause: None,
            silent_ms: None,
            peer: None,
            evidence: None,
            stuck_ms: None,
            stalled_ms: None,
            suspended_ms: None,
            incident: None,
            outcome: None,
            down_ms: None,
            sessions: None,
            skipped: None,
        }
    }
}

impl From<Record> for Event {
    fn from(record: Record) -> Self {
        let empty = Self::new(record.seq, record.at, record.what.as_str());
        match record.what {
            Happening::Session(conclusion) => {
                let event = &conclusion.event;
                Self {
                    name: Some(event.name.as_str().to_owned()),
                    service: Some(event.name.service().to_owned()),
                    epoch: Some(event.epoch),
                    session: Some(conclusion.session),
                    cause: event.kind.cause().map(|cause| cause.as_str().into()),
                    silent_ms: Some(whole_ms(event.silent)),
                    peer: conclusion.peer.map(|peer| peer.to_string()),
                    stuck_ms: event.kind.stuck().map(whole_ms),
                    evidence: Evidence::of(&conclusion),
                    ..empty
                }
            }
            Happening::Stalled(stall) => Self {
                stalled_ms: Some(whole_ms(stall.length)),
                suspended_ms: Some(whole_ms(stall.suspended)),
                ..empty
            },
            Happening::MassSilence(incident) => Self {
                incident: Some(incident.into()),
                ..empty
            },
            Happening::Restarted(restart) => Self {
                down_ms: Some(whole_ms(restart.down)),
                sessions: Some(restart.sessions),
                ..empty
            },
            Happening::Skipped(skipped) => Self {
                skipped: Some(skipped),
                ..empty
            },
            Happening::MassSilenceOver(end) => Self {
                outcome: Some(Outcome {
                    number: end.number,
                    died: end.died,
                    returned: end.returned,
                }),
                ..empty
            },
        }
    }
}

impl Evidence {
    pub(crate) fn of(conclusion: &Conclusion) -> Option<Self> {
        let known = conclusion.event.evidence.as_deref()?;
        let connection = match known.lost {
            _ if known.connections > 0 => "open",
            Some(cause) => cause.as_str(),
            None => "gone",
        };
        Some(Self {
            gaps_ms: known.gaps().map(ms).collect(),
            spread_ms: ms(known.spread),
            quantile: known.quantile,
            suspect_after_ms: whole_ms(known.suspect_after),
            dead_after_ms: whole_ms(known.dead_after),
            connections: known.connections,
            connection: connection.into(),
            round_trip_ms: conclusion.round_trip.map(ms),
            stalled_ms: whole_ms(conclusion.stalled),
            standing: known.standing.as_str().into(),
            wedged: known.wedged,
            own_health_score: known.own_health_score,
        })
    }
}

impl From<core::Incident> for Incident {
    fn from(incident: core::Incident) -> Self {
        Self {
            number: incident.number,
            at_risk: incident.at_risk,
            sessions: incident.sessions,
            all: incident.all,
            services: incident.services.into_iter().map(Into::into).collect(),
            held_ms: whole_ms(incident.held_until.since(incident.at)),
        }
    }
}
