//! What a large table takes, counted by the allocator.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, its foundations included"
)]

use core::time::Duration;

use allocation_counter::{measure, opt_out};
use carotid_core::{Breaker, BreakerConfig, Config, Engine, Open, SessionId, Tick, Vitals};

const SESSIONS: u32 = 1_000_000;

/// A table with names of fourteen bytes, and the tally of its service.
fn open_all() -> (Engine, Breaker, Vec<SessionId>) {
    let mut engine = Engine::new(&Config::default()).unwrap();
    let mut breaker = Breaker::new(BreakerConfig::default(), 1).unwrap();
    let mut ids = Vec::new();
    for number in 0..SESSIONS {
        let name = format!("bench/{number:08}").parse().unwrap();
        let open = Open { name, terms: None };
        let opened = engine.open(Tick::default(), open).unwrap();
        // The test's own list is none of the table's memory.
        opt_out(|| ids.push(opened.id));
        while let Some(event) = engine.poll_event() {
            breaker.observe(&event);
        }
    }
    (engine, breaker, ids)
}

#[test]
fn a_million_sessions_take_160_bytes_each_and_a_beat_takes_none() {
    let mut world = None;
    let table = measure(|| world = Some(open_all()));
    let each = table.bytes_current / i64::from(SESSIONS);
    assert!((100..=160).contains(&each), "{each} bytes a session");

    let (mut engine, _breaker, ids) = world.unwrap();
    // The first beat of an interval begins its cohort.
    let first = Tick::default().after(Duration::from_secs(1));
    engine.beat(first, ids[0], Vitals::default()).unwrap();
    let beats = measure(|| {
        for pass in 1..=2 {
            let now = Tick::default().after(Duration::from_secs(pass * 10));
            for &id in &ids {
                engine.beat(now, id, Vitals::default()).unwrap();
            }
        }
    });
    assert_eq!(beats.count_total, 0, "{} bytes", beats.bytes_total);
}
