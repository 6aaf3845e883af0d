//! What a client counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::round_trips::{RoundTrip, RoundTrips};

/// What a client has counted since it was started, see [`Client::counters`](super::Client::counters).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientCounters {
    /// Beats and pings, without the introduction of each connection.
    pub beats_sent: u64,
    /// Those among them and the introductions that were not answered in time.
    pub missed_pongs: u64,
    /// How long the answers to beats take; `None` before the first.
    pub round_trip: Option<RoundTrip>,
    /// How long ago the last answer to a beat or an introduction came; `None` before the first.
    pub since_last_pong: Option<Duration>,
    /// Connections that were made after the first.
    pub reconnects: u64,
    /// Those among them that lead to another address than the connection before.
    pub failovers: u64,
    /// Calls that were begun.
    pub calls: u64,
    /// Those among them that ended without a reply that can be read. An error that the method answers
    /// is a reply.
    pub calls_failed: u64,
    /// How often an idempotent call was tried again.
    pub calls_retried: u64,
}

/// What is counted, by whom it happens to; reading it keeps nobody waiting.
#[derive(Debug)]
pub(super) struct Tally {
    started: Instant,
    /// Microseconds after `started`; zero before the first.
    last_pong: AtomicU64,
    pub(super) beats_sent: Count,
    pub(super) missed_pongs: Count,
    pub(super) connections: Count,
    pub(super) failovers: Count,
    pub(super) calls: Count,
    pub(super) calls_failed: Count,
    pub(super) calls_retried: Count,
    round_trips: RoundTrips,
}

/// One that only grows.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn one_more(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            last_pong: AtomicU64::new(0),
            beats_sent: Count::default(),
            missed_pongs: Count::default(),
            connections: Count::default(),
            failovers: Count::default(),
            calls: Count::default(),
            calls_failed: Count::default(),
            calls_retried: Count::default(),
            round_trips: RoundTrips::new(),
        }
    }

    /// An answer to an introduction, or after `round_trip` to a beat.
    pub(super) fn pong(&self, round_trip: Option<Duration>) {
        let passed = whole_us(self.started.elapsed()).max(1);
        self.last_pong.store(passed, Ordering::Relaxed);
        if let Some(round_trip) = round_trip {
            self.round_trips.record(round_trip);
        }
    }

    pub(super) fn read(&self) -> ClientCounters {
        let last_pong = self.last_pong.load(Ordering::Relaxed);
        let since = || {
            let passed = self.started.elapsed();
            passed.saturating_sub(Duration::from_micros(last_pong))
        };
        ClientCounters {
            beats_sent: self.beats_sent.read(),
            missed_pongs: self.missed_pongs.read(),
            round_trip: self.round_trips.read(),
            since_last_pong: (0 < last_pong).then(since),
            reconnects: self.connections.read().saturating_sub(1),
            failovers: self.failovers.read(),
            calls: self.calls.read(),
            calls_failed: self.calls_failed.read(),
            calls_retried: self.calls_retried.read(),
        }
    }
}

/// A span of a process's life in microseconds.
pub(super) fn whole_us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
