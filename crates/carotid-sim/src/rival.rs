//! The detectors that are compared, each reduced to what its one knob multiplies.
//!
//! After every beat a detector allows a silence of `base + knob·slope`. That form is exact for all
//! of them, so one pass over a trace tells a detector's whole curve.

mod window;

use std::time::Duration;

use carotid_core::{Cohort, Detector, SuspicionTarget, Terms};

use self::window::Window;
use crate::fleet::Arrival;

/// A way to decide when a silent session is suspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// carotid's, with its quantile as a knob instead of learned.
    R2q,
    /// The same silence for all.
    Fixed,
    /// Phi accrual with a normal distribution over 1000 gaps (Hayashibara et al., SRDS 2004); the
    /// knob is the threshold, as deviations.
    PhiNormal,
    /// Phi accrual as Akka and Pekko ship it: threshold 8, deviation at least 100 ms; the knob is
    /// the acceptable pause.
    Akka,
    /// Phi accrual as Cassandra ships it: exponential, over 1000 gaps of at most two intervals;
    /// the knob is the threshold.
    Cassandra,
    /// Smoothed mean and deviation as TCP has them (Jacobson, Karels 1988); the knob multiplies
    /// the deviation.
    Jacobson,
    /// The later of the expected arrivals by 1 and by 1000 beats (2W-FD: Tomsic, Sens, Garcia,
    /// Arantes, Sopena 2015); the knob is a margin.
    TwoWindows,
    /// The expected arrival by 1000 beats (NFD-E: Chen, Toueg, Aguilera 2002); the knob is a
    /// margin.
    Chen,
}

/// The silence allowed from a beat on: `base + knob·slope`, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowance {
    /// What no knob changes.
    pub base: f64,
    /// What the knob multiplies; positive.
    pub slope: f64,
}

/// The state of one detector for one session.
pub trait Watch {
    /// Learns from a beat that ended a silence of `gap` seconds.
    fn hear(&mut self, arrival: Arrival, gap: f64);

    /// What it allows after the last beat.
    fn allowance(&self, last: Arrival) -> Allowance;
}

const WINDOW: usize = 1000;

impl Rule {
    /// All of them, carotid's first.
    pub const ALL: [Self; 8] = [
        Self::R2q,
        Self::PhiNormal,
        Self::Akka,
        Self::Jacobson,
        Self::TwoWindows,
        Self::Fixed,
        Self::Cassandra,
        Self::Chen,
    ];

    /// Its name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::R2q => "R2Q",
            Self::Fixed => "fixed",
            Self::PhiNormal => "phi, normal",
            Self::Akka => "phi, Akka",
            Self::Cassandra => "phi, Cassandra",
            Self::Jacobson => "Jacobson/Karels",
            Self::TwoWindows => "2W",
            Self::Chen => "Chen",
        }
    }

    /// What the knob is, and its unit.
    #[must_use]
    pub const fn knob(self) -> &'static str {
        match self {
            Self::R2q => "quantile, σ",
            Self::Fixed => "silence, s",
            Self::PhiNormal => "threshold, deviations",
            Self::Akka => "acceptable pause, s",
            Self::Cassandra => "threshold, phi",
            Self::Jacobson => "factor of the deviation",
            Self::TwoWindows | Self::Chen => "margin, s",
        }
    }

    /// The state it keeps for a session, in bytes, its window and last beat included.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::R2q => size_of::<Detector>() + 16,
            Self::Fixed => 8,
            Self::PhiNormal | Self::Akka | Self::Cassandra | Self::Chen | Self::TwoWindows => {
                WINDOW * 8
            }
            Self::Jacobson => 24,
        }
    }

    /// The range in which its best knob is looked for: wide enough that an end of it is no
    /// detector any more.
    #[must_use]
    pub const fn range(self) -> (f64, f64) {
        match self {
            Self::R2q => (0.25, 1200.0),
            Self::Fixed => (0.5, 60.0),
            Self::Cassandra => (0.2, 30.0),
            Self::PhiNormal | Self::Jacobson => (0.25, 100_000.0),
            Self::Akka | Self::TwoWindows | Self::Chen => (0.01, 60.0),
        }
    }

    /// Begins to watch a session with these terms.
    #[must_use]
    pub fn start(self, terms: Terms) -> Box<dyn Watch> {
        let interval = terms.interval().as_secs_f64();
        match self {
            Self::R2q => Box::new(R2q::new(terms)),
            Self::Fixed => Box::new(Fixed),
            Self::PhiNormal => Box::new(Normal::new(interval, LEAST_DEVIATION * interval)),
            Self::Akka => Box::new(Akka(Normal::new(interval, AKKA_LEAST_DEVIATION))),
            Self::Cassandra => Box::new(Cassandra::new(interval)),
            Self::Jacobson => Box::new(Jacobson::new(interval)),
            Self::TwoWindows => Box::new(Expected::new(interval, &[1, WINDOW])),
            Self::Chen => Box::new(Expected::new(interval, &[WINDOW])),
        }
    }
}

/// R2Q with its quantile as a knob: the engine's own arithmetic gives σ.
struct R2q {
    terms: Terms,
    detector: Detector,
    /// Needed to observe; what it learns is not used.
    cohort: Cohort,
}

impl R2q {
    fn new(terms: Terms) -> Self {
        Self {
            terms,
            detector: Detector::default(),
            cohort: Cohort::new(terms.interval(), SuspicionTarget::default()),
        }
    }
}

impl Watch for R2q {
    fn hear(&mut self, _: Arrival, gap: f64) {
        let gap = Duration::from_secs_f64(gap);
        self.detector.observe(&mut self.cohort, gap, self.terms);
    }

    fn allowance(&self, _: Arrival) -> Allowance {
        Allowance {
            base: self.terms.interval().as_secs_f64(),
            slope: self.detector.spread(self.terms).as_secs_f64(),
        }
    }
}

struct Fixed;

impl Watch for Fixed {
    fn hear(&mut self, _: Arrival, _: f64) {}

    fn allowance(&self, _: Arrival) -> Allowance {
        Allowance {
            base: 0.0,
            slope: 1.0,
        }
    }
}

/// In intervals. Neither phi's nor Jacobson's paper has a least deviation; without one, a peer that
/// was exact for a while is suspected within milliseconds. Both get R2Q's own, which is kind to
/// them, though not the kindest.
const LEAST_DEVIATION: f64 = 0.05;

const AKKA_LEAST_DEVIATION: f64 = 0.1;

/// Where Akka's logistic approximation of the normal distribution's tail is 10⁻⁸.
const AKKA_EIGHT: f64 = 5.226;

/// Mean and deviation of the last 1000 gaps, begun as Akka begins: with two made up.
struct Normal {
    gaps: Window,
    least_deviation: f64,
}

impl Normal {
    fn new(interval: f64, least_deviation: f64) -> Self {
        let mut gaps = Window::new(WINDOW);
        gaps.push(interval * 0.75);
        gaps.push(interval * 1.25);
        Self {
            gaps,
            least_deviation,
        }
    }
}

impl Watch for Normal {
    fn hear(&mut self, _: Arrival, gap: f64) {
        self.gaps.push(gap);
    }

    fn allowance(&self, _: Arrival) -> Allowance {
        Allowance {
            base: self.gaps.mean(),
            slope: self.gaps.deviation().max(self.least_deviation),
        }
    }
}

struct Akka(Normal);

impl Watch for Akka {
    fn hear(&mut self, arrival: Arrival, gap: f64) {
        self.0.hear(arrival, gap);
    }

    fn allowance(&self, last: Arrival) -> Allowance {
        let Allowance { base, slope } = self.0.allowance(last);
        Allowance {
            base: base + AKKA_EIGHT * slope,
            slope: 1.0,
        }
    }
}

struct Cassandra {
    gaps: Window,
    longest: f64,
}

impl Cassandra {
    fn new(interval: f64) -> Self {
        let mut gaps = Window::new(WINDOW);
        gaps.push(2.0 * interval);
        Self {
            gaps,
            longest: 2.0 * interval,
        }
    }
}

impl Watch for Cassandra {
    fn hear(&mut self, _: Arrival, gap: f64) {
        if gap <= self.longest {
            self.gaps.push(gap);
        }
    }

    fn allowance(&self, _: Arrival) -> Allowance {
        Allowance {
            base: 0.0,
            slope: self.gaps.mean() * std::f64::consts::LN_10,
        }
    }
}

struct Jacobson {
    mean: f64,
    deviation: f64,
    least_deviation: f64,
}

impl Jacobson {
    fn new(interval: f64) -> Self {
        Self {
            mean: interval,
            deviation: interval / 2.0,
            least_deviation: LEAST_DEVIATION * interval,
        }
    }
}

impl Watch for Jacobson {
    fn hear(&mut self, _: Arrival, gap: f64) {
        let error = gap - self.mean;
        self.mean += error / 8.0;
        self.deviation += (error.abs() - self.deviation) / 4.0;
    }

    fn allowance(&self, _: Arrival) -> Allowance {
        Allowance {
            base: self.mean,
            slope: self.deviation.max(self.least_deviation),
        }
    }
}

/// When the next beat is expected by the schedule that the last ones kept; the latest of several
/// windows' answers.
struct Expected {
    interval: f64,
    offsets: Vec<Window>,
}

impl Expected {
    fn new(interval: f64, windows: &[usize]) -> Self {
        Self {
            interval,
            offsets: windows.iter().copied().map(Window::new).collect(),
        }
    }
}

impl Watch for Expected {
    fn hear(&mut self, arrival: Arrival, _: f64) {
        let offset = arrival.at - self.interval * f64::from(arrival.number);
        for window in &mut self.offsets {
            window.push(offset);
        }
    }

    fn allowance(&self, last: Arrival) -> Allowance {
        let offsets = self.offsets.iter().map(Window::mean);
        let offset = offsets.fold(f64::NEG_INFINITY, f64::max);
        // A window that knows nothing yet has no mean.
        let expected = if offset.is_finite() {
            offset + self.interval * (f64::from(last.number) + 1.0)
        } else {
            last.at + self.interval
        };
        Allowance {
            base: expected - last.at,
            slope: 1.0,
        }
    }
}

#[cfg(test)]
mod tests;
