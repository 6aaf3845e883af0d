//! Many at once, and what is known of them afterwards.

use super::*;

fn begin(world: &mut World, services: &[String]) {
    let incident = json!({"number": 1, "at_risk": 5, "sessions": 10, "all": false,
        "services": services, "held_ms": 1000});
    world.see("mass_silence", &json!({"incident": incident}));
}

fn end(world: &mut World, died: u32) {
    let outcome = json!({"number": 1, "died": died, "returned": 0});
    world.see("mass_silence_over", &json!({"outcome": outcome}));
}

#[test]
fn who_died_in_a_mass_silence_is_told_when_it_is_over_and_so_is_their_return() {
    for by in [GroupBy::Service, GroupBy::Session] {
        let mut rule = rule(&Trouble::DEFAULT);
        rule.grouping.by = by;
        let mut world = World::new(rule);
        begin(&mut world, &["pay".to_owned()]);
        for name in ["pay/1", "pay/2", "pay/3"] {
            world.silent("dead", name);
        }
        world.session("opened", "pay/3");
        world.assess(ServiceHealth::Pass);
        world.advance(60 * S);
        assert_eq!(
            world.told(),
            ["firing mass_silence mass_silence/1 [] mass_silence"]
        );
        world.restart();
        // Which incidents there are is not kept: whoever restarts counts them anew.
        begin(&mut world, &["pay".to_owned()]);
        end(&mut world, 2);
        world.assess(ServiceHealth::Pass);
        world.advance(S);
        let notices = world.notices();
        let summaries: Vec<_> = notices.iter().map(|notice| &*notice.summary).collect();
        assert_eq!(
            summaries,
            [
                "the mass silence is over: 2 sessions are dead, 0 came back or said goodbye",
                "2 sessions of pay are dead (silence): pay/1, pay/2",
            ]
        );
        assert_eq!(notices[1].session, None);
        world.session("opened", "pay/1");
        world.session("opened", "pay/2");
        assert_eq!(world.told(), ["resolved dead pay [] opened,opened"]);
    }
}

#[test]
fn a_restart_in_a_mass_silence_forgets_nobody() {
    let mut world = World::new(rule(&[Trouble::Dead, Trouble::MassSilence]));
    begin(&mut world, &["pay".to_owned()]);
    world.silent("dead", "pay/1");
    world.notices();
    world.restart();
    world.see("restarted", &json!({}));
    world.advance(S);
    let told = world.told();
    assert!(
        told.contains(&"firing dead pay [pay/1] dead".to_owned()),
        "{told:?}"
    );
}

#[test]
fn a_mass_silence_that_is_told_to_nobody_hides_no_death() {
    let mut other = rule(&Trouble::DEFAULT);
    other.services = vec![crate::sink::alert::Glob::new("zeta*")];
    let mut world = World::new(other);
    begin(&mut world, &["pay".to_owned()]);
    world.silent("dead", "zeta/1");
    world.advance(S);
    assert_eq!(world.told(), ["firing dead zeta [zeta/1] dead"]);
}

#[test]
fn a_mass_silence_may_be_of_more_services_than_are_listed() {
    let mut other = rule(&Trouble::DEFAULT);
    other.services = vec![crate::sink::alert::Glob::new("zeta*")];
    let mut world = World::new(other);
    let listed: Vec<_> = (0..100).map(|index| format!("alpha{index}")).collect();
    begin(&mut world, &listed);
    world.silent("dead", "zeta/1");
    world.advance(S);
    assert_eq!(
        world.told(),
        ["firing mass_silence mass_silence/1 [] mass_silence"]
    );
    end(&mut world, 1);
    world.assess(ServiceHealth::Pass);
    world.advance(S);
    assert_eq!(world.told().len(), 2);
}

#[test]
fn suspicions_that_become_a_mass_silence_are_no_failing_services() {
    let mut world = World::new(rule(&Trouble::DEFAULT));
    for service in ["auth", "pay"] {
        world.silent("suspect", &format!("{service}/1"));
    }
    world.assess(ServiceHealth::Fail);
    world.advance(20 * S);
    assert_eq!(world.told(), [""; 0]);
    begin(&mut world, &["auth".to_owned(), "pay".to_owned()]);
    world.advance(600 * S);
    assert_eq!(
        world.told(),
        ["firing mass_silence mass_silence/1 [] mass_silence"]
    );
    end(&mut world, 0);
    world.assess(ServiceHealth::Fail);
    world.advance(11 * S);
    assert_eq!(
        world.told(),
        [
            "resolved mass_silence mass_silence/1 [] mass_silence_over",
            "firing service_fail auth [] suspect",
            "firing service_fail pay [] suspect",
        ]
    );
}

#[test]
fn a_service_fails_as_soon_as_its_suspect_is_dead() {
    let mut world = World::new(rule(&[Trouble::ServiceFail]));
    world.silent("suspect", "pay/1");
    world.assess(ServiceHealth::Fail);
    world.advance(12 * S);
    assert_eq!(world.told(), [""; 0]);
    world.session("dead", "pay/1");
    world.assess(ServiceHealth::Fail);
    world.advance(S);
    assert_eq!(world.told().len(), 1);
}

#[test]
fn a_service_is_not_back_while_any_is_dead_that_nobody_remembers() {
    let mut world = World::new(rule(&[Trouble::Dead]));
    let names: Vec<_> = (0..1500).map(|index| format!("big/{index:04}")).collect();
    for name in &names {
        world.session("dead", name);
    }
    world.advance(S);
    let notices = world.notices();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].count, 1500);
    for name in &names[500..] {
        world.session("opened", name);
    }
    world.session("opened", "big/new");
    world.advance(60 * S);
    assert!(world.told().iter().all(|told| told.starts_with("firing")));
    for name in &names[..500] {
        world.see(
            "opened",
            &json!({"name": name, "service": "big", "epoch": 2}),
        );
    }
    let told = world.told();
    assert!(
        told.last().unwrap().starts_with("resolved dead big"),
        "{told:?}"
    );
}

#[test]
fn who_says_that_it_failed_again_is_not_back() {
    let mut world = World::new(rule(&[Trouble::Dead]));
    let failed = json!({"name": "cron/1", "service": "cron", "cause": "failed"});
    world.see("dead", &failed);
    world.advance(S);
    world.notices();
    world.see(
        "opened",
        &json!({"name": "cron/1", "service": "cron", "epoch": 2}),
    );
    world.see("dead", &failed);
    world.advance(S);
    assert_eq!(world.told(), [""; 0]);
    world.advance(S);
    world.session("opened", "cron/1");
    assert!(world.told().last().unwrap().starts_with("resolved"));
}

#[test]
fn a_service_that_fails_for_days_still_fails() {
    let mut world = World::new(rule(&[Trouble::ServiceFail]));
    world.judge.ask("pay");
    world.assess(ServiceHealth::Fail);
    world.advance(11 * S);
    assert_eq!(world.told().len(), 1);
    world.advance(24 * 3600 * S);
    world.assess(ServiceHealth::Fail);
    world.advance(24 * 3600 * S);
    assert_eq!(world.told(), [""; 0]);
    let (service, _) = world.judge.poll_service().unwrap();
    let now = world.now;
    world.judge.on_unknown(now, &service);
    assert_eq!(world.told(), ["resolved service_fail pay [] "]);
}

#[test]
fn too_many_to_follow_each_are_followed_together() {
    let mut one = rule(&[Trouble::Dead]);
    one.grouping.by = GroupBy::Session;
    let mut world = World::new(one);
    let names: Vec<_> = (0..MOST_SITUATIONS + 2)
        .map(|index| format!("pay/{index}"))
        .collect();
    for name in &names {
        world.session("dead", name);
    }
    world.advance(S);
    let notices = world.notices();
    assert!(notices.iter().all(|notice| notice.status == "firing"));
    assert_eq!(notices.len(), MOST_SITUATIONS + 1);
    let others = notices
        .iter()
        .find(|notice| notice.subject == OTHERS)
        .unwrap();
    assert_eq!(
        (others.count, &others.service, &others.session),
        (2, &None, &None)
    );
    for name in &names[MOST_SITUATIONS..] {
        world.session("opened", name);
    }
    assert_eq!(world.told(), ["resolved dead (others) [] opened,opened"]);
}

#[test]
fn a_mass_silence_whose_end_was_missed_is_over() {
    let mut world = World::new(rule(&Trouble::DEFAULT));
    begin(&mut world, &["pay".to_owned()]);
    world.silent("dead", "pay/1");
    world.assess(ServiceHealth::Fail);
    world.advance(S);
    world.notices();
    let now = world.now;
    world.judge.on_missed(now);
    world.assess(ServiceHealth::Fail);
    world.advance(60 * S);
    let told = world.told();
    assert!(
        told.contains(&"firing dead pay [pay/1] dead".to_owned()),
        "{told:?}"
    );
    assert!(
        told.iter()
            .any(|told| told.starts_with("firing service_fail pay")),
        "{told:?}"
    );
}
