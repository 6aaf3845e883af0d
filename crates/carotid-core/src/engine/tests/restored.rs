//! What comes back from before a restart, and what waits while no verdict can be kept.

use super::*;
use crate::{OnDisconnect, PastEnd, Restored};

const SECOND: Duration = Duration::from_secs(1);

impl World {
    fn restore(&mut self, name: &str, ended: Option<PastEnd>) -> SessionId {
        let restored = Restored {
            name: SessionName::new(name).unwrap(),
            epoch: 3,
            terms: Terms::new(INTERVAL, TIMEOUT).unwrap(),
            ended,
        };
        let restored = self.engine.restore(self.now, restored, &mut self.breaker);
        restored.unwrap()
    }

    fn bar(&mut self, barred: bool) {
        self.engine.bar(barred);
        self.breaker.bar(barred);
    }
}

#[test]
fn a_restored_session_is_suspect_and_has_its_full_timeout() {
    let mut world = World::new();
    let id = world.restore("a/1", None);
    assert_eq!(world.advance(TIMEOUT - SECOND), [""; 0]);
    let view = world.engine.view(world.now, id).unwrap();
    assert_eq!(view.health, Health::Suspect);
    assert_eq!(view.cause, Some(Cause::Restart));
    assert_eq!(view.epoch, 3);
    assert_eq!(world.breaker.service("a").unwrap().suspect, 1);
    // It was silent: our restart is no cause of death.
    assert_eq!(world.advance(SECOND * 2), ["dead a/1 silence"]);
    assert_eq!(world.breaker.service("a"), None);
}

#[test]
fn a_restored_session_that_beats_is_back_and_one_that_opens_goes_on() {
    let mut world = World::new();
    let one = world.restore("a/1", None);
    world.restore("a/2", None);
    world.sleep(SECOND);
    world.beat(one).unwrap();
    let opened = world.open("a/2");
    assert!(opened.resumed);
    assert_eq!(opened.epoch, 3);
    assert_eq!(world.events(), ["back a/1", "back a/2"]);
    assert_eq!(world.breaker.all().suspect, 0);
    assert_eq!(world.breaker.all().sessions, 2);
}

#[test]
fn what_had_ended_stays_so_and_its_name_begins_the_next_life() {
    let mut world = World::new();
    let died = PastEnd {
        at: world.now,
        silent: SECOND,
        died_of: Some(Cause::Reset),
    };
    world.sleep(SECOND);
    let id = world.restore("a", Some(died));
    let view = world.engine.view(world.now, id).unwrap();
    assert_eq!(view.health, Health::Dead);
    assert_eq!(view.cause, Some(Cause::Reset));
    assert_eq!(view.since.since(view.last_beat), SECOND);
    assert_eq!(world.open("a").epoch, 4);
    assert_eq!(world.events(), ["opened a"]);
}

#[test]
fn terms_that_change_are_told_and_others_are_not() {
    let mut world = World::new();
    let id = world.open("a").id;
    world.events();
    let terms = Terms::new(INTERVAL * 2, TIMEOUT * 2).unwrap();
    world.engine.revise(world.now, id, terms).unwrap();
    world.engine.revise(world.now, id, terms).unwrap();
    assert_eq!(world.events(), ["revised a"]);
}

#[test]
fn nobody_dies_while_no_verdict_can_be_kept() {
    let mut world = World::with(|config| config.on_disconnect = OnDisconnect::Dead);
    let lost = world.open("lost").id;
    let quiet = world.open("quiet").id;
    let saved = world.open("saved").id;
    world.events();
    world.bar(true);
    let gone = world.engine.detach(world.now, lost, Disconnect::Reset);
    gone.unwrap();
    assert_eq!(world.events(), ["suspect lost reset"]);
    world.advance(TIMEOUT * 5);
    for id in [lost, quiet, saved] {
        let view = world.engine.view(world.now, id).unwrap();
        assert_eq!(
            (view.health, view.standing),
            (Health::Suspect, Standing::Held)
        );
    }
    // Beats go on.
    world.beat(saved).unwrap();
    assert_eq!(world.events(), ["back saved"]);
    world.bar(false);
    let mut died = world.advance(SECOND * 2);
    died.sort();
    assert_eq!(died, ["dead lost reset", "dead quiet silence"]);
}

#[test]
fn a_death_whose_turn_was_set_waits_as_well() {
    let mut world = World::new();
    let ids: Vec<_> = (0..20).map(|n| world.open(&format!("a/{n}")).id).collect();
    world.events();
    // Mass silence holds them for an interval, and then they are let go one after the other.
    world.bar(true);
    world.advance(TIMEOUT + INTERVAL * 3);
    world.bar(false);
    world.sleep(SECOND * 2);
    world.engine.handle_timeout(world.now, &mut world.breaker);
    world.bar(true);
    assert_eq!(world.advance(INTERVAL), [""; 0]);
    world.bar(false);
    let died = world.advance(INTERVAL);
    assert_eq!(died.len(), ids.len());
    assert!(died.iter().all(|event| event.starts_with("dead ")));
}

#[test]
fn a_failure_while_deaths_are_barred_is_a_suspicion_that_ends_in_it() {
    let mut world = World::new();
    let [alive, silent] = ["alive", "silent"].map(|name| world.open(name).id);
    world.advance(SUSPICION - SECOND);
    world.beat(alive).unwrap();
    world.advance(2 * SECOND);
    world.bar(true);
    for id in [alive, silent] {
        world.engine.fail(world.now, id).unwrap();
    }
    assert_eq!(world.events(), ["suspect alive failed"]);
    world.bar(false);
    let died = world.advance(TIMEOUT * 2);
    assert_eq!(died, ["dead silent failed", "dead alive failed"]);
}
