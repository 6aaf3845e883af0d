//! How often a detector is wrong and how late it is right, for every setting of its knob at once.
//!
//! A peer crashes at a uniformly random moment of the day. If that falls into a silence of length
//! g, and the silence allowed is s, then suspicion comes s after the last beat, or was there
//! already. Integrated over the silence, the detection time is s·g − g²/2 while g ≤ s, and s²/2
//! where the detector suspects wrongly. With s = base + knob·slope both are parabolas in the knob,
//! so it is enough to note, for each silence, at which knobs one parabola replaces another.

use crate::rival::Allowance;

/// Knobs at which the curve is known: a 200th of the range's logarithm apart from each other, or
/// less.
const POINTS: usize = 2000;

/// What a detector achieves at one knob.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The knob.
    pub knob: f64,
    /// False suspicions for each session and day.
    pub mistakes: f64,
    /// Mean seconds from a crash to its suspicion.
    pub detection: f64,
}

/// Gathers silences, and turns them into a curve.
#[derive(Clone, Debug)]
pub struct Curve {
    least: f64,
    /// Between two neighbouring knobs, the logarithm of their ratio.
    step: f64,
    /// The most silence allowed, in seconds: the session's timeout.
    most: f64,
    /// What comes to hold at each knob, and from there on.
    changes: Vec<Change>,
    watched: f64,
}

/// A count of mistakes and a parabola in the knob.
#[derive(Clone, Copy, Debug, Default)]
struct Change {
    mistakes: i64,
    constant: f64,
    linear: f64,
    square: f64,
}

impl Change {
    const MISTAKE: Self = Self::counted(1);
    const NO_MISTAKE: Self = Self::counted(-1);

    const fn counted(mistakes: i64) -> Self {
        Self {
            mistakes,
            constant: 0.0,
            linear: 0.0,
            square: 0.0,
        }
    }

    /// s·g − g²/2: suspicion would come after the silence.
    fn patient(Allowance { base, slope }: Allowance, gap: f64) -> Self {
        Self {
            constant: (base - gap / 2.0) * gap,
            linear: slope * gap,
            ..Self::default()
        }
    }

    /// s²/2: suspicion comes within the silence.
    fn hasty(Allowance { base, slope }: Allowance) -> Self {
        Self {
            constant: base * base / 2.0,
            linear: base * slope,
            square: slope * slope / 2.0,
            mistakes: 0,
        }
    }

    /// The integral for a silence that no knob makes a difference to any more.
    fn settled(integral: f64) -> Self {
        Self {
            constant: integral,
            ..Self::default()
        }
    }

    fn add(&mut self, other: Self) {
        self.mistakes += other.mistakes;
        self.constant += other.constant;
        self.linear += other.linear;
        self.square += other.square;
    }

    fn subtract(&mut self, other: Self) {
        self.mistakes -= other.mistakes;
        self.constant -= other.constant;
        self.linear -= other.linear;
        self.square -= other.square;
    }
}

impl Curve {
    /// A curve over this range of knobs, for sessions with this timeout in seconds.
    #[must_use]
    pub fn new((least, largest): (f64, f64), most: f64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "2000 is not much")]
        let steps = (POINTS - 1) as f64;
        Self {
            least,
            step: (largest / least).ln() / steps,
            most,
            changes: vec![Change::default(); POINTS + 1],
            watched: 0.0,
        }
    }

    /// Notes a silence of `gap` seconds before which so much was allowed.
    pub fn note(&mut self, allowance: Allowance, gap: f64) {
        self.watched += gap;
        let knob_of = |silence: f64| (silence - allowance.base) / allowance.slope;
        let hasty_from = self.first_at_least(knob_of(0.0));
        let right_from = self.first_at_least(knob_of(gap.min(self.most)));
        let capped_from = self.first_at_least(knob_of(self.most));

        // Suspicion at the very beat, then within the silence, after it, and at the timeout.
        self.changes[0].add(Change::MISTAKE);
        let hasty = Change::hasty(allowance);
        self.changes[hasty_from].add(hasty);
        self.changes[right_from].subtract(hasty);
        if self.most < gap {
            // Whatever the knob, the timeout comes before the beat.
            self.changes[right_from].add(Change::settled(self.most * self.most / 2.0));
            return;
        }
        let patient = Change::patient(allowance, gap);
        self.changes[right_from].add(Change::NO_MISTAKE);
        self.changes[right_from].add(patient);
        self.changes[capped_from].subtract(patient);
        self.changes[capped_from].add(Change::settled((self.most - gap / 2.0) * gap));
    }

    /// What is achieved at every knob, from the hastiest on.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        let mut sum = Change::default();
        let mut points = Vec::with_capacity(POINTS);
        for (index, change) in self.changes[..POINTS].iter().enumerate() {
            sum.add(*change);
            let knob = self.knob(index);
            let integral = sum.constant + knob * (sum.linear + knob * sum.square);
            #[expect(clippy::cast_precision_loss, reason = "a count of beats")]
            let mistakes = sum.mistakes as f64;
            points.push(Point {
                knob,
                mistakes: mistakes / (self.watched / 86_400.0),
                detection: integral / self.watched,
            });
        }
        points
    }

    /// The soonest detection with at most so many mistakes for each session and day.
    #[must_use]
    pub fn best(&self, mistakes: f64) -> Option<Point> {
        self.points()
            .into_iter()
            .find(|point| point.mistakes <= mistakes)
    }

    #[expect(clippy::cast_precision_loss, reason = "an index below 2000")]
    fn knob(&self, index: usize) -> f64 {
        self.least * (self.step * index as f64).exp()
    }

    /// The first of the curve's knobs that is no less than this one.
    fn first_at_least(&self, knob: f64) -> usize {
        if knob <= self.least {
            return 0;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and the cast saturates"
        )]
        let index = ((knob / self.least).ln() / self.step).ceil() as usize;
        index.min(POINTS)
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowance, Curve};

    const TIMEOUT: f64 = 60.0;

    /// A curve is right if it says what counting says, at every knob.
    fn assert_counted(silences: &[(Allowance, f64)]) {
        let mut curve = Curve::new((0.01, 100.0), TIMEOUT);
        for (allowance, gap) in silences {
            curve.note(*allowance, *gap);
        }
        let watched: f64 = silences.iter().map(|(_, gap)| gap).sum();
        for point in curve.points() {
            let (mut mistakes, mut integral) = (0.0, 0.0);
            for (allowance, gap) in silences {
                let allowed = (allowance.base + point.knob * allowance.slope).clamp(0.0, TIMEOUT);
                if allowed < *gap {
                    mistakes += 1.0;
                    integral += allowed * allowed / 2.0;
                } else {
                    integral += (allowed - gap / 2.0) * gap;
                }
            }
            assert!((point.mistakes - mistakes / (watched / 86_400.0)).abs() < 1e-6);
            assert!(
                (point.detection - integral / watched).abs() < 1e-9,
                "{point:?}"
            );
        }
    }

    const fn allowance(base: f64, slope: f64) -> Allowance {
        Allowance { base, slope }
    }

    #[test]
    fn the_curve_is_what_counting_says() {
        assert_counted(&[
            (allowance(1.0, 0.05), 1.0),
            (allowance(1.0, 0.5), 1.7),
            (allowance(0.0, 1.0), 30.0),
            (allowance(-2.0, 1.0), 0.001),
            (allowance(-2.0, 1.0), 59.0),
            (allowance(1.0, 0.3), 500.0),
            (allowance(-1.0, 0.3), 61.0),
        ]);
    }

    #[test]
    fn a_knob_that_meets_the_gap_exactly_makes_no_mistake() {
        let mut curve = Curve::new((0.5, 60.0), TIMEOUT);
        curve.note(allowance(0.0, 1.0), 0.5);
        assert!(curve.points().iter().all(|point| point.mistakes == 0.0));
    }

    #[test]
    fn the_best_knob_is_the_first_with_so_few_mistakes() {
        let mut curve = Curve::new((0.5, 60.0), TIMEOUT);
        for gap in [1.0, 1.0, 2.0, 5.0] {
            curve.note(allowance(0.0, 1.0), gap);
        }
        let a_day = 86_400.0 / 9.0;
        let knob = |mistakes: f64| curve.best(mistakes * a_day).unwrap().knob;
        assert!((knob(0.0) - 5.0).abs() < 0.05);
        assert!((knob(1.5) - 2.0).abs() < 0.02);
        assert!(knob(4.0) < 1.0);
    }
}
