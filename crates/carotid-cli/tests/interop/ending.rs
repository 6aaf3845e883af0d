//! Programs that end, and programs that come back.

use super::go;
use super::terms::{TERMS, TIMEOUT_MS, assert_in_time};
use crate::ground::daemon::Daemon;

#[track_caller]
fn is_closed_then_dead(then: &str) {
    let daemon = Daemon::start(&TERMS);
    let mut events = daemon.events();
    let _peer = go::peer(
        daemon.rpc,
        &["-name", "p", "-count", "3", "-every", "50ms", "-then", then],
    );

    events.expect("opened", "p", None);
    let suspect = events.expect("suspect", "p", Some("closed"));
    assert!(suspect.silent_ms < TIMEOUT_MS, "{suspect:?}");
    assert_in_time(&events.expect("dead", "p", Some("closed")));
    events.expect_no_more(&daemon);
}

#[test]
fn a_clean_exit_is_closed_then_dead() {
    is_closed_then_dead("exit");
}

#[test]
fn a_closed_connection_of_a_living_process_is_closed_then_dead() {
    is_closed_then_dead("close");
}

#[test]
fn a_killed_process_is_closed_or_reset_then_dead() {
    let daemon = Daemon::start(&TERMS);
    let mut events = daemon.events();
    let mut peer = go::peer(daemon.rpc, &["-name", "p", "-count", "0", "-every", "20ms"]);
    events.expect("opened", "p", None);
    peer.kill();

    let suspect = events.next();
    let cause = suspect.cause.as_deref();
    assert_eq!(suspect.kind, "suspect");
    assert!(matches!(cause, Some("closed" | "reset")), "{suspect:?}");
    assert_in_time(&events.expect("dead", "p", cause));
    events.expect_no_more(&daemon);
}

#[test]
fn a_reconnect_in_time_keeps_the_session_and_a_late_one_begins_another() {
    let daemon = Daemon::start(&TERMS);
    let mut events = daemon.events();
    let once = || go::peer(daemon.rpc, &["-name", "shop/7"]);

    let _first = once();
    assert_eq!(events.expect("opened", "shop/7", None).epoch, 1);
    events.expect("suspect", "shop/7", Some("closed"));

    let _second = once();
    assert_eq!(events.expect("back", "shop/7", None).epoch, 1);
    events.expect("suspect", "shop/7", Some("closed"));
    let dead = events.expect("dead", "shop/7", Some("closed"));
    assert_eq!(dead.epoch, 1);
    assert_in_time(&dead);

    let _third = once();
    assert_eq!(events.expect("opened", "shop/7", None).epoch, 2);
}

#[test]
fn a_lost_connection_is_death_where_that_is_configured() {
    let daemon = Daemon::start(&["--on-disconnect", "dead"]);
    let mut events = daemon.events();
    let _peer = go::peer(daemon.rpc, &["-name", "p"]);
    events.expect("opened", "p", None);
    events.expect("dead", "p", Some("closed"));
    events.expect_no_more(&daemon);
}
