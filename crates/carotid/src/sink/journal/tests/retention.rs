//! What is forgotten, and what is not.

use std::time::Duration;

use super::*;
use crate::sink::journal::sweep::{Keep, Sweep};
use crate::sink::journal::wall::Moment;

const DAY_MS: i64 = 24 * 3_600_000;

const KEEP: Keep = Keep {
    raw_ms: 30 * DAY_MS,
    hours_ms: 400 * DAY_MS,
    max_bytes: i64::MAX,
};

/// Some minutes after the machine was started.
fn at(wall: i64, minutes: u64) -> Moment {
    let machine = Duration::from_secs(60 * minutes);
    Moment {
        wall,
        machine,
        attended: machine,
    }
}

impl Books {
    fn sweep(&mut self, keep: Keep, now: i64) {
        let mut sweep = Sweep::default();
        for step in 0..50 {
            sweep.step(self.store(), &keep, at(now, step), 0).unwrap();
        }
    }

    /// A session that opens and ends, or does not.
    fn live(&mut self, name: &str, at: i64, end: Option<EventKind>) {
        let session = self.number();
        let peer = Peer {
            name: name.to_owned(),
            session,
            is_suspect: false,
        };
        let opened = peer.turn(session, at, OPENED, 0);
        let Some(end) = end else {
            self.write(&[opened], at);
            return;
        };
        let seq = self.number();
        self.write(&[opened, peer.turn(seq, at + 1000, end, 500)], at + 1000);
    }
}

impl Books {
    /// So many sessions that open and die, in one batch.
    fn live_many(&mut self, count: usize, at: i64) {
        let mut peers = Vec::new();
        for _ in 0..count {
            let (session, _) = (self.number(), self.number());
            peers.push(Peer {
                name: format!("a/{session}"),
                session,
                is_suspect: false,
            });
        }
        let lives = peers.iter().flat_map(|peer| {
            let opened = peer.turn(peer.session, at, OPENED, 0);
            [opened, peer.turn(peer.session + 1, at + 1000, DEAD, 500)]
        });
        let lives: Vec<_> = lives.collect();
        self.write(&lives, at + 1000);
    }
}

#[test]
fn what_is_older_than_a_month_goes_and_whoever_has_not_ended_stays() {
    let mut books = Books::begin(0);
    books.live("a/old", 1000, Some(DEAD));
    books.live("a/alive", 3000, None);
    books.live("a/new", 40 * DAY_MS, Some(DEAD));
    books.sweep(KEEP, 40 * DAY_MS + 5000);
    assert_eq!(books.count("SELECT count(*) FROM events"), 2);
    assert_eq!(books.count("SELECT count(*) FROM sessions"), 2);
    assert_eq!(
        books.count("SELECT count(*) FROM sessions WHERE name = 'a/old'"),
        0
    );
    // The hours tell of it for longer.
    assert_eq!(books.count("SELECT sum(deaths) FROM service_hours"), 2);
}

#[test]
fn the_last_event_stays_because_it_says_which_number_is_next() {
    let mut books = Books::begin(0);
    books.live("a/1", 1000, Some(DEAD));
    books.sweep(KEEP, 400 * DAY_MS);
    assert_eq!(books.count("SELECT max(seq) FROM events"), 2);
    // It asserts that the numbers go on.
    books.restart(400 * DAY_MS);
}

#[test]
fn a_full_file_forgets_its_oldest_events_and_uses_their_room_again() {
    let mut books = Books::begin(0);
    let keep = Keep {
        max_bytes: 1 << 20,
        ..KEEP
    };
    let mut sweep = Sweep::default();
    for round in 0..40 {
        books.live_many(500, round * 1000);
        let now = at((round + 1) * 20_000, round.unsigned_abs());
        sweep.step(books.store(), &keep, now, 1000).unwrap();
    }
    let pages = books.count("PRAGMA page_count");
    assert!(pages * 4096 < 2 << 20, "{pages} pages");
    let oldest = books.count("SELECT min(seq) FROM events");
    assert!(oldest > 20_000, "{oldest}");
    assert_eq!(books.count("SELECT max(seq) FROM events"), 40_000);
}

#[test]
fn hours_that_are_over_are_put_down_without_an_event() {
    const HOUR_MS: i64 = 3_600_000;
    let mut books = Books::begin(0);
    books.live("a/1", 0, None);
    books.sweep(KEEP, 5 * HOUR_MS + 1);
    assert_eq!(books.count("SELECT count(*) FROM service_hours"), 5);
    assert_eq!(
        books.count("SELECT sum(pass_ms) FROM service_hours"),
        5 * HOUR_MS
    );
}

#[test]
fn a_service_that_nobody_came_back_to_is_forgotten_with_its_hours() {
    let mut books = Books::begin(0);
    books.live("gone/1", 0, Some(DEAD));
    books.live("here/1", 2000, None);
    books.sweep(KEEP, 31 * DAY_MS);
    let state = "SELECT count(*) FROM services WHERE name = 'gone' AND state = 'unwatched'";
    assert_eq!(books.count(state), 1);
    books.sweep(KEEP, 500 * DAY_MS);
    assert_eq!(books.count("SELECT count(*) FROM services"), 1);
    assert_eq!(books.count("SELECT count(*) FROM sessions"), 1);
}
