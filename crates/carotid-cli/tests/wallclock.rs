//! A daemon whose wall clock is stepped by an hour, forth and back: nobody is suspected for it.
//!
//! libfaketime gives the daemon another wall clock and leaves the others alone. The test needs that
//! library, named in `$LIBFAKETIME`, so the target runs only when it is named: `cargo xtask test`
//! installs it where that is simple.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, its foundations included"
)]

mod ground;

use std::path::Path;
use std::time::Duration;

use carotid::core::Terms;
use carotid::{Client, ClientConfig};
use ground::daemon::{Daemon, say_goodbye};
use ground::events::Events;
use ground::sessions;
use jiff::Timestamp;

const PEERS: usize = 20;
const HOUR: i64 = 3600;

/// A peer that would die many times over in an hour.
fn peer(daemon: &Daemon, index: usize) -> Client {
    let ms = Duration::from_millis;
    Client::start(ClientConfig {
        terms: Terms::new(ms(100), ms(10_000)).unwrap(),
        ..ClientConfig::new(daemon.rpc.into(), format!("fleet/{index}").parse().unwrap())
    })
    .unwrap()
}

/// Steps the clock; the file is never seen half written.
fn step(file: &Path, by: &str) {
    let next = file.with_extension("next");
    std::fs::write(&next, format!("{by}\n")).unwrap();
    std::fs::rename(next, file).unwrap();
}

/// What time the daemon thinks it is.
fn wall(daemon: &Daemon, events: &mut Events, name: &str) -> Timestamp {
    let mut connection = daemon.ping(name);
    let opened = events.expect("opened", name, None);
    say_goodbye(&mut connection, name);
    events.expect("left", name, Some("goodbye"));
    opened.at
}

#[test]
fn a_wall_clock_that_jumps_an_hour_is_no_event() {
    let library = std::env::var_os("LIBFAKETIME").expect("libfaketimeMT.so.1 in $LIBFAKETIME");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("time");
    step(&file, "+0s");
    // Patient enough for a busy machine; an hour is past every deadline there is.
    let daemon = Daemon::start_with(&["--suspect-after", "90"], |command| {
        command
            .env("LD_PRELOAD", &library)
            .env("FAKETIME_TIMESTAMP_FILE", &file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    });
    let mut events = daemon.events();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let _peers: Vec<_> = (0..PEERS).map(|index| peer(&daemon, index)).collect();
    for _ in 0..PEERS {
        assert_eq!(events.next().kind, "opened");
    }

    let mut before = wall(&daemon, &mut events, "before");
    for (by, hours) in [("+3600s", 1), ("-3600s", -2), ("+0s", 1)] {
        step(&file, by);
        let now = wall(&daemon, &mut events, by);
        let stepped = now.as_second() - before.as_second() - hours * HOUR;
        assert!((0..HOUR / 2).contains(&stepped), "no jump: {stepped} s off");
        before = now;
        let beats = |index| {
            sessions::one(daemon.http, &format!("fleet/{index}"))["beats"]
                .as_u64()
                .unwrap()
        };
        let heard: Vec<_> = (0..PEERS).map(beats).collect();
        for (index, heard) in heard.into_iter().enumerate() {
            while beats(index) < heard + 5 {}
        }
    }
    // Nothing but what was read has happened: nobody was suspected, and nothing stalled.
    let _newcomer = daemon.ping("newcomer");
    let next = events.next_of_any_kind();
    assert_eq!((&*next.kind, &*next.name), ("opened", "newcomer"));
}
