//! What one thread counts.

use std::collections::BTreeMap;
use std::ops::Sub;

use hdrhistogram::Histogram;

/// The longest latency that is told apart from longer ones: an hour, in nanoseconds.
const LONGEST: u64 = 3_600_000_000_000;

/// What only ever grows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) sent: u64,
    /// Pings that had the right answer.
    pub(super) answered: u64,
    /// Pings that had a wrong one.
    pub(super) failed: u64,
    /// Pings whose connection was lost.
    pub(super) lost: u64,
    pub(super) bytes_out: u64,
    pub(super) bytes_in: u64,
}

impl Counters {
    pub(super) const ZERO: Self = Self {
        sent: 0,
        answered: 0,
        failed: 0,
        lost: 0,
        bytes_out: 0,
        bytes_in: 0,
    };

    pub(super) fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.answered += other.answered;
        self.failed += other.failed;
        self.lost += other.lost;
        self.bytes_out += other.bytes_out;
        self.bytes_in += other.bytes_in;
    }
}

impl Sub for Counters {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            sent: self.sent - earlier.sent,
            answered: self.answered - earlier.answered,
            failed: self.failed - earlier.failed,
            lost: self.lost - earlier.lost,
            bytes_out: self.bytes_out - earlier.bytes_out,
            bytes_in: self.bytes_in - earlier.bytes_in,
        }
    }
}

/// What can go wrong with a ping or a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// The server answers a ping with an error.
    ErrorReply,
    /// The answer is not Pong.
    NotPong,
    /// An answer to nothing that was asked, or a second one.
    UnknownNumber,
    /// What came is no reply; the connection is given up.
    NotNetRpc,
    /// The server closed a connection.
    Closed,
    /// A connection broke.
    Broken,
}

impl Fault {
    /// Its name in JSON.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::ErrorReply => "error_reply",
            Self::NotPong => "not_pong",
            Self::UnknownNumber => "unknown_number",
            Self::NotNetRpc => "not_net_rpc",
            Self::Closed => "closed",
            Self::Broken => "broken",
        }
    }

    /// Its name for people.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::ErrorReply => "error replies",
            Self::NotPong => "answers other than Pong",
            Self::UnknownNumber => "answers to nothing that was asked",
            Self::NotNetRpc => "connections given up: no net/rpc",
            Self::Closed => "connections closed by the server",
            Self::Broken => "connections broken",
        }
    }
}

/// How often each went wrong, and what was said the first time.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(BTreeMap<Fault, (u64, String)>);

impl Faults {
    pub(super) fn count(&mut self, fault: Fault, text: impl FnOnce() -> String) {
        self.0.entry(fault).or_insert_with(|| (0, text())).0 += 1;
    }

    pub(super) fn add(&mut self, other: Self) {
        for (fault, (count, text)) in other.0 {
            self.0.entry(fault).or_insert((0, text)).0 += count;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Fault, u64, &str)> {
        let all = self.0.iter();
        all.map(|(fault, (count, text))| (*fault, *count, text.as_str()))
    }
}

/// Everything.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) counters: Counters,
    pub(super) faults: Faults,
    /// In nanoseconds.
    pub(super) latency: Histogram<u64>,
    /// How late pings left here although their connection was free, in nanoseconds.
    pub(super) tardiness: Histogram<u64>,
}

impl Tally {
    pub(super) fn new() -> Self {
        let histogram = |digits| {
            Histogram::new_with_bounds(1, LONGEST, digits)
                .expect("the bounds are those of a histogram")
        };
        Self {
            counters: Counters::ZERO,
            faults: Faults::default(),
            latency: histogram(3),
            tardiness: histogram(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_of_each_fault_are_kept() {
        let mut faults = Faults::default();
        faults.count(Fault::Closed, || "first".to_owned());
        faults.count(Fault::Closed, || "second".to_owned());
        let mut more = Faults::default();
        more.count(Fault::Closed, || "third".to_owned());
        more.count(Fault::NotPong, || "Ping".to_owned());
        faults.add(more);
        let all: Vec<_> = faults.iter().collect();
        assert_eq!(
            all,
            [(Fault::NotPong, 1, "Ping"), (Fault::Closed, 3, "first")]
        );
    }
}
