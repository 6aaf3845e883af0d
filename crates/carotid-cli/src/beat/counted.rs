//! What a session's beats came to, told at the end.

use std::time::Duration;

use carotid::{ClientCounters, RoundTrip};
use serde::Serialize;

use crate::exit::Exit;
use crate::output::{self, Format};

/// The object that scripts get.
#[derive(Debug, Serialize)]
struct Counted {
    beats_sent: u64,
    missed_pongs: u64,
    reconnects: u64,
    failovers: u64,
    /// How long ago the last answer came; `null` if there was none.
    since_last_pong_ms: Option<u64>,
    /// `null` without an answer to a beat.
    round_trip: Option<RoundTrips>,
}

/// At most 1/16 more than measured.
#[derive(Debug, Serialize)]
struct RoundTrips {
    p50_us: u64,
    p99_us: u64,
    longest_us: u64,
    count: u64,
}

/// Prints it: for people beside the data of whatever ran, for scripts as data.
pub(super) fn print(counters: &ClientCounters, format: Format) -> Result<(), Exit> {
    match format {
        Format::Table => {
            output::talk(format_args!("{}", line(counters)));
            Ok(())
        }
        Format::Json => output::json(&counted(counters)),
        Format::Ndjson => output::ndjson(&[counted(counters)]),
    }
}

fn counted(counters: &ClientCounters) -> Counted {
    let us = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let round_trips = |trips: RoundTrip| RoundTrips {
        p50_us: us(trips.p50),
        p99_us: us(trips.p99),
        longest_us: us(trips.longest),
        count: trips.count,
    };
    Counted {
        beats_sent: counters.beats_sent,
        missed_pongs: counters.missed_pongs,
        reconnects: counters.reconnects,
        failovers: counters.failovers,
        since_last_pong_ms: counters.since_last_pong.map(|since| us(since) / 1000),
        round_trip: counters.round_trip.map(round_trips),
    }
}

/// One sentence without what did not happen.
fn line(counters: &ClientCounters) -> String {
    let mut line = number(counters.beats_sent, "beat");
    if let Some(RoundTrip { p50, p99, .. }) = counters.round_trip {
        line += &format!(", round trip {p50:.1?} (99 of 100 within {p99:.1?})");
    }
    for (count, of) in [
        (counters.missed_pongs, "missed answer"),
        (counters.reconnects, "reconnect"),
        (counters.failovers, "failover"),
    ] {
        if 0 < count {
            line += &format!(", {}", number(count, of));
        }
    }
    line
}

fn number(count: u64, of: &str) -> String {
    match count {
        1 => format!("1 {of}"),
        _ => format!("{count} {of}s"),
    }
}
