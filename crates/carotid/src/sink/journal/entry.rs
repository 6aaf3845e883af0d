//! An event as the journal takes it.

use std::fmt::Write as _;

use carotid_core::{EventKind, Health, Terms};
use serde::{Deserialize, Serialize};

use crate::hub::{Conclusion, Happening, Record};
use crate::sink::api;

/// An event that is to be written. Times are in milliseconds of wall time.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) seq: i64,
    pub(super) at: i64,
    pub(super) kind: &'static str,
    pub(super) what: What<'a>,
}

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "almost all are turns, and there are thousands for a moment"
)]
pub(super) enum What<'a> {
    /// Something was concluded of a session.
    Turn(Turn<'a>),
    /// We did not run for so many milliseconds.
    Stall {
        ms: i64,
        detail: String,
    },
    Other {
        detail: String,
    },
}

/// What was concluded of a session.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) session: i64,
    pub(super) name: &'a str,
    /// What stands before the first slash of its name; `None` if it has none.
    pub(super) service: Option<&'a str>,
    pub(super) epoch: u32,
    pub(super) kind: EventKind,
    pub(super) silent_ms: i64,
    /// How long we did not run since its last beat.
    pub(super) stalled_ms: i64,
    pub(super) peer: Option<String>,
    pub(super) terms: Terms,
    /// How it was before.
    pub(super) was_suspect: bool,
    pub(super) was_wedged: bool,
    pub(super) evidence: Option<api::Evidence>,
}

/// What only few events have, as JSON in the column `detail`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stuck_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stalled_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suspended_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) incident: Option<api::Incident>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<api::Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) down_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sessions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) skipped: Option<u64>,
}

impl<'a> Entry<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        let what = match &record.what {
            Happening::Session(conclusion) => What::Turn(Turn::of(conclusion)),
            Happening::Stalled(stall) => What::Stall {
                ms: whole(stall.length.as_millis()),
                detail: detail(record),
            },
            Happening::MassSilence(_)
            | Happening::MassSilenceOver(_)
            | Happening::Restarted(_)
            | Happening::Skipped(_) => What::Other {
                detail: detail(record),
            },
        };
        Self {
            seq: whole(record.seq.into()),
            at: record.at.as_millisecond(),
            kind: record.what.as_str(),
            what,
        }
    }
}

impl<'a> Turn<'a> {
    fn of(conclusion: &'a Conclusion) -> Self {
        let event = &conclusion.event;
        let before = event.evidence.as_deref();
        let name = event.name.as_str();
        Self {
            session: whole(conclusion.session.into()),
            name,
            service: name.split_once('/').map(|(service, _)| service),
            epoch: event.epoch,
            kind: event.kind,
            silent_ms: whole(event.silent.as_millis()),
            stalled_ms: whole(conclusion.stalled.as_millis()),
            peer: conclusion.peer.map(|peer| {
                let mut text = String::with_capacity(24);
                // Writing into a text cannot fail.
                let _written = write!(text, "{peer}");
                text
            }),
            terms: conclusion.terms,
            was_suspect: before.is_some_and(|before| before.health == Health::Suspect),
            was_wedged: before.is_some_and(|before| before.wedged),
            evidence: api::Evidence::of(conclusion),
        }
    }

    /// What only few events of a session have.
    pub(super) fn detail(&self) -> Option<String> {
        let stuck = self.kind.stuck()?;
        let detail = Detail {
            stuck_ms: u64::try_from(stuck.as_millis()).ok(),
            ..Detail::default()
        };
        Some(json(&detail))
    }
}

fn detail(record: &Record) -> String {
    let event = api::Event::from(record.clone());
    json(&Detail {
        stuck_ms: event.stuck_ms,
        stalled_ms: event.stalled_ms,
        suspended_ms: event.suspended_ms,
        incident: event.incident,
        outcome: event.outcome,
        down_ms: event.down_ms,
        sessions: event.sessions,
        skipped: event.skipped,
    })
}

fn json(object: &impl Serialize) -> String {
    serde_json::to_string(object).expect("these objects have neither maps nor fallible fields")
}

/// Numbers of SQLite have a sign.
pub(super) fn whole(number: u128) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
