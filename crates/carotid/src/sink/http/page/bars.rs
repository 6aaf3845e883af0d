//! Uptime as a row of bars: the last 24 hours, the last 30 days. A bar is lower the longer its time was
//! down, so that it can be read without colours; what it stands for is told when it is pointed at or has
//! the focus, and to those who listen.

use jiff::Timestamp;
use maud::{Markup, html};

use super::words::{many, span};
use crate::sink::journal::Hour;

/// How long an hour is, in milliseconds.
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// What one bar stands for.
#[derive(Clone, Debug, Default, PartialEq)]
struct Bar {
    sum: Hour,
}

/// What a row of bars is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Each of the last 24.
    Hours,
    /// Each of the last 30, of the calendar of UTC.
    Days,
}

impl Scale {
    const fn step(self) -> i64 {
        match self {
            Self::Hours => HOUR,
            Self::Days => DAY,
        }
    }

    const fn number(self) -> i64 {
        match self {
            Self::Hours => 24,
            Self::Days => 30,
        }
    }

    /// When the first bar begins, if it is `now`.
    pub(super) const fn begin(self, now: i64) -> i64 {
        let last = now.div_euclid(self.step());
        (last + 1 - self.number()) * self.step()
    }
}

impl Bar {
    fn add(&mut self, hour: &Hour) {
        self.sum.pass_ms += hour.pass_ms;
        self.sum.warn_ms += hour.warn_ms;
        self.sum.down_ms += hour.down_ms;
        self.sum.unknown_ms += hour.unknown_ms;
        self.sum.deaths += hour.deaths;
        if hour.reason.is_some() {
            self.sum.reason.clone_from(&hour.reason);
        }
    }

    /// The class that draws it: its colour and how high it is.
    fn class(&self, scale: Scale) -> &'static str {
        let Hour {
            pass_ms: pass,
            warn_ms: warn,
            down_ms: down,
            unknown_ms: unknown,
            ..
        } = self.sum;
        let known = pass + warn + down;
        // Some seconds of an hour that has just begun are not yet a bad hour.
        let whole = known.max(scale.step() / 10);
        match (known, unknown) {
            (0, 0) => "unwatched",
            (0, _) => "unknown",
            _ if down * 2 >= whole => "down",
            _ if down * 50 >= whole => "broken",
            _ if down > 0 => "dented",
            _ if warn * 20 >= whole => "uneasy",
            _ => "up",
        }
    }

    /// Whether there is something to tell of it.
    fn is_notable(&self) -> bool {
        self.sum.down_ms > 0 || self.sum.deaths > 0 || self.sum.unknown_ms > HOUR / 60
    }

    fn told(&self) -> String {
        let Hour {
            pass_ms: pass,
            warn_ms: warn,
            down_ms: down,
            unknown_ms: unknown,
            deaths,
            ..
        } = self.sum;
        if pass + warn + down + unknown == 0 {
            return "not watched".to_owned();
        }
        let mut parts = Vec::new();
        let mut part = |what: &str, ms: i64| {
            if ms > 0 {
                parts.push(format!("{what} {}", span(ms.unsigned_abs())));
            }
        };
        part("down", down);
        part("warning", warn);
        part("this monitor did not look for", unknown);
        if parts.is_empty() {
            parts.push("up all the time".to_owned());
        }
        if deaths > 0 {
            parts.push(many(deaths.unsigned_abs(), "death"));
        }
        let told = parts.join(", ");
        match &self.sum.reason {
            Some(reason) => format!("{told}: {reason}"),
            None => told,
        }
    }
}

fn bars(hours: &[Hour], scale: Scale, now: i64) -> Vec<Bar> {
    let begin = scale.begin(now);
    let step = scale.step();
    let mut bars: Vec<_> = (0..scale.number())
        .map(|number| Bar {
            sum: Hour {
                at: begin + number * step,
                ..Hour::default()
            },
        })
        .collect();
    for hour in hours {
        let place = (hour.at - begin).div_euclid(step);
        if let Some(bar) = usize::try_from(place)
            .ok()
            .and_then(|place| bars.get_mut(place))
        {
            bar.add(hour);
        }
    }
    bars
}

/// The row of bars of a service.
pub(super) fn row(label: &str, hours: &[Hour], scale: Scale, now: i64) -> Markup {
    html! {
        ol.bar aria-label=(label) {
            @for bar in bars(hours, scale, now) {
                li.(bar.class(scale)) tabindex=[bar.is_notable().then_some("0")] {
                    span.tip { (when(bar.sum.at, scale)) ": " (bar.told()) }
                }
            }
        }
    }
}

/// Which hour or day it is.
fn when(at: i64, scale: Scale) -> Markup {
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    let iso = at.strftime("%Y-%m-%dT%H:%M:%SZ");
    match scale {
        Scale::Hours => {
            html! { time datetime=(iso) data-form="hour" { (at.strftime("%-d %b, %H:%M UTC")) } }
        }
        // A day of UTC is no day of somewhere else: it is not translated.
        Scale::Days => html! { (at.strftime("%-d %B")) },
    }
}

/// The share of the time that a service was up, as people write it; `None` if nothing is known.
pub(super) fn uptime(hours: &[Hour]) -> Option<String> {
    let up: i64 = hours.iter().map(|hour| hour.pass_ms + hour.warn_ms).sum();
    let down: i64 = hours.iter().map(|hour| hour.down_ms).sum();
    share(up, down)
}

/// The share of a time that something was up.
pub(super) fn share(up: i64, down: i64) -> Option<String> {
    if up + down == 0 {
        return None;
    }
    // Rounded down: 99.999 % of a month was not all of it.
    let share = i128::from(up) * 100_000 / i128::from(up + down);
    Some(match share {
        100_000 => "100 %".to_owned(),
        share => format!("{}.{:03} %", share / 1000, share % 1000),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(at: i64, pass: i64, down: i64) -> Hour {
        Hour {
            at: at * HOUR,
            pass_ms: pass,
            down_ms: down,
            ..Hour::default()
        }
    }

    #[test]
    fn hours_fall_into_the_bars_of_their_time() {
        let now = 100 * HOUR + 5;
        let hours = [hour(76, 1, 0), hour(77, 2, 0), hour(100, 3, 0)];
        let bars = bars(&hours, Scale::Hours, now);
        assert_eq!(bars.len(), 24);
        // The one before the first bar is left out.
        assert_eq!(bars[0].sum.pass_ms, 2);
        assert_eq!(bars[23].sum.pass_ms, 3);
        let days = super::bars(&hours, Scale::Days, now);
        assert_eq!(
            (days.len(), days[29].sum.pass_ms, days[28].sum.pass_ms),
            (30, 3, 3)
        );
    }

    #[test]
    fn a_bar_is_lower_the_longer_it_was_down() {
        let class = |pass, down| {
            Bar {
                sum: hour(0, pass, down),
            }
            .class(Scale::Hours)
        };
        assert_eq!(class(0, 0), "unwatched");
        assert_eq!(class(HOUR, 0), "up");
        assert_eq!(class(HOUR - 1000, 1000), "dented");
        assert_eq!(class(HOUR - 600_000, 600_000), "broken");
        assert_eq!(class(0, HOUR), "down");
        assert_eq!(class(5000, 5000), "dented");
    }

    #[test]
    fn a_bar_tells_why() {
        let mut bar = Bar {
            sum: hour(0, HOUR - 61_000, 61_000),
        };
        bar.sum.deaths = 3;
        bar.sum.reason = Some("payments/7 died: silence".to_owned());
        assert_eq!(
            bar.told().replace('\u{a0}', " "),
            "down 61 s, 3 deaths: payments/7 died: silence"
        );
        assert!(bar.is_notable());
    }

    #[test]
    fn uptime_is_never_rounded_up() {
        assert_eq!(uptime(&[]), None);
        assert_eq!(uptime(&[hour(0, HOUR, 0)]).unwrap(), "100 %");
        assert_eq!(uptime(&[hour(0, 719 * HOUR, 1)]).unwrap(), "99.999 %");
        assert_eq!(uptime(&[hour(0, 3, 1)]).unwrap(), "75.000 %");
    }
}
