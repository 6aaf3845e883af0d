//! `carotid top`, with real keys and a real screen.

use std::net::TcpStream;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::picture;
use super::window::Window;
use crate::ground::daemon::{Daemon, call, carotid};

/// Runs it in a window, with these variables.
fn top(daemon: &Daemon, variables: &str) -> Window {
    let program = env!("CARGO_BIN_EXE_carotid");
    let http = daemon.http;
    Window::open(&format!(
        "echo before; env {variables} {program} top --http {http}"
    ))
}

/// A session with terms of its own, for as long as the connection is kept.
fn open(daemon: &Daemon, name: &str, interval_ms: u32, timeout_ms: u32) -> TcpStream {
    let mut stream = TcpStream::connect(daemon.rpc).unwrap();
    let terms = json!({"Name": name, "IntervalMs": interval_ms, "TimeoutMs": timeout_ms});
    call(&mut stream, "Heartbeat.Open", &terms);
    stream
}

fn line<'a>(screen: &'a str, name: &str) -> &'a str {
    let mut lines = screen.lines();
    lines.find(|line| line.starts_with(name)).unwrap_or("")
}

/// That the screen is what it was before, and the terminal reads lines again.
fn expect_restored(window: &Window, code: &str) {
    let screen = window.until_it_says("icanon");
    assert!(screen.contains(code), "{screen}");
    assert!(screen.starts_with("before"), "{screen}");
    assert!(screen.contains("\nicanon"), "{screen}");
    assert!(!screen.contains("SERVICE"), "{screen}");
}

#[test]
fn a_session_appears_and_dies_and_it_says_why() {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "[service.payments]\nmin_alive = 3\n").unwrap();
    let daemon = Daemon::start(&["--config", config.path().to_str().unwrap()]);
    let window = top(&daemon, "A=1");
    window.until(|screen| line(screen, "payments").contains("0 of the 3 needed alive"));
    let names = [
        "web/1",
        "web/2",
        "api/1",
        "payments/1",
        "payments/2",
        "客户端/42",
    ];
    let mut patient = names.map(|name| Some(open(&daemon, name, 10_000, 60_000)));
    window.until(|screen| line(screen, "web").contains("pass"));
    patient[1] = None;
    let doomed = open(&daemon, "payments/7", 200, 2_000);
    drop(doomed);
    // The worst stands first.
    window.until_it_says("dead payments/7, closed");
    let worst = window.until(|screen| line(screen, "payments").contains("fail"));
    assert!(worst.find("payments") < worst.find("web"), "{worst}");
    assert!(
        line(&worst, "web").contains("1 of 2 alive; 1 suspect"),
        "{worst}"
    );
    picture::keep("top.svg", &window.coloured());

    window.press(&["Enter"]);
    window.until(|screen| line(screen, "payments/7").contains("dead"));
    window.press(&["Enter"]);
    let detail = window.until_it_says("payments/7 is dead since");
    // Lines end where the screen does.
    let words: Vec<_> = detail.split_whitespace().collect();
    assert!(
        words.join(" ").contains("its connection was closed"),
        "{detail}"
    );
    picture::keep("top-why.svg", &window.coloured());

    window.press(&["Escape"]);
    window.until(|screen| !screen.contains("is dead since"));
    window.press(&["Escape"]);
    window.until_it_says("NEEDS");
    window.press(&["/", "w", "e"]);
    window.until(|screen| screen.contains("/we") && !screen.contains("payments "));
    window.press(&["Enter", "?"]);
    window.until_it_says("filter by a part of the name");
    window.press(&["q"]);
    window.until(|screen| !screen.contains("filter by a part of the name"));
    window.press(&["q"]);
    expect_restored(&window, "code 0");
}

#[test]
fn a_daemon_that_goes_away_is_said_and_found_again() {
    let mut daemon = Daemon::start(&[]);
    let _session = daemon.ping("web/1");
    let window = top(&daemon, "A=1");
    window.until(|screen| line(screen, "web").contains("pass"));
    daemon.program.kill();
    let gone = window.until_it_says("cannot reach the daemon");
    assert!(line(&gone, "web").contains("pass"), "{gone}");
    let again = daemon.restart();
    let _session = again.ping("shop/1");
    window.until(|screen| line(screen, "shop").contains("pass"));
    window.press(&["C-c"]);
    expect_restored(&window, "code 0");
}

#[test]
fn whoever_ends_it_gets_the_terminal_back() {
    let daemon = Daemon::start(&[]);
    let window = top(&daemon, "A=1");
    window.until_it_says("no service yet");
    let pid = Pid::from_raw(i32::try_from(window.child()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    expect_restored(&window, "code 0");
}

#[test]
fn without_colours_there_are_none() {
    let daemon = Daemon::start(&[]);
    let _session = daemon.ping("web/1");
    let colours = |window: &Window| {
        window.until(|screen| line(screen, "web").contains("pass"));
        let screen = window.coloured();
        screen.contains("\x1b[32m") || screen.contains("\x1b[38;5;2m")
    };
    assert!(colours(&top(&daemon, "A=1")));
    assert!(!colours(&top(&daemon, "NO_COLOR=1")));
}

#[test]
fn where_there_is_no_terminal_it_says_what_to_use_instead() {
    let output = carotid().arg("top").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("needs a terminal") && said.contains("carotid ps"),
        "{said}"
    );
}
