use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use reqwest::Url;
use serde_json::{Value, json};

use super::*;
use crate::sink::alert::rule::Destination;
use crate::sink::alert::situation::after;

const S: Duration = Duration::from_secs(1);

fn rule(on: &[Trouble]) -> Rule {
    let destination = Destination::Webhook {
        url: Url::parse("http://localhost/").unwrap(),
        secrets: Vec::new(),
    };
    Rule {
        on: on.to_vec(),
        ..Rule::new("pager", destination)
    }
}

/// A rule, and a time that only the test moves.
struct World {
    judge: Judge,
    now: Timestamp,
    seq: u64,
    /// What situations there would be after a restart.
    kept: BTreeMap<Key, String>,
}

impl World {
    fn new(rule: Rule) -> Self {
        Self {
            judge: Judge::new(Arc::new(rule), 0xab, 0, BTreeMap::new()),
            now: Timestamp::from_second(1_000_000).unwrap(),
            seq: 0,
            kept: BTreeMap::new(),
        }
    }

    fn see(&mut self, kind: &str, more: &Value) -> u64 {
        self.seq += 1;
        let mut event = json!({"seq": self.seq, "at": self.now.to_string(), "kind": kind});
        let more = more.as_object().unwrap().clone();
        event.as_object_mut().unwrap().extend(more);
        let event = serde_json::from_value(event).unwrap();
        self.judge.observe(self.now, &event);
        self.seq
    }

    fn session(&mut self, kind: &str, name: &str) -> u64 {
        let service = name.split('/').next();
        self.see(
            kind,
            &json!({"name": name, "service": service, "cause": "closed"}),
        )
    }

    /// A session that is suspect after 10 s and would be dead after 30 s.
    fn silent(&mut self, kind: &str, name: &str) -> u64 {
        let evidence = json!({"gaps_ms": [], "spread_ms": 0.0, "quantile": null,
            "suspect_after_ms": 10_000, "dead_after_ms": 30_000, "connections": 0,
            "connection": "open", "round_trip_ms": null, "stalled_ms": 0, "standing": "held",
            "wedged": false, "own_health_score": 0});
        let service = name.split('/').next();
        self.see(
            kind,
            &json!({"name": name, "service": service, "cause": "silence", "evidence": evidence}),
        )
    }

    /// What [`ServiceHealth`] a service has, if anybody asks.
    fn assess(&mut self, health: ServiceHealth) {
        while let Some((service, event)) = self.judge.poll_service() {
            let reason = None;
            let assessment = Assessment { health, reason };
            self.judge.assess(self.now, service, assessment, event);
        }
    }

    fn advance(&mut self, by: Duration) {
        let end = after(self.now, by);
        while let Some(due) = self.judge.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.judge.handle_timeout(self.now);
            let next = self.judge.poll_timeout();
            assert!(next != Some(due), "it would never come to rest");
        }
        self.now = end;
    }

    fn notices(&mut self) -> Vec<Notice> {
        std::iter::from_fn(|| self.judge.poll_notice()).collect()
    }

    /// `status trouble subject [sessions] events`, for each notice.
    fn told(&mut self) -> Vec<String> {
        let notices = self.notices();
        let one = |notice: Notice| {
            let (status, trouble, subject) = (notice.status, notice.trouble, notice.subject);
            let kinds: Vec<_> = notice.events.iter().map(|event| &*event.kind).collect();
            if notice.sessions.len() > 9 {
                return format!("{status} {trouble} {subject} ({})", notice.count);
            }
            let (who, kinds) = (notice.sessions.join(","), kinds.join(","));
            format!("{status} {trouble} {subject} [{who}] {kinds}")
        };
        notices.into_iter().map(one).collect()
    }

    /// Begins anew with what was kept, as after a crash.
    fn restart(&mut self) {
        while let Some((key, situation)) = self.judge.poll_changed() {
            match situation {
                Some(situation) => {
                    let kept = serde_json::to_string(situation).unwrap();
                    self.kept.insert(key, kept);
                }
                None => drop(self.kept.remove(&key)),
            }
        }
        let kept = self.kept.iter();
        let situations = kept.map(|(key, kept)| (key.clone(), serde_json::from_str(kept).unwrap()));
        let cursor = self.judge.cursor();
        self.judge = Judge::new(self.judge.rule.clone(), 0xab, cursor, situations.collect());
    }
}

#[test]
fn deaths_of_a_service_within_a_moment_are_one_notice_and_their_return_another() {
    let mut world = World::new(rule(&[Trouble::Dead]));
    world.session("dead", "pay/1");
    world.session("dead", "pay/2");
    assert_eq!(world.told(), [""; 0]);
    world.advance(S);
    assert_eq!(world.told(), ["firing dead pay [pay/1,pay/2] dead,dead"]);
    world.session("opened", "pay/1");
    world.advance(S);
    assert_eq!(world.told(), [""; 0], "a minute has not passed");
    world.session("opened", "pay/2");
    assert_eq!(world.told(), ["resolved dead pay [] opened,opened"]);
    world.advance(48 * 3600 * S);
    assert_eq!(world.told(), [""; 0]);
}

#[test]
fn more_of_the_same_is_told_a_minute_later() {
    let mut world = World::new(rule(&[Trouble::Dead]));
    world.session("dead", "pay/1");
    world.advance(S);
    world.notices();
    world.session("dead", "pay/2");
    world.advance(58 * S);
    assert_eq!(world.told(), [""; 0]);
    world.advance(2 * S);
    assert_eq!(world.told(), ["firing dead pay [pay/1,pay/2] dead"]);
}

#[test]
fn a_group_has_at_most_a_hundred_events() {
    let mut world = World::new(rule(&[Trouble::Dead]));
    for index in 0..250 {
        world.session("dead", &format!("pay/{index:03}"));
    }
    world.advance(120 * S);
    let notices = world.notices();
    assert_eq!(
        notices.len(),
        1,
        "whatever there is, it is told at its time"
    );
    let notice = &notices[0];
    assert_eq!(
        (notice.events.len(), notice.more_events, notice.count),
        (100, 150, 250)
    );
}

#[test]
fn who_was_away_for_less_than_a_moment_is_told_of_in_the_right_order() {
    let mut world = World::new(rule(&[Trouble::Suspect]));
    world.session("suspect", "pay/1");
    world.session("back", "pay/1");
    assert_eq!(
        world.told(),
        [
            "firing suspect pay [pay/1] suspect",
            "resolved suspect pay [] back"
        ]
    );
}

#[test]
fn grouping_by_session_has_an_alert_for_each() {
    let mut one = rule(&[Trouble::Dead, Trouble::Wedged]);
    one.grouping.by = GroupBy::Session;
    let mut world = World::new(one);
    world.session("wedged", "pay/1");
    world.session("dead", "pay/1");
    world.session("dead", "pay/2");
    world.advance(S);
    assert_eq!(
        world.told(),
        [
            "firing wedged pay/1 [pay/1] wedged",
            "resolved wedged pay/1 [] dead",
            "firing dead pay/1 [pay/1] dead",
            "firing dead pay/2 [pay/2] dead",
        ]
    );
}

#[test]
fn failures_are_counted_within_their_time() {
    let mut counting = rule(&[Trouble::Dead]);
    counting.thresholds.failures = NonZeroU32::new(3).unwrap();
    counting.thresholds.within = 10 * S;
    let mut world = World::new(counting);
    for _ in 0..4 {
        world.session("dead", "pay/1");
        world.session("opened", "pay/1");
        world.advance(5 * S);
    }
    assert_eq!(world.told(), [""; 0], "two in ten seconds");
    for name in ["pay/1", "pay/2", "pay/3"] {
        world.session("dead", name);
    }
    world.advance(S);
    assert_eq!(world.told().len(), 1);
}

#[test]
fn a_trouble_must_last_if_the_rule_wants_it_to() {
    let mut patient = rule(&[Trouble::Dead]);
    patient.thresholds.lasting = Some(30 * S);
    let mut world = World::new(patient);
    world.session("dead", "pay/1");
    world.advance(29 * S);
    world.session("opened", "pay/1");
    world.advance(3600 * S);
    assert_eq!(world.told(), [""; 0]);
    world.session("dead", "pay/1");
    world.advance(31 * S);
    assert_eq!(world.told(), ["firing dead pay [pay/1] dead"]);
}

#[test]
fn recoveries_are_counted_and_must_last_if_the_rule_wants_it() {
    let mut rule = rule(&[Trouble::Dead]);
    rule.thresholds.recoveries = NonZeroU32::new(2);
    rule.thresholds.keep_firing_for = 10 * S;
    let mut world = World::new(rule);
    for name in ["pay/1", "pay/2", "pay/3"] {
        world.session("dead", name);
    }
    world.advance(S);
    world.notices();
    world.session("opened", "pay/1");
    world.session("opened", "pay/2");
    world.advance(9 * S);
    world.session("dead", "pay/2");
    world.advance(600 * S);
    let told = world.told();
    assert!(
        told.iter().all(|told| told.starts_with("firing")),
        "{told:?}"
    );
    world.session("opened", "pay/2");
    world.session("opened", "pay/3");
    world.advance(10 * S);
    assert_eq!(world.told(), ["resolved dead pay [] opened,opened"]);
}

#[test]
fn who_never_comes_back_is_not_followed_for_ever() {
    let mut world = World::new(rule(&[Trouble::Dead]));
    world.session("dead", "pay/1");
    world.advance(S);
    world.notices();
    world.advance(24 * 3600 * S);
    let notices = world.notices();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].reason.as_deref(), Some("expired"));
    assert_eq!(world.judge.situations.len(), 0);
}

fn incident(world: &mut World) {
    let incident = json!({"number": 1, "at_risk": 500, "sessions": 1000, "all": false,
        "services": ["pay"], "held_ms": 1000});
    world.see("mass_silence", &json!({"incident": incident}));
}

#[test]
fn a_mass_silence_is_one_notice_and_no_thousand_deaths() {
    let on = [Trouble::Dead, Trouble::MassSilence, Trouble::ServiceFail];
    let mut world = World::new(rule(&on));
    incident(&mut world);
    for index in 0..1000 {
        world.silent("dead", &format!("pay/{index}"));
    }
    world.assess(ServiceHealth::Fail);
    world.advance(60 * S);
    let told = world.told();
    assert_eq!(told, ["firing mass_silence mass_silence/1 [] mass_silence"]);
    let outcome = json!({"number": 1, "died": 1000, "returned": 0});
    world.see("mass_silence_over", &json!({"outcome": outcome}));
    world.assess(ServiceHealth::Fail);
    world.advance(60 * S);
    assert_eq!(
        world.told(),
        [
            "resolved mass_silence mass_silence/1 [] mass_silence_over",
            "firing dead pay (1000)",
            "firing service_fail pay [] dead",
        ]
    );
}

#[test]
fn a_mass_silence_of_an_earlier_run_is_over() {
    let mut world = World::new(rule(&[Trouble::MassSilence, Trouble::Restarted]));
    incident(&mut world);
    world.advance(S);
    world.notices();
    world.see("restarted", &json!({}));
    world.advance(S);
    assert_eq!(
        world.told(),
        [
            "resolved mass_silence mass_silence/1 [] ",
            "notice restarted carotid [] restarted",
        ]
    );
}

#[test]
fn a_service_that_was_not_heard_since_a_restart_is_not_said_to_fail() {
    let mut world = World::new(rule(&[Trouble::ServiceFail]));
    let settled_at = after(world.now, 60 * S);
    world.judge.settle_until(settled_at);
    world.session("back", "pay/1");
    world.assess(ServiceHealth::Fail);
    world.advance(59 * S);
    world.assess(ServiceHealth::Fail);
    assert_eq!(world.told(), [""; 0]);
    world.advance(S);
    world.assess(ServiceHealth::Fail);
    world.advance(11 * S);
    assert_eq!(world.told(), ["firing service_fail pay [] back"]);
    world.session("back", "pay/2");
    world.assess(ServiceHealth::Pass);
    assert_eq!(world.told(), ["resolved service_fail pay [] back"]);
}

#[test]
fn only_the_services_of_a_rule_concern_it() {
    let mut rule = rule(&Trouble::ALL);
    rule.services = vec![crate::sink::alert::Glob::new("pay*")];
    let mut world = World::new(rule);
    world.session("dead", "auth/1");
    world.session("dead", "payments/1");
    world.session("dead", "solo");
    world.assess(ServiceHealth::Pass);
    world.advance(S);
    assert_eq!(world.told(), ["firing dead payments [payments/1] dead"]);
}

#[derive(Clone, Debug)]
enum Step {
    See(&'static str, u8),
    Ask(ServiceHealth),
    Advance(u16),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kinds = [
        "opened", "suspect", "back", "dead", "left", "wedged", "unwedged",
    ];
    let step = prop_oneof![
        6 => (prop::sample::select(kinds.to_vec()), 0..6_u8).prop_map(|(kind, who)| Step::See(kind, who)),
        3 => (1..60_000_u16).prop_map(Step::Advance),
        1 => Just(Step::Restart),
        1 => prop::sample::select(&[ServiceHealth::Pass, ServiceHealth::Fail][..]).prop_map(Step::Ask),
    ];
    prop::collection::vec(step, 1..60)
}

/// Plays a history and returns all that was told of it.
fn play(steps: &[Step], by: GroupBy, restarts: bool) -> (World, Vec<Notice>) {
    let mut rule = rule(&[
        Trouble::Dead,
        Trouble::Suspect,
        Trouble::Wedged,
        Trouble::ServiceFail,
    ]);
    rule.grouping.by = by;
    rule.thresholds.keep_firing_for = 2 * S;
    let mut world = World::new(rule);
    let mut notices = Vec::new();
    for step in steps {
        match step {
            Step::See(kind, who) => {
                world.session(
                    kind,
                    &format!("{}/{who}", ["pay", "auth"][usize::from(who % 2)]),
                );
            }
            Step::Ask(health) => {
                for service in ["pay", "auth"] {
                    world.judge.ask(service);
                }
                world.assess(*health);
            }
            Step::Advance(ms) => world.advance(Duration::from_millis((*ms).into())),
            Step::Restart if restarts => {
                notices.extend(world.notices());
                world.restart();
            }
            Step::Restart => {}
        }
        notices.extend(world.notices());
    }
    world.advance(48 * 3600 * S);
    for service in ["pay", "auth"] {
        world.judge.ask(service);
    }
    world.assess(ServiceHealth::Pass);
    world.advance(2 * S);
    notices.extend(world.notices());
    (world, notices)
}

mod crowd;

proptest! {
    #[test]
    fn every_failure_is_told_once_and_every_alert_ends(
        steps in steps(),
        by in prop::sample::select(&[GroupBy::Service, GroupBy::Session][..]),
    ) {
        let (world, notices) = play(&steps, by, false);
        prop_assert_eq!(world.judge.situations.len(), 0);
        let mut firing = BTreeSet::new();
        let mut ids = BTreeSet::new();
        let mut told = Vec::new();
        for notice in notices {
            prop_assert!(ids.insert(notice.id.clone()), "two notices are called {}", notice.id);
            let key = (notice.trouble.clone(), notice.subject.clone());
            match &*notice.status {
                "firing" => drop(firing.insert(key)),
                _ => prop_assert!(firing.remove(&key), "{key:?} ended and had not begun"),
            }
            let failures = notice.events.iter().filter(|event| event.kind == notice.trouble);
            told.extend(failures.map(|event| event.seq));
        }
        prop_assert!(firing.is_empty(), "{firing:?}");
        told.sort_unstable();
        let mut seq = 0;
        let seen = steps.iter().filter_map(|step| match step {
            Step::See(kind, _) => {
                seq += 1;
                ["dead", "suspect", "wedged"].contains(kind).then_some(seq)
            }
            Step::Ask(_) | Step::Advance(_) | Step::Restart => None,
        });
        prop_assert_eq!(told, seen.collect::<Vec<_>>());
    }

    #[test]
    fn a_restart_changes_nothing(
        steps in steps(),
        by in prop::sample::select(&[GroupBy::Service, GroupBy::Session][..]),
    ) {
        // Whom to ask is not kept: whoever restarts asks anew.
        let steps: Vec<_> = steps.into_iter().filter(|step| !matches!(step, Step::Ask(_))).collect();
        let said = |restarts| {
            let (_, notices) = play(&steps, by, restarts);
            serde_json::to_string(&notices).unwrap()
        };
        prop_assert_eq!(said(true), said(false));
    }
}
