//! What is printed, as its JSON says it: the settings in force, each way to die with its events, and
//! why.

mod table;

use std::time::Duration;

use carotid::ServerConfig;
use carotid::core::{OnDisconnect, Suspicion};
use serde::Serialize;

use super::forecast::{Finding, Forecast, Patience};
use super::measure::{Measured, Outcome, TOLERANCE};
use table::said;

/// All of it, as `-o json` prints it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) settings: InForce,
    /// What mass silence adds to a death; `null` where it is switched off.
    pub(super) mass_silence: Option<Mass>,
    /// How far a measured time may lie outside of the computed ones.
    pub(super) tolerance_ms: u64,
    pub(super) ways: Vec<Row>,
}

/// The settings that decide.
#[derive(Debug, Serialize)]
pub(super) struct InForce {
    interval_ms: u64,
    timeout_ms: u64,
    detector: &'static str,
    false_suspicions_per_day: Option<f64>,
    suspect_after_intervals: Option<f64>,
    /// The silence that makes a session suspect.
    suspect_silence_best_ms: u64,
    suspect_silence_steady_ms: u64,
    suspect_silence_worst_ms: u64,
    on_disconnect: &'static str,
}

/// What mass silence is, and how long it holds deaths back.
#[derive(Debug, Serialize)]
pub(super) struct Mass {
    share: f64,
    least_sessions: u32,
    /// If nobody comes back.
    hold_ms: u64,
    /// If somebody does.
    max_hold_ms: u64,
    releases_per_second: u32,
    /// The latest death of all, before the bounded rate of releases.
    dead_worst_ms: u64,
}

/// One way to die.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    way: &'static str,
    what: &'static str,
    events: Vec<Line>,
    why: String,
    /// With `--measure`: why there is no measurement.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_measured: Option<String>,
}

/// One of its events.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    event: &'static str,
    cause: Option<&'static str>,
    best_ms: u64,
    steady_ms: u64,
    worst_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<Sight>,
}

/// What came of an event when it was done for real.
#[derive(Debug, Serialize)]
pub(super) struct Sight {
    /// `null` if it did not come in time.
    after_ms: Option<u64>,
    cause: Option<String>,
    /// How long the scratch daemon did not run meanwhile; that is not held against the peer.
    stalled_ms: u64,
    as_computed: bool,
}

impl Report {
    pub(super) fn new(server: &ServerConfig, forecasts: &[Forecast]) -> Self {
        Self {
            settings: InForce::of(server),
            mass_silence: Mass::of(server),
            tolerance_ms: whole_ms(TOLERANCE),
            ways: forecasts.iter().map(Row::of).collect(),
        }
    }

    /// Puts what was measured beside what was computed.
    pub(super) fn add(&mut self, forecasts: &[Forecast], outcomes: Vec<Outcome>) {
        let rows = self.ways.iter_mut().zip(forecasts).zip(outcomes);
        for ((row, forecast), outcome) in rows {
            match outcome {
                Outcome::NotMeasured(why) => row.not_measured = Some(why),
                Outcome::Measured(measured) => {
                    let findings = row.events.iter_mut().zip(&forecast.findings);
                    for ((line, finding), measured) in findings.zip(measured) {
                        line.measured = Some(Sight::of(finding, measured));
                    }
                }
            }
        }
    }

    /// Each event that did not come as computed, in words.
    pub(super) fn surprises(&self) -> Vec<String> {
        let mut surprises = Vec::new();
        for row in &self.ways {
            for line in &row.events {
                let Some(sight) = line.measured.as_ref().filter(|sight| !sight.as_computed) else {
                    continue;
                };
                let (best, worst) = (said(line.best_ms), said(line.worst_ms));
                let came = match (sight.after_ms, &sight.cause) {
                    (None, _) => "did not come".to_owned(),
                    (Some(after), Some(cause)) => format!("after {} of {cause}", said(after)),
                    (Some(after), None) => format!("after {}", said(after)),
                };
                surprises.push(format!(
                    "{} of {}: {came}, computed {best} to {worst}",
                    line.event, row.way
                ));
            }
        }
        surprises
    }
}

impl InForce {
    fn of(server: &ServerConfig) -> Self {
        let engine = &server.engine;
        let patience = Patience::of(engine);
        let (detector, per_day, intervals) = match engine.suspicion {
            Suspicion::Fixed { intervals } => ("fixed", None, Some(intervals)),
            Suspicion::Adaptive(target) => ("adaptive", Some(target.count_per_day()), None),
        };
        Self {
            interval_ms: whole_ms(engine.terms.interval()),
            timeout_ms: whole_ms(engine.terms.timeout()),
            detector,
            false_suspicions_per_day: per_day,
            suspect_after_intervals: intervals,
            suspect_silence_best_ms: whole_ms(patience.least),
            suspect_silence_steady_ms: whole_ms(patience.steady),
            suspect_silence_worst_ms: whole_ms(patience.most),
            on_disconnect: match engine.on_disconnect {
                OnDisconnect::Suspect => "suspect",
                OnDisconnect::Dead => "dead",
            },
        }
    }
}

impl Mass {
    fn of(server: &ServerConfig) -> Option<Self> {
        let breaker = &server.breaker;
        let terms = server.engine.terms;
        let max_hold = breaker.longest_hold(terms.interval());
        let hold = breaker.shortest_hold(terms.interval());
        // More than all sessions are never silent.
        (breaker.share < 1.0).then(|| Self {
            share: breaker.share,
            least_sessions: breaker.least_sessions,
            hold_ms: whole_ms(hold),
            max_hold_ms: whole_ms(max_hold),
            releases_per_second: breaker.releases_per_second,
            dead_worst_ms: whole_ms(terms.timeout() + max_hold),
        })
    }
}

impl Row {
    fn of(forecast: &Forecast) -> Self {
        Self {
            way: forecast.way.as_str(),
            what: forecast.way.what(),
            events: forecast.findings.iter().map(Line::of).collect(),
            why: forecast.why.clone(),
            not_measured: None,
        }
    }

    fn was_tried(&self) -> bool {
        self.not_measured.is_some() || self.events.iter().any(|line| line.measured.is_some())
    }
}

impl Line {
    fn of(finding: &Finding) -> Self {
        Self {
            event: finding.kind.as_str(),
            cause: finding.kind.cause().map(carotid::core::Cause::as_str),
            best_ms: whole_ms(finding.soonest),
            steady_ms: whole_ms(finding.steady),
            worst_ms: whole_ms(finding.latest),
            measured: None,
        }
    }
}

impl Sight {
    fn of(finding: &Finding, measured: Option<Measured>) -> Self {
        let Some(measured) = measured else {
            return Self {
                after_ms: None,
                cause: None,
                stalled_ms: 0,
                as_computed: false,
            };
        };
        let latest = finding.latest + measured.stalled + TOLERANCE;
        let in_time = finding.soonest <= measured.after + TOLERANCE && measured.after <= latest;
        let cause = finding.kind.cause().map(carotid::core::Cause::as_str);
        let is_expected = match (cause, measured.cause.as_deref()) {
            // A kernel resets what it closes while something in it is unread.
            (Some("closed"), Some("closed" | "reset")) => true,
            (expected, seen) => expected == seen,
        };
        Self {
            after_ms: Some(whole_ms(measured.after)),
            cause: measured.cause,
            stalled_ms: whole_ms(measured.stalled),
            as_computed: in_time && is_expected,
        }
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::forecast::forecasts;
    use crate::explain::measure::Measured;

    fn measured(after: u64, cause: &str) -> Option<Measured> {
        Some(Measured {
            after: Duration::from_millis(after),
            cause: Some(cause.to_owned()),
            stalled: Duration::ZERO,
        })
    }

    /// A report in which suspicion and death of a frozen peer were measured as said.
    fn report(suspect: Option<Measured>, dead: Option<Measured>) -> Report {
        let server = ServerConfig::default();
        let forecasts = forecasts(&server.engine);
        let mut report = Report::new(&server, &forecasts);
        let not_measured = || Outcome::NotMeasured("no time".to_owned());
        let mut outcomes: Vec<_> = forecasts.iter().map(|_| not_measured()).collect();
        outcomes[3] = Outcome::Measured(vec![suspect, dead]);
        report.add(&forecasts, outcomes);
        report
    }

    #[test]
    fn what_lies_within_the_computed_times_is_no_surprise() {
        for (suspect, dead) in [(2000, 50_000), (50_000, 60_000), (1750, 60_250)] {
            let report = report(measured(suspect, "silence"), measured(dead, "silence"));
            assert_eq!(report.surprises(), Vec::<String>::new());
            let table = report.table();
            assert!(
                table.contains("goodbye was not measured: no time."),
                "{table}"
            );
        }
    }

    #[test]
    fn a_surprise_says_what_came_and_what_was_computed() {
        let surprises = |suspect, dead| report(suspect, dead).surprises().join("; ");
        assert_eq!(
            surprises(measured(1749, "silence"), measured(60_251, "silence")),
            "suspect of frozen: after 1.7s of silence, computed 2s to 50s; \
             dead of frozen: after 60.2s of silence, computed 50s to 60s"
        );
        assert_eq!(
            surprises(measured(9000, "closed"), None),
            "suspect of frozen: after 9s of closed, computed 2s to 50s; \
             dead of frozen: did not come, computed 50s to 60s"
        );
    }

    #[test]
    fn a_stall_of_the_daemon_is_not_held_against_anybody() {
        let stalled = Measured {
            stalled: Duration::from_secs(3),
            ..measured(63_000, "silence").unwrap()
        };
        let report = report(measured(9000, "silence"), Some(stalled));
        assert_eq!(report.surprises(), Vec::<String>::new());
    }
}
