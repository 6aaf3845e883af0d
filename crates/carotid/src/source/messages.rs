//! The structs of the `Heartbeat` methods on the wire, in gob and in JSON. Durations travel, never
//! instants (I10).

use std::time::Duration;

use carotid_core::{Terms, TermsError};
use gobwire::Gob;
use serde::{Deserialize, Serialize};

pub(crate) const PING: &str = "Heartbeat.Ping";
pub(crate) const OPEN: &str = "Heartbeat.Open";
pub(crate) const BEAT: &str = "Heartbeat.Beat";
pub(crate) const CLOSE: &str = "Heartbeat.Close";
pub(crate) const CHECK: &str = "Heartbeat.Check";

/// What `Heartbeat.Check` answers while the daemon takes calls.
pub(crate) const SERVING: &str = "SERVING";

/// `Heartbeat.Open`: be watched under this name. A zero interval or timeout asks for the server's.
#[derive(Clone, Debug, Default, Gob, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct OpenArgs {
    pub(crate) name: String,
    pub(crate) interval_ms: i64,
    pub(crate) timeout_ms: i64,
}

/// The terms granted.
#[derive(Clone, Debug, Default, Gob, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct OpenReply {
    pub(crate) epoch: u64,
    pub(crate) resumed: bool,
    pub(crate) interval_ms: i64,
    pub(crate) timeout_ms: i64,
}

/// `Heartbeat.Beat` and `Heartbeat.Close`: a session that this connection opened.
#[derive(Clone, Debug, Default, Gob, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct NameArgs {
    pub(crate) name: String,
}

/// The answer to a beat: which life of the name it was for.
#[derive(Clone, Debug, Default, Gob, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct BeatReply {
    pub(crate) epoch: u64,
}

impl OpenArgs {
    pub(crate) fn new(name: &str, terms: Terms) -> Self {
        Self {
            name: name.to_owned(),
            interval_ms: whole_ms(terms.interval()),
            timeout_ms: whole_ms(terms.timeout()),
        }
    }

    /// The terms asked for; what is not asked for is `default`'s.
    pub(crate) fn terms(&self, default: Terms) -> Result<Terms, TermsError> {
        let asked = |ms: i64, otherwise| match u64::try_from(ms) {
            Ok(0) => otherwise,
            Ok(ms) => Duration::from_millis(ms),
            // Nothing is as short as less than nothing.
            Err(_) => Duration::ZERO,
        };
        let interval = asked(self.interval_ms, default.interval());
        Terms::new(interval, asked(self.timeout_ms, default.timeout()))
    }
}

impl OpenReply {
    pub(crate) fn terms(&self) -> Option<Terms> {
        let duration = |ms| u64::try_from(ms).ok().map(Duration::from_millis);
        Terms::new(duration(self.interval_ms)?, duration(self.timeout_ms)?).ok()
    }
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
        };
        let default = Terms::default();
        assert_eq!(args(0, 0).terms(default), Ok(default));
        let mine = args(100, 300).terms(default).unwrap();
        assert_eq!(mine.interval(), Duration::from_millis(100));
        assert!(args(-1, 300).terms(default).is_err());
        assert!(args(100, 150).terms(default).is_err());
        assert!(args(i64::MAX, i64::MAX).terms(default).is_err());
    }
}
