//! A session's last minutes as a picture: its arrivals, the silence that would be suspicious, the one
//! that is death, our own stalls, and what was concluded.
//!
//! Shapes are placed in per cent and letters are not, so that they keep their size on a phone; no
//! style is inline, as the policy of all pages forbids it.

use maud::{Markup, html};

use super::words::{short, span};
use crate::sink::api::{Stall, Verdict};

/// Missed beats that are drawn: more would be a fence.
const MISSED: u32 = 24;

/// What is drawn, in milliseconds after the last beat.
#[derive(Debug, PartialEq)]
struct Picture {
    /// Arrivals, the last at 0.
    arrivals: Vec<f64>,
    /// When beats were due that did not come.
    missed: Vec<f64>,
    suspect: f64,
    dead: f64,
    /// When it was concluded, or now.
    end: f64,
    end_word: &'static str,
    /// Begin and length of each.
    stalls: Vec<(f64, f64)>,
    left: f64,
    right: f64,
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of days at most")]
impl Picture {
    fn of(verdict: &Verdict, stalls: &[Stall]) -> Self {
        let session = &verdict.session;
        let mut arrivals = vec![0.0];
        for gap in verdict.gaps_ms.iter().rev() {
            arrivals.insert(0, arrivals[0] - gap);
        }
        let stalled = verdict.stalled_ms as f64;
        let suspect = verdict.suspect_after_ms as f64 + stalled;
        let dead = session.timeout_ms as f64 + stalled;
        let (end, end_word) = match &*session.health {
            "dead" => (verdict.silent_ms as f64, "dead"),
            "left" => (verdict.silent_ms as f64, "goodbye"),
            _ => (session.last_beat_ms as f64, "now"),
        };
        let end = end + stalled;
        let interval = (session.interval_ms as f64).max(1.0);
        let missed = (1..=MISSED).map(|beat| f64::from(beat) * interval);
        // A beat is missed when it is half an interval late.
        let missed = missed.take_while(|due| *due + interval / 2.0 < end && end_word != "goodbye");
        let (left, right) = (arrivals[0], dead.max(end));
        let pad = (right - left).max(1.0) * 0.03;
        let (left, right) = (left - pad, right + pad);
        let last_beat = verdict.last_beat.as_millisecond();
        let stalls = stalls.iter().map(|stall| {
            let begin = (stall.at.as_millisecond() - last_beat) as f64;
            (begin, stall.stalled_ms as f64)
        });
        let stalls = stalls.filter(|(begin, length)| left < begin + length && *begin < right);
        Self {
            missed: missed.collect(),
            stalls: stalls.collect(),
            arrivals,
            suspect,
            dead,
            end,
            end_word,
            left,
            right,
        }
    }

    /// Where a time is, in per cent of the width.
    fn x(&self, at: f64) -> f64 {
        ((at - self.left) / (self.right - self.left) * 100.0).clamp(0.0, 100.0)
    }

    /// Times to write below, in steps that people count in.
    fn ticks(&self) -> Vec<f64> {
        const STEPS: [f64; 24] = [
            1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4, 3e4,
            6e4, 12e4, 3e5, 6e5, 18e5, 36e5, 72e5, 216e5, 432e5,
        ];
        let wide = self.right - self.left;
        let step = STEPS
            .into_iter()
            .find(|step| wide / step <= 6.0)
            .unwrap_or(864e5);
        let first = (self.left / step).ceil();
        let ticks = (0..8u8).map(|number| (first + f64::from(number)) * step);
        ticks.take_while(|at| *at <= self.right).collect()
    }
}

fn percent(value: f64) -> String {
    format!("{value:.2}%")
}

/// The picture, and the same as a table.
pub(super) fn section(verdict: &Verdict, stalls: &[Stall]) -> Markup {
    let picture = Picture::of(verdict, stalls);
    html! {
        section aria-labelledby="timeline" {
            div.head { h2 #timeline { "Beats and silence" } }
            figure.timeline {
                (drawing(&picture, verdict))
                figcaption {
                    span.key.beat { "beat" } " "
                    @if !picture.missed.is_empty() { span.key.missed { "beat that did not come" } " " }
                    span.key.suspicion { "suspicious silence" } " "
                    span.key.death { "death" }
                    @if !picture.stalls.is_empty() { " " span.key.stall { "this monitor did not run" } }
                }
            }
            (table(&picture, verdict))
        }
    }
}

fn drawing(picture: &Picture, verdict: &Verdict) -> Markup {
    let x = |at: f64| percent(picture.x(at));
    let wide = |from: f64, to: f64| percent((picture.x(to) - picture.x(from)).max(0.0));
    let has_limits = picture.end_word != "goodbye";
    html! {
        svg width="100%" height="150" role="img" aria-labelledby="timeline-title timeline-text" {
            title #timeline-title { "When " (verdict.session.name) " beat, and how long it may be silent" }
            desc #timeline-text { (described(picture, verdict)) }
            defs {
                pattern #hatch width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect width="6" height="6" class="hatch-ground" {}
                    line x1="0" y1="0" x2="0" y2="6" class="hatch-line" {}
                }
            }
            @if has_limits {
                rect.suspicion x=(x(picture.suspect)) y="38" width=(wide(picture.suspect, picture.dead)) height="50" {}
                rect.death x=(x(picture.dead)) y="38" width=(wide(picture.dead, picture.right)) height="50" {}
            }
            @for (begin, length) in &picture.stalls {
                rect.stall x=(x(*begin)) y="38" width=(wide(*begin, begin + length)) height="50" fill="url(#hatch)" {}
            }
            line.ground x1="0" x2="100%" y1="88" y2="88" {}
            @if picture.end > 0.0 {
                line.silence x1=(x(0.0)) x2=(x(picture.end)) y1="88" y2="88" {}
            }
            @for arrival in &picture.arrivals {
                line.beat x1=(x(*arrival)) x2=(x(*arrival)) y1="52" y2="88" {}
                circle.beat cx=(x(*arrival)) cy="52" r="3.5" {}
            }
            @for missed in &picture.missed { circle.missed cx=(x(*missed)) cy="52" r="3" {} }
            @if has_limits {
                (limit(picture, picture.suspect, 14, &format!("suspect after {}", span(verdict.suspect_after_ms)), "suspect"))
                (limit(picture, picture.dead, 31, &format!("dead after {}", span(verdict.session.timeout_ms)), "dead"))
            }
            line.end.(picture.end_word) x1=(x(picture.end)) x2=(x(picture.end)) y1="44" y2="94" {}
            (label(picture, picture.end, 108, picture.end_word, "end"))
            @for tick in picture.ticks() {
                line.tick x1=(x(tick)) x2=(x(tick)) y1="118" y2="123" {}
                text.tick x=(x(tick)) y="137" text-anchor=(anchor(picture.x(tick), 6.0)) { (offset(tick)) }
            }
            line.ground x1="0" x2="100%" y1="118" y2="118" {}
        }
    }
}

fn limit(picture: &Picture, at: f64, y: u32, text: &str, class: &str) -> Markup {
    let x = percent(picture.x(at));
    html! {
        line.limit.(class) x1=(x) x2=(x) y1=(y - 10) y2="88" {}
        (label(picture, at, y, text, class))
    }
}

/// A text beside a place, on the side where there is more room.
fn label(picture: &Picture, at: f64, y: u32, text: &str, class: &str) -> Markup {
    let x = picture.x(at);
    let (anchor, dx) = if x < 50.0 {
        ("start", "5")
    } else {
        ("end", "-5")
    };
    html! { text.label.(class) x=(percent(x)) y=(y) dx=(dx) text-anchor=(anchor) { (text) } }
}

fn anchor(x: f64, margin: f64) -> &'static str {
    if x < margin {
        "start"
    } else if x > 100.0 - margin {
        "end"
    } else {
        "middle"
    }
}

/// A time relative to the last beat.
fn offset(ms: f64) -> String {
    let sign = match ms {
        ms if ms < 0.0 => "−",
        ms if ms > 0.0 => "+",
        _ => return "last beat".to_owned(),
    };
    format!("{sign}{}", length(ms.abs()))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of milliseconds of days at most"
)]
fn length(ms: f64) -> String {
    let whole = ms.round() as u64;
    match whole {
        0..1000 => format!("{whole}\u{a0}ms"),
        1000..120_000 if whole.is_multiple_of(1000) => format!("{}\u{a0}s", whole / 1000),
        _ => span(whole),
    }
}

fn described(picture: &Picture, verdict: &Verdict) -> String {
    let mut text = format!(
        "{} beats. Suspicious after {}, dead after {} of silence.",
        picture.arrivals.len(),
        span(verdict.suspect_after_ms),
        span(verdict.session.timeout_ms),
    );
    let end = length(picture.end);
    text += &match picture.end_word {
        "dead" => format!(" It was declared dead {end} after its last beat."),
        "goodbye" => format!(" It said goodbye {end} after its last beat."),
        _ => format!(" Its last beat was {end} ago."),
    };
    if !picture.stalls.is_empty() {
        text += &format!(
            " This monitor itself did not run {} times.",
            picture.stalls.len()
        );
    }
    text
}

/// The same for those who do not see it, and for those who want the figures.
fn table(picture: &Picture, verdict: &Verdict) -> Markup {
    let first = picture.arrivals.len() - 1;
    html! {
        details #figures {
            summary { "The same as a table" }
            table.figures {
                thead { tr { th scope="col" { "What" } th.number scope="col" { "After the last beat" } th.number scope="col" { "Gap" } } }
                tbody {
                    @for (at, arrival) in picture.arrivals.iter().enumerate() {
                        tr {
                            th scope="row" { @if at == first { "last beat" } @else { "beat" } }
                            td.number { (if at == first { "0".to_owned() } else { offset(*arrival) }) }
                            td.number { @if at > 0 { (short(verdict.gaps_ms[at - 1])) } @else { "–" } }
                        }
                    }
                    @for (begin, length_ms) in &picture.stalls {
                        tr { th scope="row" { "this monitor did not run" } td.number { (offset(*begin)) } td.number { (length(*length_ms)) } }
                    }
                    @if picture.end_word != "goodbye" {
                        tr { th scope="row" { "suspicious from" } td.number { (offset(picture.suspect)) } td {} }
                        tr { th scope="row" { "dead from" } td.number { (offset(picture.dead)) } td {} }
                    }
                    tr { th scope="row" { (picture.end_word) } td.number { (offset(picture.end)) } td {} }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        Picture {
            arrivals: vec![-30_000.0, -20_000.0, -10_000.0, 0.0],
            missed: Vec::new(),
            suspect: 18_000.0,
            dead: 60_000.0,
            end: 60_000.0,
            end_word: "dead",
            stalls: Vec::new(),
            left: -33_000.0,
            right: 63_000.0,
        }
    }

    #[test]
    fn places_are_in_proportion_to_time_and_within_the_picture() {
        let picture = picture();
        assert!(picture.x(-33_000.0).abs() < 1e-9);
        assert!((picture.x(15_000.0) - 50.0).abs() < 1e-9);
        assert!((picture.x(1e9) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn ticks_are_few_round_and_within_the_picture() {
        let mut picture = picture();
        assert_eq!(
            picture.ticks(),
            [-20_000.0, 0.0, 20_000.0, 40_000.0, 60_000.0]
        );
        for exponent in 0..9 {
            picture.right = picture.left + 3.7 * 10_f64.powi(exponent);
            let ticks = picture.ticks();
            assert!((2..=7).contains(&ticks.len()), "{exponent}: {ticks:?}");
        }
    }

    #[test]
    fn times_are_told_from_the_last_beat() {
        let told = [-20_000.0, 0.0, 340.4, 61_500.0].map(offset);
        let told = told.map(|text| text.replace('\u{a0}', " "));
        assert_eq!(told, ["−20 s", "last beat", "+340 ms", "+61 s"]);
    }
}
