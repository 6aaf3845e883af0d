//! How services are, which no event says: they are asked when something happened to them.

use std::time::Duration;

use carotid_core::ServiceHealth;
use jiff::Timestamp;

use super::{Assessment, Judge, Key, OTHERS};
use crate::sink::alert::situation::{Sign, after};
use crate::sink::alert::trouble::Trouble;
use crate::sink::api::Event;

/// A death comes no later than so long after it is due, or it is held.
const AFTER_DOUBT: Duration = Duration::from_secs(1);

impl Judge {
    /// Has a service assessed of which nothing happened.
    pub(in super::super) fn ask(&mut self, service: &str) {
        let is_watched = |trouble| self.rule.concerns(trouble, Some(service));
        if is_watched(Trouble::ServiceFail) || is_watched(Trouble::ServiceWarn) {
            self.touched.entry(service.to_owned()).or_default();
        }
    }

    /// Services whose health [`Self::assess`] wants to know.
    pub(in super::super) fn poll_service(&mut self) -> Option<(String, Option<Event>)> {
        self.conclude_opening();
        self.touched.pop_first()
    }

    /// Nothing is known of a service that was asked. What was concluded of it stays for a while.
    pub(in super::super) fn on_unknown(&mut self, now: Timestamp, service: &str) {
        for trouble in [Trouble::ServiceFail, Trouble::ServiceWarn] {
            let key = (trouble, service.to_owned());
            self.change(key, |_, rule, situation| {
                if after(situation.since, rule.thresholds.resolve_after) <= now {
                    situation.expire(now);
                }
            });
        }
    }

    /// Events are missing: mass silences may be over, and all services are to be asked.
    pub(in super::super) fn on_missed(&mut self, now: Timestamp) {
        self.on_restart(now);
        let keys = self.situations.keys();
        let services = keys.filter(|(trouble, _)| trouble.is_of_service());
        for service in services
            .map(|(_, service)| service.clone())
            .collect::<Vec<_>>()
        {
            self.touched.entry(service).or_default();
        }
    }

    /// Looks at how a service is.
    pub(in super::super) fn assess(
        &mut self,
        now: Timestamp,
        service: String,
        assessment: Assessment,
        event: Option<Event>,
    ) {
        let Assessment { health, reason } = assessment;
        let is_failing = health == ServiceHealth::Fail;
        if is_failing && (now < self.settled_at || self.is_silenced(&service)) {
            self.deferred.insert(service, event);
            return;
        }
        let sign = Sign {
            at: now,
            member: &service,
            seq: event.as_ref().map_or(self.cursor, |event| event.seq),
            event: event.as_ref(),
            reason: reason.as_deref(),
            is_return: false,
            doubt: doubt(event.as_ref(), now),
        };
        for (trouble, is_bad) in [
            (Trouble::ServiceFail, is_failing),
            (Trouble::ServiceWarn, health != ServiceHealth::Pass),
        ] {
            match (is_bad, self.situation_of(trouble, sign)) {
                (true, None) if self.rule.concerns(trouble, Some(&service)) => {
                    self.fail_one((trouble, service.clone()), sign);
                }
                (true, Some(key)) if sign.doubt.is_zero() => {
                    self.change(key, |trouble, rule, situation| {
                        situation.settle(trouble, rule, now);
                    });
                }
                (false, Some(key)) => self.recover_one(key, sign),
                _ => {}
            }
        }
    }

    /// Where it is told that this service is in trouble.
    fn situation_of(&self, trouble: Trouble, sign: Sign<'_>) -> Option<Key> {
        let keys = [sign.member, OTHERS].map(|subject| (trouble, subject.to_owned()));
        keys.into_iter().find(|key| {
            self.situations
                .get(key)
                .is_some_and(|known| known.has(sign))
        })
    }
}

/// How long it may turn out that it was no more than a suspicion, or part of a mass silence.
fn doubt(event: Option<&Event>, now: Timestamp) -> Duration {
    let suspicion = event.filter(|event| event.kind == "suspect");
    let Some((event, known)) = suspicion.and_then(|event| Some((event, event.evidence.as_ref()?)))
    else {
        return Duration::ZERO;
    };
    let length = known.dead_after_ms.saturating_sub(known.suspect_after_ms);
    let end = after(event.at, Duration::from_millis(length) + AFTER_DOUBT);
    Duration::try_from(end.duration_since(now)).unwrap_or_default()
}
