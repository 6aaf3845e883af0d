//! Many peers at once.

use std::collections::BTreeMap;

use super::go;
use crate::ground::daemon::Daemon;
use crate::ground::events::Events;

const PEERS: usize = 1000;

/// Reads as many events as there are peers; how many of them each peer had.
fn one_round(events: &mut Events, kind: &str, cause: Option<&str>) -> BTreeMap<String, u32> {
    let mut seen = BTreeMap::new();
    for _ in 0..PEERS {
        let event = events.next();
        assert_eq!(
            (event.kind.as_str(), event.cause.as_deref()),
            (kind, cause),
            "{event:?}"
        );
        *seen.entry(event.name).or_default() += 1;
    }
    seen
}

#[test]
fn a_thousand_peers_open_once_and_die_once() {
    // With these terms only the end of a connection can end a session.
    let daemon = Daemon::start(&["--on-disconnect", "dead"]);
    let mut events = daemon.events();
    let flags = [
        "-name", "crowd", "-clients", "1000", "-count", "2", "-every", "100ms", "-then", "hang",
    ];
    let mut peers = go::unanswered_peer(daemon.rpc, &flags);
    for _ in 0..2 * PEERS {
        assert_eq!(peers.line(), "Pong");
    }
    let expected: BTreeMap<String, u32> = (0..PEERS).map(|i| (format!("crowd-{i}"), 1)).collect();
    assert_eq!(one_round(&mut events, "opened", None), expected);

    peers.close_input();
    assert_eq!(one_round(&mut events, "dead", Some("closed")), expected);
    events.expect_no_more(&daemon);
}
