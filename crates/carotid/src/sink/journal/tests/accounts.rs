//! How services are counted when something comes between.

use std::time::Duration;

use carotid_core::Tally;

use super::*;
use crate::driver::{ServiceConfig, Tallies};
use crate::sink::journal::sweep::{Keep, Sweep};
use crate::sink::journal::wall::Moment;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

const KEEP: Keep = Keep {
    raw_ms: 30 * DAY_MS,
    hours_ms: 400 * DAY_MS,
    max_bytes: i64::MAX,
};

impl Books {
    fn open(&mut self, name: &str, at: i64) -> Peer {
        let session = self.number();
        let peer = Peer {
            name: name.to_owned(),
            session,
            is_suspect: false,
        };
        self.write(&[peer.turn(session, at, OPENED, 0)], at);
        peer
    }

    fn state(&mut self, service: &str) -> String {
        let sql = "SELECT state FROM services WHERE name = ?1";
        let connection = &self.store().connection;
        let state = connection.query_row(sql, (service,), |row| row.get(0));
        state.unwrap()
    }
}

#[test]
fn a_recovery_that_was_not_kept_does_not_leave_a_service_down() {
    let mut books = Books::begin(0);
    let peer = books.open("pay/1", 1000);
    let seq = books.number();
    books.write(&[peer.turn(seq, 2000, SUSPECT, 500)], 2000);
    assert_eq!(books.state("pay"), "fail");
    // That it is back found no place.
    let tally = Tally {
        sessions: 1,
        ..Tally::default()
    };
    let tallies = Tallies {
        through: 2,
        services: [("pay".into(), tally)].into_iter().collect(),
    };
    let store = books.store();
    store.settle(|draft| draft.recount(&tallies, 3000)).unwrap();
    assert_eq!(books.state("pay"), "pass");
    let seq = books.number();
    books.write(&[peer.turn(seq, 4000, DEAD, 500)], 4000);
    assert_eq!(books.state("pay"), "fail");
}

#[test]
fn a_service_that_the_settings_name_is_down_before_it_ever_was() {
    let mut books = Books::begin(0);
    let held_to = [("pay".into(), ServiceConfig::default())];
    let held_to = std::sync::Arc::new(held_to.into_iter().collect());
    let names = books.store().ledger.hold_to(held_to);
    let judge = |names: &[Box<str>], books: &mut Books| {
        let store = books.store();
        store.settle(|draft| {
            let names = names.iter();
            names.for_each(|name| draft.judge_named(name, 1000));
        })
    };
    judge(&names, &mut books).unwrap();
    assert_eq!(books.state("pay"), "fail");
    let read = books
        .archive()
        .read(|reader| reader.availability_of_service("pay", 0, 5000));
    assert_eq!(read.unwrap().unwrap().0.down_ms, 4000);
    books.open("pay/1", 2000);
    assert_eq!(books.state("pay"), "pass");
}

#[test]
fn a_clock_that_was_ahead_once_does_not_hold_up_the_accounts() {
    let mut books = Books::begin(400 * DAY_MS);
    books.open("pay/1", 400 * DAY_MS);
    // It was a year ahead, and is right again.
    books.restart(DAY_MS);
    let late = DAY_MS + 2 * HOUR_MS;
    books.write(&[], late);
    books.restart(late + HOUR_MS);
    let accounted_to = "SELECT accounted_to FROM services";
    assert_eq!(books.count(accounted_to), late + HOUR_MS);
    // It was away for an hour, as the run before says, and not since a time that is still to come.
    let absence = "SELECT began_at FROM absences ORDER BY began_at DESC LIMIT 1";
    assert_eq!(books.count(absence), late);
}

#[test]
fn when_the_clock_is_set_nothing_is_forgotten_for_its_age_and_no_time_is_made_up() {
    let mut books = Books::begin(0);
    let gone = books.open("pay/2", 0);
    books.open("pay/1", 0);
    let seq = books.number();
    books.write(&[gone.turn(seq, 1000, DEAD, 500)], 1000);
    let mut sweep = Sweep::default();
    let mut look = |books: &mut Books, wall: i64, machine: u64| {
        let machine = Duration::from_secs(machine);
        let now = Moment {
            wall,
            machine,
            attended: machine,
        };
        sweep.look_at_clock(books.store(), now).unwrap();
        sweep.step(books.store(), &KEEP, now, 0).unwrap();
    };
    look(&mut books, 60_000, 60);
    for minute in 2..10 {
        look(&mut books, 300 * DAY_MS, 60 * minute);
    }
    assert_eq!(books.count("SELECT count(*) FROM events"), 3);
    look(&mut books, 20 * 60_000, 20 * 60);
    look(&mut books, HOUR_MS, 3600);
    look(&mut books, HOUR_MS + 60_000, 3660);
    let sums = "SELECT max(pass_ms + warn_ms + down_ms + unknown_ms) FROM service_hours";
    assert!(books.count(sums) <= HOUR_MS, "{}", books.count(sums));
    // What it showed meanwhile is an hour as well.
    assert_eq!(books.count("SELECT count(*) FROM service_hours"), 2);
}
