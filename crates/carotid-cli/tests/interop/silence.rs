//! Peers that fall silent on a connection that looks healthy.

use super::go;
use super::terms::{SUSPICION_MS, TERMS, assert_in_time};
use crate::ground::daemon::Daemon;
use crate::ground::sessions;

#[test]
fn a_hanging_peer_is_suspected_then_dead() {
    let daemon = Daemon::start(&TERMS);
    let mut events = daemon.events();
    let mut peer = go::peer(
        daemon.rpc,
        &[
            "-name", "p", "-count", "3", "-every", "50ms", "-then", "hang",
        ],
    );

    events.expect("opened", "p", None);
    let suspect = events.expect("suspect", "p", Some("silence"));
    assert!(suspect.silent_ms >= SUSPICION_MS, "{suspect:?}");
    assert_in_time(&events.expect("dead", "p", Some("silence")));
    assert!(peer.is_running());
    peer.close_input();
    events.expect_no_more(&daemon);
}

#[test]
fn a_frozen_peer_comes_back_before_the_timeout_and_dies_past_it() {
    let daemon = Daemon::start(&TERMS);
    let mut events = daemon.events();
    let peer = go::peer(daemon.rpc, &["-name", "p", "-count", "0", "-every", "50ms"]);
    events.expect("opened", "p", None);

    peer.freeze();
    let suspect = events.expect("suspect", "p", Some("silence"));
    assert!(suspect.silent_ms >= SUSPICION_MS, "{suspect:?}");
    peer.thaw();
    let back = events.expect("back", "p", None);
    assert_eq!(back.epoch, 1);
    assert!(back.silent_ms >= SUSPICION_MS, "{back:?}");

    peer.freeze();
    events.expect("suspect", "p", Some("silence"));
    assert_in_time(&events.expect("dead", "p", Some("silence")));
    events.expect_no_more(&daemon);
}

#[test]
fn a_peer_of_several_connections_stays_alive_while_one_of_them_beats() {
    let daemon = Daemon::start(&TERMS);
    let mut events = daemon.events();
    let _beating = go::peer(daemon.rpc, &["-name", "p", "-count", "0", "-every", "50ms"]);
    events.expect("opened", "p", None);
    // A second connection of the same name that ends at once: no suspicion.
    let passing = go::peer(daemon.rpc, &["-name", "p"]);
    passing.rest();
    while sessions::one(daemon.http, "p")["connections"] != 1 {}
    events.expect_no_more(&daemon);
}
