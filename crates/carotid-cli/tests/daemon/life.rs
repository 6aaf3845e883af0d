//! The daemon's own life: how it ends, what it survives, what it says in its log.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use carotid::{Client, ClientConfig, ClientState};

use crate::ground::daemon::Daemon;
use crate::ground::program::PATIENCE;

#[test]
fn it_ends_in_order_when_asked() {
    for interrupt in [false, true] {
        let mut daemon = Daemon::start(&[]);
        let _connection = daemon.ping("a");
        let mut stream = daemon.events();
        stream.expect("opened", "a", None);
        if interrupt {
            daemon.program.interrupt();
        } else {
            daemon.program.request_end();
        }
        assert_eq!(daemon.program.code(), Some(0));
        daemon
            .program
            .wait_for_complaint(|line| line.contains("stopped"));
    }
}

#[test]
fn malformed_input_is_one_line_of_the_log_with_the_peer_and_the_reason() {
    let daemon = Daemon::start(&["--log-format", "json"]);
    let mut stranger = TcpStream::connect(daemon.rpc).unwrap();
    let peer = stranger.local_addr().unwrap().to_string();
    stranger
        .write_all(b"\xF8\x40\0\0\0\0\0\0\0\xFF\x81")
        .unwrap();
    let mut answer = Vec::new();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    stranger.read_to_end(&mut answer).unwrap();
    let line = daemon
        .program
        .wait_for_complaint(|line| line.contains(&peer));
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let reason = line["reason"].as_str().unwrap();
    assert!(reason.contains("over the limit of 65536"), "{line}");
    // Whatever else was said of that peer would be before the next peer's line.
    let mut next = TcpStream::connect(daemon.rpc).unwrap();
    let other = next.local_addr().unwrap().to_string();
    next.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    daemon.program.wait_for_complaint(|line| {
        assert!(!line.contains(&peer), "two lines for one end: {line}");
        line.contains(&other)
    });
}

#[test]
fn fifty_clients_survive_a_kill_and_a_restart() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let mut daemon = Daemon::start(&[]);
    let clients: Vec<_> = (0..50)
        .map(|index| {
            Client::start(ClientConfig {
                max_backoff: Duration::from_secs(2),
                ..ClientConfig::new(daemon.rpc.into(), format!("fleet/{index}").parse().unwrap())
            })
            .unwrap()
        })
        .collect();
    let all = |wanted: fn(&ClientState) -> bool| {
        runtime.block_on(async {
            for client in &clients {
                let mut state = client.state();
                let waited = tokio::time::timeout(PATIENCE, state.wait_for(wanted)).await;
                drop(waited.expect("in time").unwrap());
            }
        });
    };
    all(|state| matches!(state, ClientState::Connected { .. }));
    daemon.program.kill();
    all(|state| !matches!(state, ClientState::Connected { .. }));
    let again = daemon.restart();
    all(|state| matches!(state, ClientState::Connected { .. }));
    let mut events = again.events();
    let mut names: Vec<_> = (0..50).map(|_| events.next().name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 50, "each is back under its own name");
    events.expect_no_more(&again);
}
