//! Durations as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SpanRelativeTo;
use serde::Deserialize;

/// A duration such as `10s`, `1m30s` or `250ms`; a day has 24 hours.
///
/// ```
/// use carotid::Span;
///
/// let span: Span = "1m30s".parse()?;
/// assert_eq!(span.0.as_secs(), 90);
/// # Ok::<(), carotid::SpanError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Duration);

/// Why a text is no [`Span`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpanError {
    /// A bare number.
    #[error("{text:?} has no unit: write {text}s or {text}ms")]
    NoUnit {
        /// What was given.
        text: String,
    },
    /// Nothing that means a duration.
    #[error("{text:?} is not a duration: write 10s, 1m30s or 250ms")]
    Unknown {
        /// What was given.
        text: String,
    },
    /// Less than nothing.
    #[error("{text:?} is negative")]
    Negative {
        /// What was given.
        text: String,
    },
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let owned = || text.to_owned();
        if text.trim().parse::<f64>().is_ok_and(|number| number != 0.0) {
            return Err(SpanError::NoUnit { text: owned() });
        }
        let unknown = |_| SpanError::Unknown { text: owned() };
        let span: jiff::Span = text.parse().map_err(unknown)?;
        let span = span.to_duration(SpanRelativeTo::days_are_24_hours());
        let span = Duration::try_from(span.map_err(unknown)?)
            .map_err(|_| SpanError::Negative { text: owned() })?;
        Ok(Self(span))
    }
}

impl TryFrom<String> for Span {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Self, SpanError> {
        text.parse()
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_durations_in_many_ways() {
        let ms = |text: &str| text.parse::<Span>().map(|span| span.0.as_millis());
        assert_eq!(ms("10s"), Ok(10_000));
        assert_eq!(ms("1m30s"), Ok(90_000));
        assert_eq!(ms("250ms"), Ok(250));
        assert_eq!(ms("1.5s"), Ok(1500));
        assert_eq!(ms("2d"), Ok(172_800_000));
        let wrong = |text: &str| text.parse::<Span>().unwrap_err().to_string();
        assert!(wrong("10").contains("write 10s"));
        assert!(wrong("-1s").contains("negative"));
        assert!(wrong("soon").contains("not a duration"));
    }
}
