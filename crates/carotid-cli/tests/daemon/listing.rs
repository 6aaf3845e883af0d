//! `carotid ps` and `carotid watch`.

use std::process::{Command, Output};

use serde_json::Value;

use crate::ground::daemon::{Daemon, carotid};
use crate::ground::program::Program;
use crate::ground::sessions::get;

fn ask(daemon: &Daemon, arguments: &[&str]) -> Command {
    let mut command = carotid();
    command
        .args(arguments)
        .args(["--http", &format!("http://{}", daemon.http)]);
    command
}

fn stdout(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[test]
fn ps_prints_the_objects_of_the_http_interface() {
    let daemon = Daemon::start(&[]);
    let _connections = ["b/2", "a/1"].map(|name| daemon.ping(name));
    let text = stdout(&mut ask(&daemon, &["ps", "-o", "json"]));
    let listed: Value = serde_json::from_str(&text).unwrap();
    let (_, mut one) = get(daemon.http, "/api/v1/sessions/a%2F1");
    let mut first = listed["sessions"][0].clone();
    // Time went on between the two questions.
    for session in [&mut one, &mut first] {
        assert!(session["last_beat_ms"].take().is_u64());
    }
    assert_eq!(first, one);
    let lines = stdout(&mut ask(&daemon, &["ps", "-o", "ndjson", "--service", "b"]));
    assert_eq!(lines.lines().count(), 1);
    let table = stdout(&mut ask(&daemon, &["ps"]));
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("NAME"), "{table}");
    assert!(
        lines[1].starts_with("a/1") && lines[1].contains("alive"),
        "{table}"
    );
    assert!(!table.contains('\x1b'), "no colours in a pipe");
}

#[test]
fn why_tells_what_the_belief_stands_on() {
    let daemon = Daemon::start(&["--interval", "50ms", "--timeout", "200ms"]);
    let connection = daemon.ping("客户端/42");
    let mut events = daemon.events();
    events.expect("opened", "客户端/42", None);
    drop(connection);
    events.expect("suspect", "客户端/42", Some("closed"));
    let dead = events.expect("dead", "客户端/42", Some("closed"));
    let text = stdout(&mut ask(&daemon, &["why", "客户端/42"]));
    assert!(text.starts_with("客户端/42 is dead since "), "{text}");
    assert!(text.contains("its connection was closed"), "{text}");
    let text = stdout(&mut ask(&daemon, &["why", "客户端/42", "-o", "json"]));
    let verdict: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(verdict["session"]["health"], "dead");
    assert_eq!(verdict["silent_ms"], dead.silent_ms);
    assert_eq!(verdict["gaps_ms"], serde_json::json!([]), "it beat once");
    let output = ask(&daemon, &["why", "nobody"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn watch_follows_from_where_it_is_told_to() {
    let daemon = Daemon::start(&[]);
    let connections = ["a", "b"].map(|name| daemon.ping(name));
    let watch = Program::start(&mut ask(
        &daemon,
        &["watch", "--after", "1", "-o", "ndjson"],
    ));
    let line = watch.line();
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (event["seq"].as_u64(), event["name"].as_str()),
        (Some(2), Some("b"))
    );
    drop(connections);
    let event: Value = serde_json::from_str(&watch.line()).unwrap();
    assert_eq!(event["kind"], "suspect");
    assert_eq!(event["cause"], "closed");
    let human = Program::start(&mut ask(&daemon, &["watch", "--after", "0"]));
    let (header, line) = (human.line(), human.line());
    assert!(line.contains("opened") && line.ends_with("  a"), "{line}");
    assert_eq!(
        header.find("NAME"),
        line.find("  a").map(|at| at + 2),
        "{header}\n{line}"
    );
}

#[test]
fn watch_misses_nothing_of_a_daemon_that_restarts() {
    let mut daemon = Daemon::start(&[]);
    let _connections = ["a", "b", "c"].map(|name| daemon.ping(name));
    let watch = Program::start(&mut ask(
        &daemon,
        &["watch", "--after", "2", "-o", "ndjson"],
    ));
    assert!(watch.line().contains("\"c\""));
    daemon.program.kill();
    watch.wait_for_complaint(|line| line.contains("trying again"));
    let again = daemon.restart();
    // Its numbers begin anew, and have passed the one that the watcher knows when it is back.
    let _connections = ["d", "e", "f", "g"].map(|name| again.ping(name));
    for name in ["d", "e", "f", "g"] {
        let event: Value = serde_json::from_str(&watch.line()).unwrap();
        assert_eq!(event["name"], name);
    }
}

#[test]
fn the_daemon_is_found_by_url_or_by_address() {
    let daemon = Daemon::start(&[]);
    let _connection = daemon.ping("a");
    let address = daemon.http.to_string();
    for http in [
        address.clone(),
        format!("http://{address}"),
        format!("http://{address}/"),
    ] {
        let listed = stdout(carotid().args(["ps", "-o", "ndjson", "--http", &http]));
        assert_eq!(listed.lines().count(), 1, "{http}");
    }
    let listed = stdout(
        carotid()
            .args(["ps", "-o", "ndjson"])
            .env("CAROTID_HTTP", &address),
    );
    assert_eq!(listed.lines().count(), 1);
}

#[test]
fn a_daemon_that_is_not_there_is_exit_code_2() {
    for command in ["ps", "watch"] {
        let mut gone = Daemon::start(&[]);
        gone.program.kill();
        let output = ask(&gone, &[command]).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("carotid serve"), "{text}");
    }
    for url in ["7401", "https://localhost:7401", "not a url"] {
        let output = carotid().args(["ps", "--http", url]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{url}");
    }
}

#[test]
fn wrong_filters_are_refused_in_the_daemons_words() {
    let daemon = Daemon::start(&[]);
    let output = ask(&daemon, &["ps", "--health", "well"]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text.contains("alive, suspect, dead, left or wedged"),
        "{text}"
    );
}
