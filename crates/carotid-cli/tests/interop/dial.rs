//! A stock Go client gets its Pong, however it dials.

use super::go;
use crate::ground::daemon::Daemon;
use crate::ground::sessions;

#[track_caller]
fn is_answered_and_watched(dial: &str) {
    let daemon = Daemon::start(&[]);
    let mut events = daemon.events();
    let _peer = go::peer(
        daemon.rpc,
        &["-dial", dial, "-name", "client-42", "-then", "hang"],
    );

    assert_eq!(events.expect("opened", "client-42", None).epoch, 1);
    let listed = sessions::all(daemon.http);
    assert_eq!(listed.len(), 1, "{listed:?}");
    let session = sessions::one(daemon.http, "client-42");
    for listed in [&listed[0], &session] {
        assert_eq!(listed["name"], "client-42");
        assert_eq!(listed["health"], "alive");
        assert_eq!(listed["epoch"], 1);
        assert_eq!(listed["beats"], 1);
        assert_eq!(listed["connections"], 1);
        assert_eq!(listed["interval_ms"], 10_000);
        assert_eq!(listed["timeout_ms"], 60_000);
    }
}

#[test]
fn dial_is_answered_and_watched() {
    is_answered_and_watched("tcp");
}

#[test]
fn dial_http_is_answered_and_watched() {
    is_answered_and_watched("http");
}

#[test]
fn jsonrpc_dial_is_answered_and_watched() {
    is_answered_and_watched("json");
}

#[track_caller]
fn unknown_names_are_refused_as_go_does(dial: &str) {
    let daemon = Daemon::start(&[]);
    let peer = go::unanswered_peer(daemon.rpc, &["-dial", dial, "-methods"]);
    let lines = peer.rest();
    assert_eq!(
        lines,
        [
            "error: rpc: can't find service Nobody.Ping",
            "error: rpc: can't find method Heartbeat.Pong",
            "error: rpc: service/method request ill-formed: nodots",
            "Pong",
        ]
    );
}

#[test]
fn unknown_names_are_refused_over_gob_and_the_connection_lives_on() {
    unknown_names_are_refused_as_go_does("tcp");
}

#[test]
fn unknown_names_are_refused_over_json_and_the_connection_lives_on() {
    unknown_names_are_refused_as_go_does("json");
}
