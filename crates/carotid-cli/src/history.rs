//! `carotid history`: how a name or a service was, as a person would ask.

use std::collections::BTreeMap;
use std::process::ExitCode;

use carotid::api::{Availability, Event, History, Hour};
use jiff::Timestamp;

use crate::args::HistoryArgs;
use crate::exit::Exit;
use crate::operations::Operations;
use crate::output::{self, Format, coloured, harmless, roughly};

/// Days of a bar; a longer time is shown in longer pieces.
const MOST_PIECES: usize = 60;

const DAY_MS: i64 = 24 * 3_600_000;
const HOUR_MS: i64 = 3_600_000;

pub(crate) async fn run(args: HistoryArgs) -> Result<ExitCode, Exit> {
    let operations = Operations::new(&args.daemon)?;
    // A name has a slash or is a service of its own, which the daemon knows.
    let key = if args.subject.contains('/') {
        "name"
    } else {
        "service"
    };
    let query = [
        (key, args.subject.clone()),
        ("since", format!("{}ms", args.since.0.as_millis())),
        ("limit", args.limit.to_string()),
    ];
    let request = operations.get("/api/v1/history").query(&query);
    let history: History = operations.ask(request).await?;
    match args.output {
        Format::Table => output::bytes(tell(&args.subject, &history).as_bytes())?,
        Format::Json => output::json(&history)?,
        Format::Ndjson => output::ndjson(&history.events)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A headline, what it is made of, the days, the deaths and the last events.
fn tell(subject: &str, history: &History) -> String {
    let mut text = headline(subject, history);
    if let Some(hours) = &history.hours {
        text += &bar(history, hours);
    }
    text += &deaths(history);
    text += &events(&history.events);
    text
}

fn headline(subject: &str, history: &History) -> String {
    let Availability {
        ratio,
        up_ms,
        down_ms,
        unknown_ms,
        unwatched_ms,
    } = history.availability;
    let subject = harmless(subject);
    let span = span_ms(history);
    let mut text = match ratio {
        Some(ratio) => format!(
            "{subject}: {} available in the last {}\n",
            percent(ratio),
            roughly(span)
        ),
        None => format!(
            "{subject}: nothing is known of the last {}\n",
            roughly(span)
        ),
    };
    let parts = [
        (up_ms, "up"),
        (down_ms, "down"),
        (unknown_ms, "unknown: this monitor itself did not look"),
        (unwatched_ms, "not watched: nobody was there"),
    ];
    for (ms, word) in parts {
        if ms > 0 {
            text += &format!("  {:>9}  {word}\n", roughly(ms));
        }
    }
    text
}

/// Enough digits to tell five nines from six, and never 100 % of what was not.
fn percent(ratio: f64) -> String {
    let percent = (ratio * 1e7).floor() / 1e5;
    let text = format!("{percent:.5}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

/// One sign for each day, or each hour of a short time: the more of it was down, the lower.
fn bar(history: &History, hours: &[Hour]) -> String {
    let begin = history.since.as_millisecond();
    let span = i64::try_from(span_ms(history)).unwrap_or(i64::MAX);
    let mut piece = if span <= 2 * DAY_MS { HOUR_MS } else { DAY_MS };
    while usize::try_from(span / piece).unwrap_or(usize::MAX) > MOST_PIECES {
        piece *= 2;
    }
    let mut pieces: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    for hour in hours {
        let index = (hour.at.as_millisecond().max(begin) - begin) / piece;
        let (up, down) = pieces.entry(index).or_default();
        *up += hour.up_ms;
        *down += hour.down_ms;
    }
    let last = (span - 1).max(0) / piece;
    let signs = (0..=last).map(|index| sign(pieces.get(&index).copied().unwrap_or_default()));
    let signs: String = signs.collect();
    let length = roughly(u64::try_from(piece).unwrap_or(0));
    format!(
        "  {signs}  each {length}: █ up, ▇▅▃▁ down for up to 1 %, 10 %, 50 % and more of it, · not known\n"
    )
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of some days")]
fn sign((up, down): (u64, u64)) -> char {
    if up + down == 0 {
        return '·';
    }
    match down as f64 / (up + down) as f64 {
        share if share <= 0.0 => '█',
        share if share <= 0.01 => '▇',
        share if share <= 0.1 => '▅',
        share if share <= 0.5 => '▃',
        _ => '▁',
    }
}

/// How many deaths there were, and what those among the events below were of.
fn deaths(history: &History) -> String {
    let mut causes: BTreeMap<&str, u64> = BTreeMap::new();
    for event in history.events.iter().filter(|event| event.kind == "dead") {
        *causes
            .entry(event.cause.as_deref().unwrap_or("-"))
            .or_default() += 1;
    }
    let listed: u64 = causes.values().sum();
    let all = history.deaths.max(listed);
    if all == 0 {
        return String::new();
    }
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let causes: Vec<_> = causes
        .into_iter()
        .map(|(cause, count)| format!("{count} {cause}"))
        .collect();
    let word = if all == 1 { "death" } else { "deaths" };
    let causes = match listed {
        0 => String::new(),
        _ if listed == all => format!(": {}", causes.join(", ")),
        _ => format!(
            "; {listed} of them among the events below: {}",
            causes.join(", ")
        ),
    };
    format!("  {all} {word}{causes}\n")
}

fn events(events: &[Event]) -> String {
    let mut text = String::new();
    for event in events {
        let cause = event.cause.as_deref().unwrap_or("-");
        let silent = event.silent_ms.filter(|_| event.kind != "opened");
        let silent = silent.map_or_else(|| "-".to_owned(), roughly);
        text += &format!(
            "{:.3}  {}  {cause:11}  {silent:>7}  {}\n",
            event.at,
            coloured(&event.kind, 8),
            harmless(event.name.as_deref().unwrap_or("-")),
        );
    }
    if !text.is_empty() {
        text.insert_str(
            0,
            "\nAT                        EVENT     CAUSE         SILENT  NAME\n",
        );
    }
    text
}

fn span_ms(history: &History) -> u64 {
    let ms = |at: Timestamp| at.as_millisecond();
    u64::try_from(ms(history.until) - ms(history.since)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_down_for_a_moment_is_never_a_hundred_per_cent() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.999_999_999), "99.99999 %");
        assert_eq!(percent(0.9993), "99.93 %");
        assert_eq!(percent(0.0), "0 %");
    }

    #[test]
    fn the_bar_has_a_sign_for_each_piece_of_the_time() {
        let at = |hour: i64| Timestamp::from_millisecond(hour * HOUR_MS).unwrap();
        let hour = |at, up_ms, down_ms| Hour {
            at,
            up_ms,
            down_ms,
            warn_ms: 0,
            unknown_ms: 0,
            deaths: 0,
            reason: None,
        };
        let history = History {
            since: at(100),
            until: at(106),
            availability: Availability {
                ratio: None,
                up_ms: 0,
                down_ms: 0,
                unknown_ms: 0,
                unwatched_ms: 0,
            },
            deaths: 0,
            hours: None,
            events: Vec::new(),
        };
        let hours = [
            hour(at(100), 1000, 0),
            hour(at(101), 995, 5),
            hour(at(103), 900, 100),
            hour(at(104), 500, 500),
            hour(at(105), 0, 1000),
        ];
        let bar = bar(&history, &hours);
        assert!(bar.starts_with("  █▇·▅▃▁  each 1h00m"), "{bar}");
    }

    #[test]
    fn all_deaths_are_counted_though_few_are_listed() {
        let death = |seq: u64, cause: &str| {
            let event = serde_json::json!({
                "seq": seq, "at": "2026-11-23T12:03:11Z", "kind": "dead", "name": "a/1", "cause": cause,
            });
            serde_json::from_value::<Event>(event).unwrap()
        };
        let told = |all, events: Vec<Event>| {
            let availability = Availability {
                ratio: None,
                up_ms: 0,
                down_ms: 0,
                unknown_ms: 0,
                unwatched_ms: 0,
            };
            deaths(&History {
                since: Timestamp::UNIX_EPOCH,
                until: Timestamp::UNIX_EPOCH,
                availability,
                deaths: all,
                hours: None,
                events,
            })
        };
        assert_eq!(told(0, Vec::new()), "");
        assert_eq!(told(1, vec![death(1, "closed")]), "  1 death: 1 closed\n");
        assert_eq!(
            told(1400, vec![death(1, "closed"), death(2, "closed")]),
            "  1400 deaths; 2 of them among the events below: 2 closed\n"
        );
        assert_eq!(told(7, Vec::new()), "  7 deaths\n");
    }
}
