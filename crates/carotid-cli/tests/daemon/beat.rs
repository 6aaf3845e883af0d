//! `carotid beat`.

use std::net::TcpListener;

use crate::ground::daemon::{Daemon, carotid};
use crate::ground::events::Events;
use crate::ground::program::Program;

fn beat(daemon: &Daemon, command: &[&str]) -> Program {
    let mut beat = carotid();
    beat.args(["beat", "job/1", "--addr", &daemon.rpc.to_string()]);
    beat.args(["--interval", "50ms", "--timeout", "400ms"]);
    if !command.is_empty() {
        beat.arg("--").args(command);
    }
    Program::start(&mut beat)
}

fn daemon() -> (Daemon, Events) {
    let daemon = Daemon::start(&[]);
    let events = daemon.events();
    (daemon, events)
}

#[test]
fn a_stopped_session_says_goodbye() {
    let (daemon, mut events) = daemon();
    for stop in [Program::interrupt as fn(&Program), |program| {
        program.request_end()
    }] {
        let mut session = beat(&daemon, &[]);
        events.expect("opened", "job/1", None);
        stop(&session);
        assert_eq!(session.code(), Some(0));
        events.expect("left", "job/1", Some("goodbye"));
    }
}

#[test]
fn the_first_server_that_can_be_reached_gets_the_session() {
    let (daemon, mut events) = daemon();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap();
    drop(free);
    let several = format!("{nobody},unix:/nonexistent/socket,http://{}", daemon.rpc);
    let mut command = carotid();
    command.args(["beat", "job/1", "--addr", &several]);
    let mut session = Program::start(&mut command);
    events.expect("opened", "job/1", None);
    session.interrupt();
    assert_eq!(session.code(), Some(0));
    events.expect("left", "job/1", Some("goodbye"));
}

#[test]
fn what_was_counted_is_told_at_the_end() {
    let (daemon, mut events) = daemon();
    let mut command = carotid();
    command.args(["beat", "job/1", "--addr", &daemon.rpc.to_string()]);
    command.args(["-o", "ndjson", "--interval", "1h", "--timeout", "2h"]);
    let session = Program::start(&mut command);
    events.expect("opened", "job/1", None);
    session.wait_for_complaint(|line| line.contains("beating on"));
    session.interrupt();
    let counted: serde_json::Value = serde_json::from_str(&session.line()).unwrap();
    for never in ["missed_pongs", "reconnects", "failovers"] {
        assert_eq!(counted[never], 0, "{counted}");
    }
    assert!(counted["beats_sent"].is_u64(), "{counted}");
    assert!(counted["since_last_pong_ms"].is_u64(), "{counted}");
    assert!(counted["round_trip"].is_null(), "{counted}");

    let session = beat(&daemon, &[]);
    session.wait_for_complaint(|line| line.contains("beating on"));
    session.interrupt();
    session.wait_for_complaint(|line| line.contains(" beat"));
}

#[test]
fn a_command_that_succeeds_has_left() {
    let (daemon, mut events) = daemon();
    // It ends when its standard input, which is ours, is closed.
    let mut session = beat(&daemon, &["cat"]);
    events.expect("opened", "job/1", None);
    session.close_input();
    assert_eq!(session.code(), Some(0));
    events.expect("left", "job/1", Some("goodbye"));
}

#[test]
fn a_command_that_fails_is_closed_and_its_code_is_passed_on() {
    let (daemon, mut events) = daemon();
    let mut session = beat(&daemon, &["sh", "-c", "cat; exit 7"]);
    events.expect("opened", "job/1", None);
    session.close_input();
    assert_eq!(session.code(), Some(7));
    events.expect("suspect", "job/1", Some("closed"));
    events.expect("dead", "job/1", Some("closed"));
}

#[test]
fn a_termination_reaches_the_command() {
    let (daemon, mut events) = daemon();
    let script = "trap 'exit 9' TERM; echo ready; while :; do read line || kill -TERM $$; done";
    let mut session = beat(&daemon, &["sh", "-c", script]);
    events.expect("opened", "job/1", None);
    assert_eq!(session.line(), "ready");
    session.request_end();
    session.close_input();
    assert_eq!(session.code(), Some(9));
    events.expect("suspect", "job/1", Some("closed"));
}

#[test]
fn what_cannot_be_is_refused() {
    for (arguments, said) in [
        (&["beat", "a\nb"][..], "control or format character"),
        (&["beat", ""], "empty"),
        (
            &["beat", "a", "--interval", "1s", "--timeout", "1s"],
            "2 × 1s = 2s",
        ),
        (&["beat", "a", "--call-timeout", "0s"], "more than 0s"),
        (&["beat", "a", "--addr", "nonsense"], "not HOST:PORT"),
        (&["beat", "a", "--addr", "localhost:99999"], "not HOST:PORT"),
        (&["beat", "a", "--addr", "unix:"], "needs a path"),
        (&["beat", "a", "--addr", "localhost:1,tcp://b:2"], "http://"),
    ] {
        let output = carotid().args(arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn a_command_that_is_not_there_has_the_code_of_a_shell() {
    let output = carotid()
        .args(["beat", "a", "--", "/nonexistent/program"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(127), "{text}");
    assert!(text.contains("/nonexistent/program"), "{text}");
}
