//! Every detector on the same arrivals.
//!
//! The session is alive at each beat, whatever was believed before; a suspicion that the next beat
//! refutes is a mistake. No detector is more patient than the timeout, and none learns from a
//! silence that outlasted it: the session is another one after that. Beats that are under way at a
//! crash are not waited for, which shortens every detector's time by the same network delay.

use std::time::Duration;

use carotid_core::{Cohort, Detector, SuspicionTarget, Terms};

use crate::curve::Curve;
use crate::fleet::{Arrival, Trace};
use crate::rival::Rule;

/// Beats so close, in seconds, are read together and judged once: queued input comes first (I6).
/// Chen's rule would otherwise pay for each beat of a burst whose schedule is long past.
const TOGETHER: f64 = 0.01;

/// What one rule does at every setting of its knob, found in hindsight.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// The rule.
    pub rule: Rule,
    /// Its mistakes and detection times.
    pub curve: Curve,
    terms: Terms,
}

/// What R2Q does when it is given nothing but a target.
#[derive(Clone, Debug)]
pub struct SelfCalibrated {
    /// False suspicions for each session and day that were asked for.
    pub target: f64,
    terms: Terms,
    mistakes: u64,
    integral: f64,
    watched: f64,
    rates: Vec<f64>,
}

/// One session on its way through a trace.
struct Follower<'a> {
    detector: Detector,
    last: Arrival,
    rest: &'a [Arrival],
}

impl Tuned {
    /// A rule that has watched nothing yet.
    #[must_use]
    pub fn new(rule: Rule, terms: Terms) -> Self {
        Self {
            curve: Curve::new(rule.range(), terms.timeout().as_secs_f64()),
            rule,
            terms,
        }
    }

    /// Watches sessions, each afresh.
    pub fn watch(&mut self, traces: &[Trace]) {
        let timeout = self.terms.timeout().as_secs_f64();
        for trace in traces {
            let mut watch = self.rule.start(self.terms);
            for pair in trace.arrivals.windows(2) {
                let gap = pair[1].at - pair[0].at;
                if TOGETHER < gap {
                    self.curve.note(watch.allowance(pair[0]), gap);
                }
                if gap < timeout {
                    watch.hear(pair[1], gap);
                }
            }
        }
    }
}

impl SelfCalibrated {
    /// R2Q with this target, before it has watched anything.
    #[must_use]
    pub const fn new(target: f64, terms: Terms) -> Self {
        Self {
            target,
            terms,
            mistakes: 0,
            integral: 0.0,
            watched: 0.0,
            rates: Vec::new(),
        }
    }

    /// Watches sessions as one cohort that begins afresh. The target must be one that a
    /// [`SuspicionTarget`] can be.
    ///
    /// # Errors
    ///
    /// A target that is none.
    pub fn watch(&mut self, traces: &[Trace]) -> Result<(), carotid_core::SuspicionTargetError> {
        let target = SuspicionTarget::per_day(self.target)?;
        let mut cohort = Cohort::new(self.terms.interval(), target);
        let (mistakes_before, watched_before) = (self.mistakes, self.watched);
        let mut followers: Vec<Follower<'_>> = traces.iter().filter_map(Follower::new).collect();
        // What sessions teach each other must not come from the future: all go in step.
        let step = self.terms.interval().as_secs_f64();
        let mut until = 0.0;
        while !followers.is_empty() {
            until += step;
            for follower in &mut followers {
                while let Some(arrival) = follower.next_before(until) {
                    self.follow(follower, arrival, &mut cohort);
                }
            }
            followers.retain(|follower| !follower.rest.is_empty());
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of mistakes")]
        let mistakes = (self.mistakes - mistakes_before) as f64;
        let days = (self.watched - watched_before) / 86_400.0;
        self.rates.push(mistakes / days);
        Ok(())
    }

    /// The false suspicions for each session and day in each call of [`Self::watch`].
    #[must_use]
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// False suspicions for each session and day, over all.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count of mistakes")]
    pub fn mistakes(&self) -> f64 {
        self.mistakes as f64 / (self.watched / 86_400.0)
    }

    /// Mean seconds from a crash to its suspicion.
    #[must_use]
    pub const fn detection(&self) -> f64 {
        self.integral / self.watched
    }

    fn follow(&mut self, follower: &mut Follower<'_>, arrival: Arrival, cohort: &mut Cohort) {
        let gap = arrival.at - follower.last.at;
        let allowed = follower.detector.patience(cohort, self.terms, 0);
        let allowed = allowed.as_secs_f64();
        self.watched += gap;
        if allowed < gap {
            self.mistakes += 1;
            self.integral += allowed * allowed / 2.0;
        } else {
            self.integral += (allowed - gap / 2.0) * gap;
        }
        if gap < self.terms.timeout().as_secs_f64() {
            let gap = Duration::from_secs_f64(gap);
            follower.detector.observe(cohort, gap, self.terms);
        }
        follower.last = arrival;
    }
}

impl<'a> Follower<'a> {
    fn new(trace: &'a Trace) -> Option<Self> {
        let (first, rest) = trace.arrivals.split_first()?;
        Some(Self {
            detector: Detector::default(),
            last: *first,
            rest,
        })
    }

    fn next_before(&mut self, until: f64) -> Option<Arrival> {
        let (next, rest) = self.rest.split_first()?;
        if until <= next.at {
            return None;
        }
        self.rest = rest;
        Some(*next)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use carotid_core::Terms;

    use super::{SelfCalibrated, Tuned};
    use crate::fleet::{Reading, traces};
    use crate::rival::Rule;

    fn terms() -> Terms {
        Terms::new(Duration::from_secs(1), Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn every_rule_can_be_tuned_to_few_mistakes() {
        let traces = traces(1, Reading::Usual, 1.0, 3600.0);
        for rule in Rule::ALL {
            let mut tuned = Tuned::new(rule, terms());
            tuned.watch(&traces);
            let best = tuned.curve.best(24.0).unwrap();
            assert!(
                1.0 < best.detection && best.detection < 40.0,
                "{rule:?}: {best:?}"
            );
        }
    }

    #[test]
    fn a_target_is_kept_without_tuning() {
        let traces = traces(2, Reading::Usual, 1.0, 6.0 * 3600.0);
        let mut r2q = SelfCalibrated::new(120.0, terms());
        r2q.watch(&traces).unwrap();
        let share = r2q.mistakes() / r2q.target;
        assert!((0.5..1.2).contains(&share), "{share}");
        assert_eq!(r2q.rates(), [r2q.mistakes()]);
    }
}
