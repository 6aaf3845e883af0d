//! The journal: every event with its evidence in one SQLite file, durable before it is shown.
//!
//! One thread writes, whatever is pending in one transaction (`journal/writer.rs`); all others read, on
//! connections of their own ([`Archive`]). What a restart needs comes back out of it
//! (`journal/restore.rs`), and how long each service was up is put down by the hour as it happens
//! (`journal/ledger.rs`). When it cannot be written, beats go on and deaths wait (I8), nothing is shown
//! and nothing is lost.

mod absence;
mod archive;
mod entry;
mod file;
mod ledger;
mod restore;
mod schema;
mod store;
mod sweep;
mod wall;
mod writer;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::driver::{Driver, Past};

pub use archive::{Archive, Reach, ReadError, Subject};
pub(crate) use archive::{Availability, Hour};
pub use file::OpenJournalError;
pub use writer::JournalStatus;

use file::Place;
use restore::Recalled;
use store::Store;
use sweep::Keep;
use writer::{SharedStatus, Writer};

/// Settings of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalConfig {
    /// Where its file is. Made, for this user alone, if it is missing.
    pub directory: PathBuf,
    /// For how long events and ended sessions are kept. Default: 30 days. Their hours are kept for
    /// longer.
    pub keep: Duration,
    /// For how long the hours of services are kept. Default: 400 days.
    pub keep_hours: Duration,
    /// How large the file may become, in bytes; the oldest events go first. Default: 4 GiB. What is
    /// needed to go on after a restart is kept in any case.
    pub max_bytes: u64,
}

impl JournalConfig {
    /// The defaults, in this directory.
    #[must_use]
    pub const fn new(directory: PathBuf) -> Self {
        const DAY: u64 = 24 * 3600;
        Self {
            directory,
            keep: Duration::from_secs(30 * DAY),
            keep_hours: Duration::from_secs(400 * DAY),
            max_bytes: 4 << 30,
        }
    }
}

/// A journal that is open, and not written yet.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What it remembers, for [`Driver::restored`].
    pub(crate) past: Past,
    pub(crate) journal: Unstarted,
}

/// A journal without a driver.
#[derive(Debug)]
pub(crate) struct Unstarted {
    place: Place,
    store: Store,
    keep: Keep,
}

/// A journal that is being written. Ends with its last event durable, if that is possible at all.
#[derive(Debug)]
pub(crate) struct Journal {
    archive: Archive,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Opens the journal, or makes one, and reads what it remembers.
///
/// # Errors
///
/// The directory or the file cannot be used, see [`OpenJournalError::advice`].
pub(crate) fn open(config: &JournalConfig) -> Result<Opened, OpenJournalError> {
    let place = Place::take(&config.directory)?;
    let connection = place.open()?;
    let recalled = restore::recall(&connection, writer::now(), rand::random());
    let Recalled { past, ledger, run } = recalled.map_err(|error| place.judge(error))?;
    let whole_ms = |duration: Duration| entry::whole(duration.as_millis());
    let keep = Keep {
        raw_ms: whole_ms(config.keep),
        hours_ms: whole_ms(config.keep_hours),
        max_bytes: i64::try_from(config.max_bytes).unwrap_or(i64::MAX),
    };
    let store = Store::new(connection, ledger, run);
    let journal = Unstarted { place, store, keep };
    Ok(Opened { past, journal })
}

impl Unstarted {
    /// Starts the thread that writes what this driver's hub has.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub(crate) fn start(self, driver: Driver) -> io::Result<Journal> {
        let status = SharedStatus::default();
        let archive = Archive::new(
            self.place.path().to_owned(),
            driver.hub().clone(),
            Arc::clone(&status),
        );
        let (stop, told) = channel();
        let writer = Writer {
            driver,
            place: self.place,
            store: self.store,
            keep: self.keep,
            status,
            judged_anew: Vec::new(),
            recount: None,
            put_back: None,
            stop: told,
        };
        let thread = std::thread::Builder::new().name("carotid-journal".to_owned());
        let thread = thread.spawn(move || writer.run())?;
        Ok(Journal {
            archive,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Journal {
    /// What is written, for those who read.
    pub(crate) fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Writes what is pending, says that this run ended in order, and returns when that is durable.
    /// Blocks.
    pub(crate) fn end(mut self) {
        self.join();
    }

    fn join(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the writer was told by its own thread.
            let _ended = thread.join();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.join();
    }
}
