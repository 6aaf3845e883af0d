//! What peers ask for, and what they are granted.

use serde_json::{Value, json};

use crate::ground::daemon::{Daemon, call};

#[test]
fn wishes_are_granted_or_refused_with_the_arithmetic() {
    let daemon = Daemon::start(&[]);
    let mut connection = daemon.ping("shop/1");
    let mut open = |interval: u64, timeout: u64, stall: u64| {
        let wish = json!({
            "Name": "shop/1", "IntervalMs": interval, "TimeoutMs": timeout,
            "LongestStallMs": stall,
        });
        call(&mut connection, "Heartbeat.Open", &wish)
    };
    let granted = &open(20_000, 90_000, 30_000)["result"];
    assert_eq!(granted["IntervalMs"], 20_000);
    assert_eq!(granted["TimeoutMs"], 90_000);
    assert_eq!(granted["LongestStallMs"], 30_000);
    let first_beat = granted["FirstBeatMs"].as_u64().unwrap();
    assert!(first_beat <= 20_000, "{granted}");

    let refused = open(20_000, 60_000, 30_000);
    assert_eq!(
        refused["error"],
        "carotid: timeout 60s is shorter than two intervals and the longest stall (2 × 20s + 30s = 70s)"
    );
}

#[test]
fn a_large_fleet_is_granted_longer_intervals_and_told_so_with_its_beats() {
    let daemon = Daemon::start(&["--beats-per-second", "2", "--reconnects-per-second", "4"]);
    let mut connection = daemon.ping("first");
    let wish = json!({"Name": "shop/0", "IntervalMs": 1000, "TimeoutMs": 10_000});
    let granted = call(&mut connection, "Heartbeat.Open", &wish)["result"].clone();
    assert_eq!(granted["IntervalMs"], 1000);
    for index in 1..=8 {
        let wish = json!({"Name": format!("shop/{index}"), "IntervalMs": 1000});
        let granted = call(&mut connection, "Heartbeat.Open", &wish);
        assert_eq!(granted["error"], Value::Null, "{granted}");
    }
    // Ten sessions at two beats a second.
    let beat = json!({"Name": "shop/0"});
    let told = call(&mut connection, "Heartbeat.Beat", &beat)["result"].clone();
    assert_eq!(
        (&told["IntervalMs"], &told["TimeoutMs"]),
        (&json!(5000), &json!(15_000))
    );
    let told = call(&mut connection, "Heartbeat.Beat", &beat)["result"].clone();
    assert_eq!(told["IntervalMs"], 0, "once is enough");
    let granted = call(&mut connection, "Heartbeat.Open", &wish)["result"].clone();
    assert_eq!(granted["IntervalMs"], 5000);
    assert_eq!(granted["SpreadMs"], 2500);
}
