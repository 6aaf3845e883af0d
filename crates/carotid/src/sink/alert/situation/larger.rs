//! Situations that may be part of something larger.

use std::time::Duration;

use jiff::Timestamp;

use super::{Phase, Situation, after};
use crate::sink::alert::rule::Rule;
use crate::sink::alert::trouble::Trouble;
use crate::sink::api::Event;

impl Situation {
    /// One of several members, of which nobody is told before it is released.
    pub(in crate::sink::alert) fn held(at: Timestamp) -> Self {
        Self {
            phase: Phase::Held,
            ..Self::grouped(at)
        }
    }

    /// One of several members, whatever the rule groups by.
    pub(in crate::sink::alert) fn grouped(at: Timestamp) -> Self {
        Self {
            is_grouped: true,
            ..Self::new(at)
        }
    }

    /// What it was part of is over.
    pub(in crate::sink::alert) fn release(&mut self, trouble: Trouble, rule: &Rule, at: Timestamp) {
        if self.phase != Phase::Held {
            return;
        }
        self.phase = Phase::Pending;
        if self.count() == 0 {
            self.phase = Phase::Over;
        } else {
            self.ripen(trouble, rule, at, Duration::ZERO);
        }
    }

    /// Something larger explains it. Unless somebody was told, it is over, and its last event comes back.
    pub(in crate::sink::alert) fn withdraw(&mut self) -> Option<Option<Event>> {
        if !matches!(self.phase, Phase::Pending | Phase::Kindled) {
            return None;
        }
        self.phase = Phase::Over;
        Some(std::mem::take(&mut self.untold).events.pop())
    }

    /// There is no doubt any more, so it need not last longer than the rule says.
    pub(in crate::sink::alert) fn settle(&mut self, trouble: Trouble, rule: &Rule, now: Timestamp) {
        let ripe_at = after(self.since, rule.thresholds.lasting(trouble));
        if self.timers.ripe_at.is_some_and(|at| ripe_at < at) {
            self.timers.ripe_at = Some(ripe_at);
            if ripe_at <= now {
                self.kindle(rule, now);
            }
        }
    }
}
