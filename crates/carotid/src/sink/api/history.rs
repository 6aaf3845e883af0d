//! What the journal knows of a name or a service.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Event, to_the_millisecond};

/// The history of a name or a service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct History {
    /// From when on.
    #[serde(serialize_with = "to_the_millisecond")]
    pub since: Timestamp,
    /// Until when.
    #[serde(serialize_with = "to_the_millisecond")]
    pub until: Timestamp,
    /// How much of that time it was up.
    pub availability: Availability,
    /// How many deaths there were in that time, whether or not they are among [`Self::events`].
    #[serde(default)]
    pub deaths: u64,
    /// The same by the hour; only for a service. Hours in which nobody was watched are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Vec<Hour>>,
    /// What happened, newest first.
    pub events: Vec<Event>,
}

/// A span of time, divided.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Availability {
    /// The share of the known time in which it was up, from 0 to 1; `null` if none is known.
    pub ratio: Option<f64>,
    /// It was up, in milliseconds.
    pub up_ms: u64,
    /// It was down, in milliseconds.
    pub down_ms: u64,
    /// Nobody knows, in milliseconds: the monitor itself did not run, or had not heard of it yet.
    pub unknown_ms: u64,
    /// Nobody was there to be watched, in milliseconds.
    pub unwatched_ms: u64,
}

/// An hour of a service, or as much of it as was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hour {
    /// When it began.
    #[serde(serialize_with = "to_the_millisecond")]
    pub at: Timestamp,
    /// It was up, in milliseconds, with or without warning.
    pub up_ms: u64,
    /// The part of that in which not all of its sessions were well.
    pub warn_ms: u64,
    /// It was down, in milliseconds.
    pub down_ms: u64,
    /// Nobody knows, in milliseconds.
    pub unknown_ms: u64,
    /// How many of its sessions died.
    pub deaths: u64,
    /// Why it was down last.
    pub reason: Option<String>,
}
