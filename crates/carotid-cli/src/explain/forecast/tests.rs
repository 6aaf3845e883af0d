use super::*;
use carotid::core::{Engine, Health, Open, SuspicionTarget, Tick};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn config(interval: u64, timeout: u64, suspicion: Suspicion) -> Config {
    Config {
        terms: Terms::new(ms(interval), ms(timeout)).unwrap(),
        suspicion,
        ..Config::default()
    }
}

fn adaptive() -> Suspicion {
    Suspicion::Adaptive(SuspicionTarget::default())
}

/// Event, cause, soonest, steady and latest, in ms.
type Row = (&'static str, Option<&'static str>, u128, u128, u128);

fn rows(way: Way, config: &Config) -> Vec<Row> {
    let row = |finding: &Finding| {
        (
            finding.kind.as_str(),
            finding.kind.cause().map(Cause::as_str),
            finding.soonest.as_millis(),
            finding.steady.as_millis(),
            finding.latest.as_millis(),
        )
    };
    findings(way, config).iter().map(row).collect()
}

#[test]
fn the_defaults_have_these_figures() {
    let config = Config::default();
    let silence = [
        ("suspect", Some("silence"), 2000, 18_000, 50_000),
        ("dead", Some("silence"), 50_000, 60_000, 60_000),
    ];
    let closed = [
        ("suspect", Some("closed"), 0, 10, 10),
        ("dead", Some("closed"), 50_000, 60_000, 60_000),
    ];
    assert_eq!(
        rows(Way::Goodbye, &config),
        [("left", Some("goodbye"), 0, 10, 10)]
    );
    assert_eq!(rows(Way::Exit, &config), closed);
    assert_eq!(rows(Way::Kill, &config), closed);
    assert_eq!(rows(Way::Frozen, &config), silence);
    assert_eq!(rows(Way::HostGone, &config), silence);
    assert_eq!(rows(Way::NetworkCut, &config), silence);
    assert_eq!(
        rows(Way::Wedged, &config),
        [("wedged", None, 20_000, 31_000, 31_000)]
    );
}

#[test]
fn the_fixed_rule_knows_one_patience() {
    let fixed = |intervals| config(10_000, 60_000, Suspicion::Fixed { intervals });
    let suspect = |intervals| rows(Way::Frozen, &fixed(intervals))[0];
    let silence = Some("silence");
    assert_eq!(suspect(2.5), ("suspect", silence, 15_000, 25_000, 25_000));
    assert_eq!(suspect(1.0), ("suspect", silence, 0, 10_000, 10_000));
    // Death must not come unannounced: one interval before it at the latest.
    assert_eq!(suspect(5.5), ("suspect", silence, 40_000, 50_000, 50_000));
    assert_eq!(suspect(1e6), ("suspect", silence, 40_000, 50_000, 50_000));
}

#[test]
fn a_short_timeout_limits_suspicion_to_one_and_a_half_intervals() {
    let config = config(1000, 2000, adaptive());
    assert_eq!(
        rows(Way::NetworkCut, &config),
        [
            ("suspect", Some("silence"), 200, 1500, 1500),
            ("dead", Some("silence"), 1000, 2000, 2000),
        ]
    );
}

#[test]
fn a_lost_connection_may_be_death() {
    let config = Config {
        on_disconnect: OnDisconnect::Dead,
        ..Config::default()
    };
    let dead = [("dead", Some("closed"), 0, 10, 10)];
    assert_eq!(rows(Way::Exit, &config), dead);
    assert_eq!(rows(Way::Kill, &config), dead);
    // A connection that nobody closes is not lost.
    assert_eq!(
        rows(Way::HostGone, &config)[1],
        ("dead", Some("silence"), 50_000, 60_000, 60_000)
    );
}

#[test]
fn the_engine_itself_is_as_patient() {
    for config in [
        Config::default(),
        config(1000, 2000, adaptive()),
        config(200, 1000, Suspicion::Fixed { intervals: 2.5 }),
        config(200, 1000, Suspicion::Fixed { intervals: 1.001 }),
        config(200, 1000, Suspicion::Fixed { intervals: 9.0 }),
    ] {
        let mut engine = Engine::new(&config).unwrap();
        let open = Open {
            name: "payments/7".parse().unwrap(),
            terms: None,
        };
        let start = Tick::from_nanos(0);
        let session = engine.open(start, open).unwrap().id;
        let health = |silence: Duration| engine.health(start.after(silence), session);
        let steady = Patience::of(&config).steady;
        assert_eq!(health(steady - ms(1)), Some(Health::Alive), "{config:?}");
        assert_eq!(health(steady + ms(1)), Some(Health::Suspect), "{config:?}");
    }
}

#[test]
fn the_quantiles_are_those_of_the_detector() {
    use carotid::core::Cohort;
    let untaught = f64::from(Patience::UNTAUGHT_QUANTILE);
    assert!((f64::from(Cohort::UNTAUGHT_QUANTILE) - untaught).abs() < 1e-9);
}

#[test]
fn every_why_is_one_sentence_with_its_arithmetic() {
    let config = Config::default();
    for forecast in forecasts(&config) {
        assert!(!forecast.why.contains(". "), "{}", forecast.why);
    }
    let exit = why(Way::Exit, &config);
    assert!(exit.contains("60s − 10s = 50s"), "{exit}");
    let frozen = why(Way::Frozen, &config);
    assert!(frozen.contains("12s to 50s"), "{frozen}");
}
