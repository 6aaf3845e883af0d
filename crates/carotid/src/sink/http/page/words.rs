//! How pages write durations, numbers, times and links.

use std::fmt::Write;

use jiff::Timestamp;
use maud::{Markup, html};

/// A duration as people say it: two units at most. A number is not parted from its unit.
pub(super) fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match seconds {
        0 => format!("{ms}\u{a0}ms"),
        1..10 => format!("{}.{}\u{a0}s", seconds, ms % 1000 / 100),
        10..120 => format!("{seconds}\u{a0}s"),
        120..3600 => two(minutes, "min", seconds % 60, "s"),
        3600..172_800 => two(hours, "h", minutes % 60, "min"),
        _ => two(hours / 24, "d", hours % 24, "h"),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large}\u{a0}{large_unit}")
    } else {
        format!("{large}\u{a0}{large_unit} {small}\u{a0}{small_unit}")
    }
}

/// A fraction of a second, too.
pub(super) fn short(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.1}\u{a0}ms")
    } else if ms < 1000.0 {
        format!("{ms:.0}\u{a0}ms")
    } else {
        format!("{:.1}\u{a0}s", ms / 1000.0)
    }
}

/// `12,345`.
pub(super) fn count(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 session`, `12,345 sessions`.
pub(super) fn many(number: impl Into<u64>, one: &str) -> String {
    let number = number.into();
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", count(number))
}

/// A point in time; the script shows it as the reader's clock has it.
pub(super) fn time(at: Timestamp) -> Markup {
    let at = at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    html! { time datetime=(at) { (&at[..10]) " " (&at[11..19]) " UTC" } }
}

/// The same without its day.
pub(super) fn clock(at: Timestamp) -> Markup {
    let at = at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    html! { time datetime=(at) data-form="clock" { (&at[11..19]) " UTC" } }
}

/// Where the page of a session is. Slashes stay readable where a browser leaves the path as it is.
pub(super) fn session_path(name: &str) -> String {
    let is_plain = |segment: &str| !matches!(segment, "" | "." | "..");
    if matches!(name, "." | "..") {
        // A browser takes these for steps up, however they are written.
        return format!("/sessions?search={name}");
    }
    let keep_slashes = name.split('/').all(is_plain);
    let mut path = "/sessions/".to_owned();
    encode(name, keep_slashes, &mut path);
    path
}

/// A text as a part of a query.
pub(super) fn query(text: &str) -> String {
    let mut encoded = String::new();
    encode(text, false, &mut encoded);
    encoded
}

fn encode(text: &str, keep_slashes: bool, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                into.push(char::from(byte));
            }
            b'/' if keep_slashes => into.push('/'),
            _ => write!(into, "%{byte:02X}").expect("writing to a string does not fail"),
        }
    }
}

/// A name that links to the page of its session.
pub(super) fn session_link(name: &str) -> Markup {
    html! { a.name href=(session_path(name)) translate="no" { bdi { (name) } } }
}

/// A shape for a health, for those who do not see its colour; the word stands beside it.
pub(super) fn mark(word: &str) -> Markup {
    let (class, path) = match word {
        "alive" | "pass" | "back" | "opened" | "unwedged" => (
            "good",
            "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM5 8.2l2.2 2.3L11.2 6",
        ),
        "suspect" | "wedged" | "warn" | "mass_silence" | "firing" => {
            ("uneasy", "M8 1.8 15 14H1ZM8 6v4m0 1.4v.8")
        }
        "dead" | "fail" => (
            "bad",
            "M5 1.5h6L14.5 5v6L11 14.5H5L1.5 11V5ZM5.5 5.5l5 5m0-5-5 5",
        ),
        "left" => (
            "gone",
            "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM5 8h6",
        ),
        _ => ("own", "M2 2h12v12H2ZM5.5 5v6m5-6v6"),
    };
    html! {
        svg.mark.(class) viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" {
            path d=(path) {}
        }
    }
}

/// The mark of a health and its word.
pub(super) fn state(word: &str) -> Markup {
    html! { span.state.(word) { (mark(word)) (spoken(word)) } }
}

/// A kind of event in words.
pub(super) fn spoken(word: &str) -> &str {
    match word {
        "mass_silence" => "mass silence",
        "mass_silence_over" => "mass silence over",
        "fail" => "failing",
        "warn" => "warning",
        "pass" => "passing",
        word => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        let durations = [0, 340, 3_249, 61_000, 245_000, 7_260_000, 442_800_000];
        let told = durations.map(|ms| span(ms).replace('\u{a0}', " "));
        assert_eq!(
            told,
            [
                "0 ms",
                "340 ms",
                "3.2 s",
                "61 s",
                "4 min 5 s",
                "2 h 1 min",
                "5 d 3 h"
            ]
        );
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(count(1_234_567u32), "1,234,567");
        assert_eq!(many(1u32, "session"), "1 session");
        assert_eq!(many(100_000u32, "session"), "100,000 sessions");
    }

    #[test]
    fn a_path_leads_to_the_name_it_was_made_of() {
        assert_eq!(session_path("payments/7"), "/sessions/payments/7");
        assert_eq!(session_path("a/../b"), "/sessions/a%2F..%2Fb");
        assert_eq!(session_path("/a"), "/sessions/%2Fa");
        assert_eq!(session_path("a?b#c%d"), "/sessions/a%3Fb%23c%25d");
        assert_eq!(session_path("客/1"), "/sessions/%E5%AE%A2/1");
    }
}
