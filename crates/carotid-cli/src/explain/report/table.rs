//! The report as people read it.

use unicode_width::UnicodeWidthStr;

use super::{InForce, Line, Mass, Report, Row};
use crate::output;

impl Report {
    /// For people.
    pub(in crate::explain) fn table(&self) -> String {
        let mut text = self.settings.said();
        text += "\nTimes count from the moment of the failure.\n\n";
        text += &self.columns();
        text.push('\n');
        for row in &self.ways {
            text += &format!("{}: {}.\n", row.what, row.why);
        }
        text.push('\n');
        text += &self.notes();
        text
    }

    fn columns(&self) -> String {
        let steady = self.settings.suspect_after_intervals.is_none();
        let measured = self.ways.iter().any(Row::was_tried);
        let mut titles = vec!["WAY", "EVENT", "SOONEST"];
        if steady {
            titles.push("STEADY");
        }
        titles.extend(["LATEST", "CAUSE"]);
        if measured {
            titles.extend(["MEASURED", "AS COMPUTED"]);
        }
        let mut cells = vec![Vec::from_iter(titles.into_iter().map(str::to_owned))];
        for row in &self.ways {
            for (index, line) in row.events.iter().enumerate() {
                let way = if index == 0 { row.what } else { "" };
                let mut columns = vec![way.to_owned(), line.event.to_owned()];
                columns.push(noticed(line.best_ms));
                if steady {
                    columns.push(noticed(line.steady_ms));
                }
                columns.push(noticed(line.worst_ms));
                columns.push(line.cause.unwrap_or("-").to_owned());
                if measured {
                    columns.extend(line.measured(row.not_measured.as_deref()));
                }
                cells.push(columns);
            }
        }
        aligned(&cells)
    }

    /// What holds for all rows.
    fn notes(&self) -> String {
        let settings = &self.settings;
        let (interval, timeout) = (settings.interval_ms, settings.timeout_ms);
        let mut text = String::new();
        if settings.suspect_after_intervals.is_none() {
            text += "STEADY is the latest for a peer whose beats came exact and whose like has taught nothing yet; LATEST holds for any.\n";
        }
        if let Some(mass) = &self.mass_silence {
            text += &mass.said(timeout);
        }
        text += &format!(
            "Peers that ask for an interval and a timeout of their own (carotid beat, carotid::Client) are judged by those instead of {} and {}.\n",
            said(interval),
            said(timeout)
        );
        let missing = self.ways.iter().filter_map(|row| {
            let why = row.not_measured.as_ref()?;
            Some(format!("{} was not measured: {why}.\n", row.what))
        });
        text.extend(missing);
        if self.ways.iter().any(Row::was_tried) {
            text += &format!(
                "Measured with a scratch daemon of these settings, without mass silence; a time is as computed within {} of it.\n",
                said(self.tolerance_ms)
            );
        }
        text
    }
}

impl InForce {
    fn said(&self) -> String {
        let rule = match (self.suspect_after_intervals, self.false_suspicions_per_day) {
            (Some(intervals), _) => format!("fixed, {intervals} intervals"),
            (None, Some(target)) => {
                format!("adaptive, at most {target} false suspicions for each session and day")
            }
            (None, None) => "adaptive".to_owned(),
        };
        let silence = if self.suspect_silence_best_ms == self.suspect_silence_worst_ms {
            format!("{} of silence", said(self.suspect_silence_worst_ms))
        } else {
            format!(
                "{} to {} of silence",
                said(self.suspect_silence_best_ms),
                said(self.suspect_silence_worst_ms)
            )
        };
        format!(
            "interval {}, timeout {}, on_disconnect = {}\ndetector {rule}: suspect after {silence}\n",
            said(self.interval_ms),
            said(self.timeout_ms),
            self.on_disconnect,
        )
    }
}

impl Mass {
    fn said(&self, timeout_ms: u64) -> String {
        let (timeout, hold) = (said(timeout_ms), said(self.hold_ms));
        let mut text = format!(
            "Mass silence: when more than {} % of a service of {} sessions or more, or of all, are about to die, death comes {hold} later ({timeout} + {hold} = {})",
            Percent(self.share),
            self.least_sessions,
            said(timeout_ms + self.hold_ms)
        );
        if self.hold_ms < self.max_hold_ms {
            let max_hold = said(self.max_hold_ms);
            text += &format!(
                ", or up to {max_hold} later if some come back ({timeout} + {max_hold} = {})",
                said(self.dead_worst_ms)
            );
        }
        let rate = self.releases_per_second;
        let million = said(1_000_000_000 / u64::from(rate.max(1)));
        text + &format!(
            "; then at most {rate} sessions die in a second (a million in {million}).\n"
        )
    }
}

/// A share, without digits that say nothing.
struct Percent(f64);

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:.4}", self.0 * 100.0);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Line {
    /// The last two columns.
    fn measured(&self, not_measured: Option<&str>) -> [String; 2] {
        let Some(sight) = &self.measured else {
            let why = not_measured.map_or("-", |_| "not measured");
            return [why.to_owned(), "-".to_owned()];
        };
        let after = match sight.after_ms {
            Some(ms @ ..1000) => format!("{ms}ms"),
            Some(ms) => said(ms),
            None => "never".to_owned(),
        };
        let verdict = match (sight.as_computed, &sight.cause) {
            (true, _) => "yes".to_owned(),
            (false, Some(cause)) if Some(cause.as_str()) != self.cause => format!("no ({cause})"),
            (false, _) => "no".to_owned(),
        };
        [after, verdict]
    }
}

/// When something is noticed, as a person would say it; what the kernel tells, it tells at once.
fn noticed(ms: u64) -> String {
    match ms {
        0..=10 => "at once".to_owned(),
        _ => said(ms),
    }
}

/// A duration as a person would say it.
pub(super) fn said(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms}ms"),
        1000..600_000 => {
            let tenths = ms / 100;
            let (seconds, tenth) = (tenths / 10, tenths % 10);
            match tenth {
                0 => format!("{seconds}s"),
                _ => format!("{seconds}.{tenth}s"),
            }
        }
        _ => output::roughly(ms),
    }
}

/// Cells in columns as wide as their widest, two spaces between them.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let missing = width.saturating_sub(cell.width());
            line += &format!("{cell}{:missing$}  ", "");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_unit_that_fits() {
        let times = [0, 10, 999, 1000, 1500, 60_000, 599_999, 600_000];
        assert_eq!(
            times.map(said),
            [
                "0ms", "10ms", "999ms", "1s", "1.5s", "60s", "599.9s", "10m00s"
            ]
        );
        assert_eq!([10, 11].map(noticed), ["at once", "11ms"]);
    }

    #[test]
    fn shares_have_no_digits_that_say_nothing() {
        let percent = |share| Percent(share).to_string();
        assert_eq!([0.15, 0.3, 1.0, 0.0].map(percent), ["15", "30", "100", "0"]);
    }

    #[test]
    fn mass_silence_shows_what_it_adds() {
        let mass = Mass {
            share: 0.15,
            least_sessions: 10,
            hold_ms: 10_000,
            max_hold_ms: 30_000,
            releases_per_second: 10_000,
            dead_worst_ms: 90_000,
        };
        let said = mass.said(60_000);
        for part in ["60s + 10s = 70s", "60s + 30s = 90s", "a million in 100s"] {
            assert!(said.contains(part), "{said}");
        }
    }
}
