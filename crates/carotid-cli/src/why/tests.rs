//! How each belief reads to a person.

use serde_json::{Value, json};

use super::*;

/// What the daemon says of a session that was silent, with some of it replaced.
fn verdict(session: &Value, rest: &Value) -> String {
    let mut whole = json!({
        "session": {
            "name": "payments/7", "service": "payments", "health": "dead", "cause": "silence",
            "epoch": 1, "since": "2026-11-23T12:03:11Z", "last_beat_ms": 61_000, "beats": 9,
            "connections": 1, "peer": "10.0.0.7:4711", "interval_ms": 10_000,
            "timeout_ms": 60_000, "longest_stall_ms": 0, "wedged": false, "standing": "at-risk",
        },
        "last_beat": "2026-11-23T12:02:11Z", "silent_ms": 60_000,
        "gaps_ms": [9_960.0, 10_040.0, 9_960.0, 10_040.0], "suspect_after_ms": 18_000,
        "spread_ms": 500.0, "quantile": 16.0, "round_trip_ms": null, "own_health_score": 0,
        "stalled_ms": 0,
    });
    replace(&mut whole["session"], session);
    replace(&mut whole, rest);
    tell(&serde_json::from_value(whole).unwrap())
}

fn replace(whole: &mut Value, parts: &Value) {
    for (key, value) in parts.as_object().unwrap() {
        whole[key] = value.clone();
    }
}

const HABITS: &str = "beats usually came every 10.0 s ± 40 ms; a silence of 18.0s is suspect (its \
                      interval of 10.0s, and 16.0 times the 500 ms that its beats are late), one of 1m00s \
                      is death";

#[test]
fn a_death_of_silence() {
    assert_eq!(
        verdict(&json!({}), &json!({})),
        format!(
            "payments/7 is dead since 2026-11-23T12:03:11.000Z. Last beat 1m00s earlier on \
             10.0.0.7:4711; {HABITS}; the connection was still open; this daemon did not stall meanwhile."
        )
    );
}

#[test]
fn a_death_of_silence_of_one_who_keeps_no_connection() {
    assert_eq!(
        verdict(&json!({"connections": 0}), &json!({})),
        format!(
            "payments/7 is dead since 2026-11-23T12:03:11.000Z. Last beat 1m00s earlier on \
             10.0.0.7:4711; {HABITS}; it has no connection; this daemon did not stall meanwhile."
        )
    );
}

#[test]
fn a_death_without_a_connection() {
    for (cause, said) in [
        ("closed", "its connection was closed"),
        ("reset", "its connection was reset"),
        ("unreachable", "its host did not answer any more"),
    ] {
        assert_eq!(
            verdict(&json!({"cause": cause}), &json!({})),
            format!(
                "payments/7 is dead since 2026-11-23T12:03:11.000Z. Last beat 1m00s earlier on \
                 10.0.0.7:4711; {HABITS}; {said}; this daemon did not stall meanwhile."
            )
        );
    }
}

#[test]
fn a_death_in_a_mass_silence() {
    let held = json!({"health": "suspect", "standing": "held"});
    assert_eq!(
        verdict(&held, &json!({"silent_ms": 18_000})),
        format!(
            "payments/7 is suspect since 2026-11-23T12:03:11.000Z. Last beat 18.0s earlier on \
             10.0.0.7:4711; {HABITS}; the connection was still open; its time is up, but many fell \
             silent with it, so its death is held back; this daemon did not stall meanwhile."
        )
    );
    assert_eq!(
        verdict(&json!({"standing": "held"}), &json!({"silent_ms": 70_000})),
        format!(
            "payments/7 is dead since 2026-11-23T12:03:11.000Z. Last beat 1m10s earlier on \
             10.0.0.7:4711; {HABITS}; the connection was still open; many fell silent with it, so \
             its death was held back for a while; this daemon did not stall meanwhile."
        )
    );
}

#[test]
fn a_goodbye() {
    let left = json!({"health": "left", "cause": "goodbye", "standing": "clear"});
    assert_eq!(
        verdict(&left, &json!({"silent_ms": 4200})),
        "payments/7 left at 2026-11-23T12:03:11.000Z: it said goodbye. Last beat 4.2s earlier on \
         10.0.0.7:4711; beats usually came every 10.0 s ± 40 ms; this daemon did not stall meanwhile."
    );
}

#[test]
fn a_suspicion_while_we_stalled() {
    let suspect = json!({"health": "suspect", "cause": "closed", "standing": "clear"});
    assert_eq!(
        verdict(&suspect, &json!({"silent_ms": 3000, "stalled_ms": 2500})),
        format!(
            "payments/7 is suspect since 2026-11-23T12:03:11.000Z. Last beat 3.0s earlier on \
             10.0.0.7:4711; {HABITS}; its connection was closed; this daemon did not run for 2.5s, \
             which is not counted."
        )
    );
}

#[test]
fn life_well_and_wedged() {
    let alive = json!({"health": "alive", "cause": null, "standing": "clear"});
    assert_eq!(
        verdict(
            &alive,
            &json!({"silent_ms": 2100, "round_trip_ms": 0.31, "quantile": null})
        ),
        "payments/7 is alive. Last beat 2.1s ago on 10.0.0.7:4711; beats usually came every 10.0 s \
         ± 40 ms; a round trip took 0.3 ms; a silence of 18.0s is suspect, one of 1m00s is death; \
         this daemon did not stall meanwhile."
    );
    let mut wedged = alive;
    wedged["wedged"] = json!(true);
    assert_eq!(
        verdict(&wedged, &json!({"silent_ms": 2100, "own_health_score": 2})),
        format!(
            "payments/7 is alive but wedged: it beats, and its main loop makes no progress. Last \
             beat 2.1s ago on 10.0.0.7:4711; {HABITS}; this host is not well itself, so the margin \
             before suspicion is 3 times as long; this daemon did not stall meanwhile."
        )
    );
}
