use core::time::Duration;

use super::{Cohort, Detector, SuspicionTarget};
use crate::Terms;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn terms() -> Terms {
    Terms::new(ms(1000), ms(60_000)).unwrap()
}

fn cohort(per_day: f64) -> Cohort {
    Cohort::new(ms(1000), SuspicionTarget::per_day(per_day).unwrap())
}

fn near(left: Duration, right: Duration) -> bool {
    left.abs_diff(right) < Duration::from_micros(10)
}

#[test]
fn eight_bytes_are_all_it_takes() {
    assert_eq!(size_of::<Detector>(), 8);
    assert!(size_of::<Cohort>() <= 416);
}

#[test]
fn constant_arrivals_leave_the_floor() {
    let (mut detector, mut cohort) = (Detector::default(), cohort(5.0));
    for _ in 0..10_000 {
        detector.observe(&mut cohort, ms(1000), terms());
    }
    assert!(near(detector.spread(terms()), ms(50)));
    assert_eq!(cohort.beats(), 10_000);
}

#[test]
fn a_burst_of_lateness_counts_at_once_and_fades() {
    let (mut detector, mut cohort) = (Detector::default(), cohort(5.0));
    detector.observe(&mut cohort, ms(2000), terms());
    let after_one = detector.spread(terms());
    assert!(near(
        after_one,
        Duration::from_secs_f64((1.0_f64 / 32.0).sqrt())
    ));
    for _ in 0..31 {
        detector.observe(&mut cohort, ms(2000), terms());
    }
    let burst = detector.spread(terms());
    assert!(ms(750) < burst, "{burst:?}");
    for _ in 0..100 {
        detector.observe(&mut cohort, ms(1000), terms());
    }
    // The fast moment has faded to a 24th of what it was; the slow one still remembers.
    let remembered = detector.spread(terms());
    assert!(
        ms(100) < remembered && remembered < ms(200),
        "{remembered:?}"
    );
    for _ in 0..20_000 {
        detector.observe(&mut cohort, ms(1000), terms());
    }
    assert!(near(detector.spread(terms()), ms(50)));
}

#[test]
fn patience_is_sixteen_sigmas_until_enough_is_known() {
    let (mut detector, mut cohort) = (Detector::default(), cohort(5.0));
    // 3/p is 51,840 beats at 5 a day.
    for _ in 0..51_839 {
        detector.observe(&mut cohort, ms(1000), terms());
    }
    assert!(near(detector.patience(&cohort, terms(), 0), ms(1800)));
    detector.observe(&mut cohort, ms(1000), terms());
    assert!(near(detector.patience(&cohort, terms(), 0), ms(1200)));
}

#[test]
fn the_quantile_is_met_by_the_share_of_beats_that_the_target_allows() {
    // One beat in a thousand is 0.7 s late, 14 floors; the target allows one in 3600.
    let mut cohort = cohort(24.0);
    let mut detectors = [Detector::default(); 1000];
    for round in 0..30 {
        for (number, detector) in detectors.iter_mut().enumerate() {
            let gap = if number == round { 1700 } else { 1000 };
            detector.observe(&mut cohort, ms(gap), terms());
        }
    }
    assert!(14.0 < cohort.quantile(), "{}", cohort.quantile());
    assert!(cohort.quantile() < 14.0 * 1.2, "{}", cohort.quantile());
}

#[test]
fn patience_is_never_below_the_interval_nor_beyond_the_timeout() {
    let (mut detector, mut cohort) = (Detector::default(), cohort(5.0));
    assert!(terms().interval() < detector.patience(&cohort, terms(), 0));
    for gap in [ms(0), ms(1), ms(999), ms(60_000), Duration::MAX] {
        detector.observe(&mut cohort, gap, terms());
        let patience = detector.patience(&cohort, terms(), 0);
        assert!(terms().interval() <= patience && patience <= terms().timeout());
    }
    for score in [1, 8, u32::MAX] {
        assert_eq!(
            detector.patience(&cohort, terms(), score),
            terms().timeout()
        );
    }
}

#[test]
fn terms_at_their_limits_are_no_trouble() {
    for (interval, timeout) in [
        (Terms::MIN_INTERVAL, ms(20)),
        (Terms::MIN_INTERVAL, Terms::MAX_TIMEOUT),
        (Terms::MAX_TIMEOUT / 2, Terms::MAX_TIMEOUT),
    ] {
        let terms = Terms::new(interval, timeout).unwrap();
        for target in [SuspicionTarget::LEAST, SuspicionTarget::MOST] {
            let target = SuspicionTarget::per_day(target).unwrap();
            let mut cohort = Cohort::new(interval, target);
            let mut detector = Detector::default();
            for gap in [Duration::MAX, Duration::ZERO, interval, timeout] {
                detector.observe(&mut cohort, gap, terms);
                let patience = detector.patience(&cohort, terms, 3);
                assert!(interval <= patience && patience <= timeout);
            }
        }
    }
}

#[test]
fn our_own_bad_health_widens_the_margin() {
    let (detector, cohort) = (Detector::default(), cohort(5.0));
    let margin = |score| detector.patience(&cohort, terms(), score) - terms().interval();
    assert!(near(margin(1), margin(0) * 2));
    assert!(near(margin(3), margin(0) * 4));
}

#[test]
fn a_flood_of_beats_teaches_the_others_nothing() {
    let (mut detector, mut cohort) = (Detector::default(), cohort(5.0));
    for _ in 0..1000 {
        detector.observe(&mut cohort, ms(1), terms());
    }
    assert_eq!(cohort.beats(), 0);
}

#[test]
fn hostile_lateness_moves_one_count_a_beat_and_a_bounded_quantile() {
    let mut cohort = cohort(24.0);
    let mut detector = Detector::default();
    for late in 0..20_000_u64 {
        let gap = if late % 40 == 0 { 60_000 } else { 1000 };
        detector.observe(&mut cohort, ms(gap), terms());
    }
    assert_eq!(cohort.beats(), 20_000);
    assert!(cohort.quantile() <= 64.0);
}

#[test]
fn targets_beyond_what_can_be_learned_are_refused() {
    for per_day in [0.1, 5.0, 864.0] {
        assert!(SuspicionTarget::per_day(per_day).is_ok());
    }
    for per_day in [0.0, -1.0, 0.099, 865.0, f64::INFINITY, f64::NAN] {
        assert!(SuspicionTarget::per_day(per_day).is_err());
    }
}
