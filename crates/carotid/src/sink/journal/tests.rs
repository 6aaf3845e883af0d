//! What is written comes back, and what is told of it is true.

mod accounts;
mod availability;
mod file;
mod retention;
mod store;

use carotid_core::{Cause, EventKind, Terms};
use tempfile::TempDir;

use super::archive::Archive;
use super::entry::{Entry, Turn, What};
use super::file::Place;
use super::restore;
use super::store::Store;
use super::writer::SharedStatus;
use crate::hub::Hub;

/// A journal without a thread, and a clock that the test turns.
struct Books {
    folder: TempDir,
    place: Option<Place>,
    store: Option<Store>,
    next_seq: i64,
}

impl Books {
    fn begin(now: i64) -> Self {
        let mut books = Self {
            folder: tempfile::tempdir().unwrap(),
            place: None,
            store: None,
            next_seq: 1,
        };
        books.restart(now);
        books
    }

    /// Begins another run, without having ended the last one in order.
    fn restart(&mut self, now: i64) {
        drop((self.store.take(), self.place.take()));
        let place = Place::take(self.folder.path()).unwrap();
        let connection = place.open().unwrap();
        // What these tests end is this program's run, and not the machine's.
        connection
            .pragma_update(None, "synchronous", "off")
            .unwrap();
        let recalled = restore::recall(&connection, now, 7).unwrap();
        assert_eq!(recalled.past.last_seq + 1, self.next_seq.unsigned_abs());
        let mut store = Store::new(connection, recalled.ledger, recalled.run);
        store.write(&[], now).unwrap();
        (self.store, self.place) = (Some(store), Some(place));
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    fn number(&mut self) -> i64 {
        self.next_seq += 1;
        self.next_seq - 1
    }

    fn write(&mut self, entries: &[Entry<'_>], now: i64) {
        self.store().write(entries, now).unwrap();
    }

    fn archive(&self) -> Archive {
        let path = self.place.as_ref().unwrap().path().to_owned();
        Archive::new(path, Hub::new(), SharedStatus::default())
    }

    /// One number that SQL asks for.
    fn count(&mut self, sql: &str) -> i64 {
        self.store()
            .connection
            .query_row(sql, (), |row| row.get(0))
            .unwrap()
    }
}

/// A session as the tests drive it.
#[derive(Clone, Debug)]
struct Peer {
    name: String,
    session: i64,
    is_suspect: bool,
}

impl Peer {
    fn turn(&self, seq: i64, at: i64, kind: EventKind, silent_ms: i64) -> Entry<'_> {
        let turn = Turn {
            session: self.session,
            name: &self.name,
            service: self.name.split_once('/').map(|(service, _)| service),
            epoch: 1,
            kind,
            silent_ms,
            stalled_ms: 0,
            peer: None,
            terms: Terms::default(),
            was_suspect: self.is_suspect,
            was_wedged: false,
            evidence: None,
        };
        Entry {
            seq,
            at,
            kind: kind.as_str(),
            what: What::Turn(turn),
        }
    }
}

const OPENED: EventKind = EventKind::Opened { predecessor: None };
const SUSPECT: EventKind = EventKind::Suspect {
    cause: Cause::Closed,
};
const DEAD: EventKind = EventKind::Dead {
    cause: Cause::Closed,
};
