//! Many sessions that fall silent together.

use std::net::TcpStream;

use serde_json::json;

use crate::ground::daemon::{Daemon, carotid, ping};
use crate::ground::events::{Event, Events};
use crate::ground::sessions::{get, raw};

const WEB: usize = 20;
const FLAGS: [&str; 6] = [
    "--interval",
    "500ms",
    "--timeout",
    "2s",
    "--suspect-after",
    "2",
];

/// Twenty sessions of one service that beat once and never again.
fn fleet(daemon: &Daemon) -> (Events, Vec<TcpStream>) {
    let mut events = daemon.events();
    let connections = (0..WEB).map(|index| daemon.ping(&format!("web/{index}")));
    let connections = connections.collect();
    for _ in 0..WEB {
        assert_eq!(events.next().kind, "opened");
    }
    for _ in 0..WEB {
        assert_eq!(events.next().kind, "suspect");
    }
    (events, connections)
}

fn deaths(events: &mut Events) -> Vec<Event> {
    let dead: Vec<_> = (0..WEB).map(|_| events.next()).collect();
    assert!(dead.iter().all(|event| event.kind == "dead"), "{dead:?}");
    dead
}

#[test]
fn mass_silence_is_one_event_before_any_death() {
    let daemon = Daemon::start(&FLAGS);
    let (mut events, _connections) = fleet(&daemon);
    let mass = events.next();
    assert_eq!(mass.kind, "mass_silence", "{mass:?}");
    let incident = &mass.json["incident"];
    assert_eq!(incident["number"], 1);
    assert_eq!(incident["sessions"], 20);
    assert_eq!(incident["services"][0], "web");
    assert_eq!(incident["held_ms"], 500);

    for dead in deaths(&mut events) {
        assert!(dead.silent_ms >= 2500, "{dead:?}");
        assert_eq!(dead.json["evidence"]["standing"], "held", "{dead:?}");
    }
    let over = events.next();
    assert_eq!(over.kind, "mass_silence_over", "{over:?}");
    assert_eq!(
        (
            &over.json["outcome"]["died"],
            &over.json["outcome"]["returned"]
        ),
        (&json!(20), &json!(0))
    );
    events.expect_no_more(&daemon);
    let (status, service) = get(daemon.http, "/api/v1/services/web");
    assert_eq!((status, &service["health"]), (200, &json!("fail")));
}

#[test]
fn a_fleet_that_comes_back_in_the_meantime_is_back_and_nothing_else() {
    let flags = [&FLAGS[..], &["--mass-silence-max-hold", "1h"]].concat();
    let daemon = Daemon::start(&flags);
    let (mut events, mut connections) = fleet(&daemon);
    assert_eq!(events.next().kind, "mass_silence");
    for (index, connection) in connections.iter_mut().enumerate() {
        let name = format!("web/{index}");
        ping(connection, &name);
        let back = events.expect("back", &name, None);
        assert_eq!(back.epoch, 1);
        let standing = back.json["evidence"]["standing"].as_str();
        assert!(matches!(standing, Some("at-risk" | "held")), "{back:?}");
        if index == 0 {
            let why = carotid()
                .args(["why", "web/19", "--http", &daemon.http.to_string()])
                .output()
                .unwrap();
            let why = String::from_utf8(why.stdout).unwrap();
            assert!(why.starts_with("web/19 is suspect since"), "{why}");
        }
    }
    let over = events.next();
    assert_eq!(over.kind, "mass_silence_over", "{over:?}");
    assert_eq!(over.json["outcome"]["died"], 0);
}

#[test]
fn mass_silence_stays_on_the_first_page_whatever_else_happens() {
    let flags = [&FLAGS[..], &["--mass-silence-max-hold", "1h"]].concat();
    let daemon = Daemon::start(&flags);
    let (mut events, mut connections) = fleet(&daemon);
    assert_eq!(events.next().kind, "mass_silence");
    // While somebody comes back, the others are waited for.
    ping(&mut connections[0], "web/0");
    events.expect("back", "web/0", None);
    // More trouble than the page lists.
    for index in 0..12 {
        let name = format!("job/{index}");
        let (status, _) = raw(daemon.http, &format!("/beat/{name}/fail"));
        assert_eq!(status, 200);
        events.expect("opened", &name, None);
        events.expect("dead", &name, Some("failed"));
    }
    let (_, page) = raw(daemon.http, "/");
    let banner = "<strong data-say>Mass silence</strong>: 19 sessions of 20 silent together.";
    assert!(page.contains(banner), "{page}");
}

#[test]
fn with_a_share_of_one_everybody_dies_on_time() {
    let flags = [&FLAGS[..], &["--mass-silence-share", "1"]].concat();
    let daemon = Daemon::start(&flags);
    let (mut events, _connections) = fleet(&daemon);
    for dead in deaths(&mut events) {
        assert_eq!(dead.json["evidence"]["standing"], "at-risk", "{dead:?}");
    }
    events.expect_no_more(&daemon);
}
