//! The JSON objects of the HTTP interface, for those who write it and those who read it.

mod alert;
mod check;
mod event;
mod history;
mod service;
mod session;
mod stall;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

pub use alert::{Alerts, Firing, Notice, RuleState};
pub(crate) use check::Opinion;
pub use check::{Check, Measurement};
pub use event::{Event, Evidence, Incident, Outcome};
pub use history::{Availability, History, Hour};
pub use service::{Service, Services};
pub use session::{Session, Sessions, Verdict};
pub use stall::{Stall, Stalls};

/// The header of an event stream that tells one run of the daemon from another: event numbers begin
/// anew with each.
pub const RUN_HEADER: &str = "carotid-run";

/// The header of an event stream with the number after which it begins.
pub const AFTER_HEADER: &str = "carotid-after";

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

/// Rounded down: a death at 60,000.9 ms was not 60,001 ms silent.
fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// With its fraction, for what is below a millisecond.
fn ms(duration: Duration) -> f64 {
    // Whole microseconds: more digits would be noise.
    let micros = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    f64::from(micros) / 1e3
}

/// Always three digits, so that columns of times stand straight.
fn to_the_millisecond<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}
