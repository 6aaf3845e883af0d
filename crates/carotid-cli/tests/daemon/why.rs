//! `carotid why` for each way of dying, as the daemon itself has seen it.

use crate::ground::daemon::{Daemon, TERMS, carotid, say_goodbye};

/// What it says of a session, with every time and address replaced.
fn why(daemon: &Daemon, name: &str) -> String {
    let output = carotid()
        .args(["why", name, "--http", &daemon.http.to_string()])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let shown = text.split(' ').map(|word| {
        let end = word.trim_start_matches(|c: char| c.is_ascii_digit() || "-:.TZ".contains(c));
        match word.len() - end.len() {
            0 => word.to_owned(),
            _ if word.contains('T') => format!("DATE{end}"),
            _ if word.contains(':') => format!("PEER{end}"),
            _ => word.to_owned(),
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

const LIMITS: &str = "a silence of 500ms is suspect, one of 1.0s is death";

#[test]
fn a_death_of_silence_tells_of_the_open_connection() {
    let daemon = Daemon::start(&TERMS);
    let mut events = daemon.events();
    let _connection = daemon.ping("shop/1");
    events.expect("opened", "shop/1", None);
    events.expect("suspect", "shop/1", Some("silence"));
    let dead = events.expect("dead", "shop/1", Some("silence"));
    assert_eq!(dead.json["evidence"]["connection"], "open");
    assert_eq!(
        why(&daemon, "shop/1"),
        format!(
            "shop/1 is dead since DATE Last beat 1.0s earlier on PEER; {LIMITS}; the connection was \
             still open; this daemon did not stall meanwhile.\n"
        )
    );
}

#[test]
fn a_death_after_a_close_tells_of_it() {
    let daemon = Daemon::start(&TERMS);
    let mut events = daemon.events();
    drop(daemon.ping("shop/1"));
    events.expect("opened", "shop/1", None);
    let suspect = events.expect("suspect", "shop/1", Some("closed"));
    assert_eq!(suspect.json["evidence"]["connection"], "closed");
    let dead = events.expect("dead", "shop/1", Some("closed"));
    assert_eq!(dead.json["evidence"]["connection"], "closed");
    assert_eq!(
        why(&daemon, "shop/1"),
        format!(
            "shop/1 is dead since DATE Last beat 1.0s earlier on PEER; {LIMITS}; its connection was \
             closed; this daemon did not stall meanwhile.\n"
        )
    );
}

#[test]
fn a_goodbye_is_told_as_one() {
    let daemon = Daemon::start(&["--interval", "10s", "--timeout", "60s"]);
    let mut events = daemon.events();
    let mut connection = daemon.ping("shop/1");
    events.expect("opened", "shop/1", None);
    say_goodbye(&mut connection, "shop/1");
    events.expect("left", "shop/1", Some("goodbye"));
    let told = why(&daemon, "shop/1");
    assert!(
        told.starts_with("shop/1 left at DATE it said goodbye. Last beat "),
        "{told}"
    );
}

#[test]
fn a_living_session_tells_when_it_would_be_suspect() {
    let daemon = Daemon::start(&["--interval", "10s", "--timeout", "60s"]);
    let mut events = daemon.events();
    let _connection = daemon.ping("shop/1");
    events.expect("opened", "shop/1", None);
    let told = why(&daemon, "shop/1");
    assert!(told.starts_with("shop/1 is alive. Last beat "), "{told}");
    assert!(
        told.contains(
            "a silence of 18.0s is suspect (its interval of 10.0s, and 16.0 times the 500 ms"
        ),
        "{told}"
    );
}
