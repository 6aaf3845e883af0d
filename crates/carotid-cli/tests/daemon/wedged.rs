//! Peers that beat and do nothing else.

use serde_json::{Value, json};

use crate::ground::daemon::{Daemon, call, carotid};
use crate::ground::sessions::{get, one};

fn service(daemon: &Daemon, name: &str) -> Value {
    let (status, body) = get(daemon.http, &format!("/api/v1/services/{name}"));
    assert_eq!(status, 200, "{body}");
    body
}

#[test]
fn a_peer_without_progress_is_alive_but_wedged_until_it_goes_on() {
    let daemon = Daemon::start(&[
        "--interval",
        "200ms",
        "--timeout",
        "60s",
        "--suspect-after",
        "200",
    ]);
    let mut events = daemon.events();
    let mut connection = daemon.ping("shop/1");
    events.expect("opened", "shop/1", None);
    assert_eq!(service(&daemon, "shop")["health"], "pass");

    let mut beat = |progress_ms: u64| {
        let vitals = json!({"Name": "shop/1", "ProgressMs": progress_ms, "RoundTripUs": 310});
        let answer = call(&mut connection, "Heartbeat.Beat", &vitals);
        assert_eq!(answer["error"], Value::Null, "{answer}");
    };
    // Two intervals without progress are too many. One that beats more often than agreed is not asked
    // each time.
    let mut beat_until = |progress_ms: u64, wedged: bool| {
        while one(daemon.http, "shop/1")["wedged"] != wedged {
            let silent = &one(daemon.http, "shop/1")["last_beat_ms"];
            if silent.as_u64().unwrap() >= 100 {
                beat(progress_ms);
            }
        }
    };
    beat_until(401, true);
    let wedged = events.expect("wedged", "shop/1", None);
    assert_eq!(wedged.json["stuck_ms"], 401);
    assert_eq!(wedged.json["evidence"]["round_trip_ms"], 0.31);
    let session = one(daemon.http, "shop/1");
    assert_eq!(
        (&session["health"], &session["wedged"]),
        (&json!("alive"), &json!(true))
    );
    let warned = service(&daemon, "shop");
    assert_eq!(
        (&warned["health"], &warned["wedged"], &warned["alive"]),
        (&json!("fail"), &json!(1), &json!(0)),
        "one that does no work is no reason to rely on its service"
    );
    let listed = carotid()
        .args(["ps", "--http", &daemon.http.to_string()])
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("alive    wedged"), "{listed}");

    beat_until(400, false);
    events.expect("unwedged", "shop/1", None);
    assert_eq!(service(&daemon, "shop")["health"], "pass");
    events.expect_no_more(&daemon);
}

#[test]
fn a_service_without_sessions_is_unknown() {
    let daemon = Daemon::start(&[]);
    let _connection = daemon.ping("solo");
    let (status, body) = get(daemon.http, "/api/v1/services/shop");
    assert_eq!(status, 404, "{body}");
    assert_eq!(service(&daemon, "solo")["sessions"], 1);
}
