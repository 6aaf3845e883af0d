//! The journal for those who read: on connections of their own, which see what is durable and hold up
//! nobody.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::file;
use super::writer::{JournalStatus, SharedStatus};
use crate::hub::Hub;

mod availability;
mod events;
mod history;

pub(crate) use availability::{Availability, Hour};
pub use events::Reach;
pub use history::Subject;

/// So many may read at a time, on connections that are kept open for the next.
const READERS: usize = 4;

/// What is written. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Archive {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    idle: Mutex<Vec<Idle>>,
    turns: Semaphore,
    hub: Hub,
    status: SharedStatus,
}

/// A connection to the file that had this number.
#[derive(Debug)]
struct Idle {
    connection: Connection,
    file: Option<(u64, u64)>,
}

/// What keeps the journal from being read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It cannot be read.
    #[error("the journal cannot be read")]
    Sqlite(#[from] rusqlite::Error),
    /// The reader was dropped, or panicked.
    #[error("the journal was not read to the end")]
    Abandoned,
}

impl Archive {
    pub(super) fn new(path: PathBuf, hub: Hub, status: SharedStatus) -> Self {
        let shared = Shared {
            path,
            idle: Mutex::default(),
            turns: Semaphore::new(READERS),
            hub,
            status,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// How the journal is.
    #[must_use]
    pub fn status(&self) -> JournalStatus {
        let Shared { hub, status, .. } = &*self.shared;
        let status = status.lock().unwrap_or_else(PoisonError::into_inner);
        // What waits is asked of those who wait: the writer may be held up.
        JournalStatus {
            pending: hub.count_pending(),
            lag: hub.oldest_pending().unwrap_or_default(),
            ..status.clone()
        }
    }

    /// Lets `read` ask, on a thread that may wait for the disk.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        let archive = self.clone();
        let _turn = self.turn().await;
        let asked = tokio::task::spawn_blocking(move || archive.read(read));
        asked.await.unwrap_or(Err(ReadError::Abandoned))
    }

    /// Waits until few enough others read: all of them share the disk with the one who writes.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.shared.turns.acquire().await.ok()
    }

    /// The same for a thread that may block.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, ReadError> {
        let idle = self.shared.take()?;
        // All questions of one reader are answered from the same state of the file.
        let transaction = idle.connection.unchecked_transaction()?;
        let answer = read(&Reader {
            connection: &transaction,
        })?;
        drop(transaction);
        self.shared.give_back(idle);
        Ok(answer)
    }

    /// The file, for those who have tables of their own in it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }
}

impl Shared {
    fn take(&self) -> rusqlite::Result<Idle> {
        let file = file::identity(&self.path);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that was replaced is not the one that is written.
        idle.retain(|idle| idle.file == file);
        if let Some(idle) = idle.pop() {
            return Ok(idle);
        }
        drop(idle);
        let connection = file::open_to_read(&self.path)?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(Idle { connection, file })
    }

    fn give_back(&self, idle: Idle) {
        let mut others = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if others.len() < READERS {
            others.push(idle);
        }
    }
}

/// One state of the journal, which can be asked.
#[derive(Debug)]
pub(crate) struct Reader<'c> {
    connection: &'c Connection,
}
