use std::time::Duration;

use carotid_core::Terms;

use super::{Allowance, Rule, Watch};
use crate::fleet::Arrival;

fn started(rule: Rule) -> Box<dyn Watch> {
    rule.start(Terms::new(Duration::from_secs(1), Duration::from_secs(60)).unwrap())
}

fn beat(number: u32, at: f64) -> Arrival {
    Arrival { at, number }
}

/// Feeds beats at these times and returns what is allowed after the last.
fn after(rule: Rule, arrivals: &[Arrival]) -> Allowance {
    let mut watch = started(rule);
    for pair in arrivals.windows(2) {
        watch.hear(pair[1], pair[1].at - pair[0].at);
    }
    watch.allowance(*arrivals.last().unwrap())
}

fn assert_near(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-3, "{actual}, not {expected}");
}

#[test]
fn exact_beats_are_expected_an_interval_later() {
    let arrivals: Vec<Arrival> = (0..5000).map(|n| beat(n, f64::from(n))).collect();
    for rule in [
        Rule::R2q,
        Rule::PhiNormal,
        Rule::Jacobson,
        Rule::TwoWindows,
        Rule::Chen,
    ] {
        assert_near(after(rule, &arrivals).base, 1.0);
    }
    for (rule, slope) in [
        (Rule::R2q, 0.05),
        (Rule::PhiNormal, 0.05),
        (Rule::Jacobson, 0.05),
    ] {
        assert_near(after(rule, &arrivals).slope, slope);
    }
    assert_near(after(Rule::Akka, &arrivals).base, 1.0 + 5.226 * 0.1);
    assert_near(after(Rule::Cassandra, &arrivals).slope, 10.0_f64.ln());
}

#[test]
fn a_lost_beat_does_not_move_what_chen_expects() {
    let arrivals = [beat(0, 0.2), beat(1, 1.2), beat(3, 3.2)];
    for rule in [Rule::Chen, Rule::TwoWindows] {
        assert_near(after(rule, &arrivals).base, 1.0);
    }
}

#[test]
fn a_shifted_schedule_lags_in_the_long_window_alone() {
    let shifted = |n: u32| beat(n, f64::from(n) + if n < 1000 { 0.0 } else { 2.0 });
    let arrivals: Vec<Arrival> = (0..1100).map(shifted).collect();
    assert_near(after(Rule::Chen, &arrivals).base, 1.0 - 1.8);
    assert_near(after(Rule::TwoWindows, &arrivals).base, 1.0);
}

#[test]
fn cassandra_does_not_learn_from_long_gaps() {
    let arrivals = [beat(0, 0.0), beat(9, 9.0)];
    assert_near(after(Rule::Cassandra, &arrivals).slope, 2.0 * 10.0_f64.ln());
}
