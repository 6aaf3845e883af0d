//! A daemon that is stopped accuses nobody (I6).

use std::time::Duration;

use carotid::core::Terms;
use carotid::{Client, ClientConfig};

use crate::ground::daemon::Daemon;
use crate::ground::sessions::{get, raw};

const PEERS: usize = 50;

fn peer(daemon: &Daemon, index: usize) -> Client {
    let ms = Duration::from_millis;
    Client::start(ClientConfig {
        terms: Terms::new(ms(100), ms(1000)).unwrap(),
        // It waits for a daemon that is stopped for longer than its timeout.
        call_timeout: Duration::from_secs(60),
        ..ClientConfig::new(daemon.rpc.into(), format!("fleet/{index}").parse().unwrap())
    })
    .unwrap()
}

#[test]
fn a_daemon_that_was_stopped_for_twice_the_timeout_accuses_nobody() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let daemon = Daemon::start(&[]);
    let _peers: Vec<_> = (0..PEERS).map(|index| peer(&daemon, index)).collect();
    let mut events = daemon.events();
    for _ in 0..PEERS {
        assert_eq!(events.next().kind, "opened");
    }

    // Another daemon tells when that time is over: a session of its own dies of it.
    let witness = Daemon::start(&["--interval", "100ms", "--timeout", "2s"]);
    let mut time = witness.events();
    daemon.program.freeze();
    let _silent = witness.ping("twice the timeout");
    time.expect("opened", "twice the timeout", None);
    time.expect("suspect", "twice the timeout", Some("silence"));
    time.expect("dead", "twice the timeout", Some("silence"));
    daemon.program.thaw();
    assert_eq!(raw(daemon.http, "/livez"), (200, "ok\n".into()));

    let stalled = events.next_of_any_kind();
    assert_eq!(stalled.kind, "stalled", "{stalled:?}");
    assert!((2000..30_000).contains(&stalled.stalled_ms), "{stalled:?}");
    let (_, ledger) = get(daemon.http, "/api/v1/stalls");
    let first = &ledger["stalls"][0];
    assert_eq!(first["number"], 1);
    assert!(first["stalled_ms"].as_u64().unwrap() >= stalled.stalled_ms);
    // Wait until every peer was heard for longer than the grace.
    let beats = |index| {
        let path = format!("/api/v1/sessions/fleet%2F{index}");
        get(daemon.http, &path).1["beats"].as_u64().unwrap()
    };
    let heard: Vec<_> = (0..PEERS).map(beats).collect();
    for (index, heard) in heard.into_iter().enumerate() {
        while beats(index) < heard + 10 {}
    }
    events.expect_no_more(&daemon);
}
