//! The structs of the `Heartbeat` methods on the wire, in gob and in JSON. Durations travel, never
//! instants (I10).

use std::time::Duration;

use carotid_core::{Grant, Opened, Terms, TermsError, Vitals};
use gobwire::Gob;
use serde::{Deserialize, Serialize};

use super::wish::Wish;

pub(crate) const PING: &str = "Heartbeat.Ping";
pub(crate) const OPEN: &str = "Heartbeat.Open";
pub(crate) const BEAT: &str = "Heartbeat.Beat";
pub(crate) const CLOSE: &str = "Heartbeat.Close";
pub(crate) const CHECK: &str = "Heartbeat.Check";

/// What `Heartbeat.Check` answers while the daemon takes calls.
pub(crate) const SERVING: &str = "SERVING";

/// `Heartbeat.Open`: be watched under this name. A zero interval or timeout asks for the server's, a
/// zero stall says that none is to be expected.
#[derive(Clone, Debug, Default, Gob, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct OpenArgs {
    pub(crate) name: String,
    pub(crate) interval_ms: i64,
    pub(crate) timeout_ms: i64,
    pub(crate) longest_stall_ms: i64,
}

/// The terms granted.
#[derive(Clone, Debug, Default, Gob, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct OpenReply {
    pub(crate) epoch: u64,
    pub(crate) resumed: bool,
    pub(crate) interval_ms: i64,
    pub(crate) timeout_ms: i64,
    pub(crate) longest_stall_ms: i64,
    /// When to send the first beat.
    pub(crate) first_beat_ms: i64,
    /// Whoever loses the connection waits for a random part of this before it connects anew.
    pub(crate) spread_ms: i64,
}

/// `Heartbeat.Close`: a session that this connection opened leaves.
#[derive(Clone, Debug, Default, Gob, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct NameArgs {
    pub(crate) name: String,
}

/// `Heartbeat.Beat`: a sign of life, and how that life is.
#[derive(Clone, Debug, Default, Gob, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct BeatArgs {
    pub(crate) name: String,
    /// How long ago the peer's main loop made progress, 1 at least; 0 says nothing of it.
    pub(crate) progress_ms: i64,
    /// How long the answer to the last beat took; 0 is unknown.
    pub(crate) round_trip_us: i64,
}

/// The answer to a beat: which life of the name it was for, and other terms from now on, or zeros if
/// they stay as they are.
#[derive(Clone, Debug, Default, Gob, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct BeatReply {
    pub(crate) epoch: u64,
    pub(crate) interval_ms: i64,
    pub(crate) timeout_ms: i64,
}

impl OpenArgs {
    pub(crate) fn new(name: &str, terms: Terms) -> Self {
        Self {
            name: name.to_owned(),
            interval_ms: whole_ms(terms.interval()),
            timeout_ms: whole_ms(terms.timeout()),
            longest_stall_ms: whole_ms(terms.longest_stall()),
        }
    }

    /// The terms asked for; what is not asked for is `default`'s.
    pub(crate) fn terms(&self, default: Terms) -> Result<Terms, TermsError> {
        let asked = |ms: i64| match u64::try_from(ms) {
            Ok(0) => None,
            Ok(ms) => Some(Duration::from_millis(ms)),
            // Nothing is as short as less than nothing.
            Err(_) => Some(Duration::ZERO),
        };
        let wish = Wish {
            interval: asked(self.interval_ms),
            timeout: asked(self.timeout_ms),
            longest_stall: asked(self.longest_stall_ms),
        };
        wish.terms(default)
    }
}

impl BeatArgs {
    pub(crate) fn vitals(&self) -> Vitals {
        let progress = u64::try_from(self.progress_ms).unwrap_or(0);
        Vitals {
            progress: (progress > 0).then(|| Duration::from_millis(progress)),
        }
    }

    pub(crate) fn round_trip(&self) -> Option<Duration> {
        let us = u64::try_from(self.round_trip_us).unwrap_or(0);
        (us > 0).then(|| Duration::from_micros(us))
    }
}

impl OpenReply {
    pub(crate) fn new(opened: &Opened, grant: &Grant) -> Self {
        Self {
            epoch: u64::from(opened.epoch),
            resumed: opened.resumed,
            interval_ms: whole_ms(opened.terms.interval()),
            timeout_ms: whole_ms(opened.terms.timeout()),
            longest_stall_ms: whole_ms(opened.terms.longest_stall()),
            first_beat_ms: whole_ms(grant.stagger),
            spread_ms: whole_ms(grant.spread),
        }
    }

    pub(crate) fn terms(&self) -> Option<Terms> {
        terms(self.interval_ms, self.timeout_ms)
    }
}

impl BeatReply {
    pub(crate) fn new(epoch: u32, revised: Option<Terms>) -> Self {
        Self {
            epoch: u64::from(epoch),
            interval_ms: revised.map_or(0, |terms| whole_ms(terms.interval())),
            timeout_ms: revised.map_or(0, |terms| whole_ms(terms.timeout())),
        }
    }

    /// The terms from now on, if they are others.
    pub(crate) fn revised(&self) -> Option<Terms> {
        terms(self.interval_ms, self.timeout_ms)
    }
}

fn terms(interval_ms: i64, timeout_ms: i64) -> Option<Terms> {
    let duration = |ms| u64::try_from(ms).ok().map(Duration::from_millis);
    Terms::new(duration(interval_ms)?, duration(timeout_ms)?).ok()
}

pub(crate) fn whole_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_wishes_take_the_defaults_and_impossible_ones_are_refused() {
        let args = |interval_ms, timeout_ms| OpenArgs {
            name: "a".into(),
            interval_ms,
            timeout_ms,
            longest_stall_ms: 0,
        };
        let default = Terms::default();
        assert_eq!(args(0, 0).terms(default), Ok(default));
        let mine = args(100, 300).terms(default).unwrap();
        assert_eq!(mine.interval(), Duration::from_millis(100));
        assert!(args(-1, 300).terms(default).is_err());
        assert!(args(100, 150).terms(default).is_err());
        assert!(args(i64::MAX, i64::MAX).terms(default).is_err());
        let stalling = |longest_stall_ms| OpenArgs {
            longest_stall_ms,
            ..args(100, 300)
        };
        let mine = stalling(100).terms(default).unwrap();
        assert_eq!(mine.longest_stall(), Duration::from_millis(100));
        assert!(stalling(101).terms(default).is_err());
        assert!(stalling(i64::MAX).terms(default).is_err());
    }
}
