//! Durations as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SpanRelativeTo;
use serde::Deserialize;

/// A duration such as `10s`, `1m30s` or `250ms`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().parse::<f64>().is_ok_and(|number| number != 0.0) {
            return Err(format!("{text:?} has no unit: write {text}s or {text}ms"));
        }
        let unknown = |_| format!("{text:?} is not a duration: write 10s, 1m30s or 250ms");
        let span: jiff::Span = text.parse().map_err(unknown)?;
        let span = span.to_duration(SpanRelativeTo::days_are_24_hours());
        let span = Duration::try_from(span.map_err(unknown)?)
            .map_err(|_| format!("{text:?} is negative"))?;
        Ok(Self(span))
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
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
        assert!(ms("10").unwrap_err().contains("write 10s"));
        assert!(ms("-1s").unwrap_err().contains("negative"));
        assert!(ms("soon").unwrap_err().contains("not a duration"));
    }
}
