//! What rules tell people of, and how they fare with it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Event, to_the_millisecond};

/// What a rule has to tell: the `data` of a webhook's CloudEvent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// The same for each attempt to deliver it, and for no other notice: made of the journal's id, the
    /// number of its last event, the rule, the trouble, a digest of what it is about, and the status.
    pub id: String,
    /// The rule that says it.
    pub rule: String,
    /// `firing`, again whenever there is more to tell; `resolved`; `notice` for what has no end, such as
    /// a restart; `test`.
    pub status: Cow<'static, str>,
    /// The trouble, in the word that the rule has for it: `dead`, `service_fail` and so on.
    pub trouble: Cow<'static, str>,
    /// What is in trouble: a service or the name of a session; `mass_silence/1`, `carotid`.
    pub subject: String,
    /// The service, where it is one's.
    pub service: Option<String>,
    /// The session, where it is one's.
    pub session: Option<String>,
    /// Why, as it was of the first event.
    pub cause: Option<Cow<'static, str>>,
    /// One sentence for people.
    pub summary: String,
    /// Why it is resolved: `recovered`, or `expired` if nothing more was heard.
    pub reason: Option<Cow<'static, str>>,
    /// Wall time of its first event.
    #[serde(serialize_with = "to_the_millisecond")]
    pub since: Timestamp,
    /// Wall time of this notice.
    #[serde(serialize_with = "to_the_millisecond")]
    pub at: Timestamp,
    /// How many sessions are in this trouble now.
    pub count: u64,
    /// The first of them, at most 100.
    pub sessions: Vec<String>,
    /// The rule's own labels.
    pub labels: BTreeMap<String, String>,
    /// The events that were not told of yet, in order; the first 100 of them.
    pub events: Vec<Event>,
    /// How many there were besides.
    #[serde(default)]
    pub more_events: u64,
}

/// All rules, and how they fare.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Alerts {
    /// In the order of their names.
    pub rules: Vec<RuleState>,
}

/// How a rule fares.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuleState {
    /// Its name.
    pub rule: String,
    /// `webhook` or `alertmanager`.
    pub kind: Cow<'static, str>,
    /// Where its notices go: scheme and host, as the rest of an address may be a secret.
    pub destination: String,
    /// What it tells of.
    pub on: Vec<Cow<'static, str>>,
    /// What is firing, the oldest first; at most 100.
    pub firing: Vec<Firing>,
    /// How many are firing.
    pub firing_count: u64,
    /// The number of the last event that it looked at.
    pub cursor: u64,
    /// How many notices are to be delivered.
    pub pending: u64,
    /// How many were delivered since the daemon started.
    pub delivered: u64,
    /// How many were given up, those of earlier runs included.
    pub dead_letters: u64,
    /// Wall time of the last delivery.
    pub last_delivered_at: Option<Timestamp>,
    /// Why the last attempt failed; nothing if it did not.
    pub last_error: Option<String>,
    /// Wall time of that.
    pub last_error_at: Option<Timestamp>,
    /// The receiver said that it is gone for good, so nothing is sent until the next start.
    pub gone: bool,
}

/// A trouble that is not over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Firing {
    /// The word for it.
    pub trouble: Cow<'static, str>,
    /// What is in it.
    pub subject: String,
    /// Wall time of its first event.
    #[serde(serialize_with = "to_the_millisecond")]
    pub since: Timestamp,
    /// How many sessions are in it.
    pub count: u64,
}
