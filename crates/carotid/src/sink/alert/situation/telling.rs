//! What a situation hears, and what it has to tell.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sink::api::Event;

/// Events that nobody was told of.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Untold {
    /// The first of them.
    pub(super) events: Vec<Event>,
    /// How many of those there are up to the last failure.
    pub(super) through_failure: usize,
    /// How many more there were.
    #[serde(default)]
    pub(super) more: u64,
}

/// Something to tell.
#[derive(Debug)]
pub(in crate::sink::alert) struct Telling {
    pub(in crate::sink::alert) status: Status,
    pub(in crate::sink::alert) at: Timestamp,
    pub(in crate::sink::alert) seq: u64,
    /// Which of its situation's tellings it is, from 1.
    pub(in crate::sink::alert) number: u64,
    pub(in crate::sink::alert) events: Vec<Event>,
    /// How many events there were besides.
    pub(in crate::sink::alert) more_events: u64,
    pub(in crate::sink::alert) count: usize,
    pub(in crate::sink::alert) sessions: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sink::alert) enum Status {
    Firing,
    Resolved(Reason),
    /// It has no end.
    Notice,
}

/// Why it is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sink::alert) enum Reason {
    Recovered,
    Expired,
}

/// A failure or a recovery of one member; a service is its own only member.
#[derive(Clone, Copy, Debug)]
pub(in crate::sink::alert) struct Sign<'a> {
    pub(in crate::sink::alert) at: Timestamp,
    pub(in crate::sink::alert) member: &'a str,
    pub(in crate::sink::alert) seq: u64,
    pub(in crate::sink::alert) event: Option<&'a Event>,
    /// What there is to say of it for a person.
    pub(in crate::sink::alert) reason: Option<&'a str>,
    /// It is certain that the member was in trouble before.
    pub(in crate::sink::alert) is_return: bool,
    /// For so long it may turn out to be something else, unless the rule says how long to wait.
    pub(in crate::sink::alert) doubt: Duration,
}
