//! The journal's file: found or made, locked, and told from what it is not.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::schema;

/// Its name in the directory; SQLite puts `-wal` and `-shm` beside it.
pub(super) const NAME: &str = "carotid.db";

/// What a copy of it is called until it is whole.
const COPY: &str = "carotid.db.new";

/// How long a statement waits for another connection that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of the file the writer keeps at hand, in KiB: the pages that a batch of transitions of many
/// sessions touches.
const WRITER_CACHE_KIB: i64 = 64 * 1024;

/// The log of what is not in the file yet is cut to this when it has become longer.
const WAL_LIMIT: i64 = 64 << 20;

/// What keeps a journal from being opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenJournalError {
    /// The directory cannot be made or looked into.
    #[error("cannot use the directory {}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another daemon has it.
    #[error("another carotid writes its journal in {}", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// There is something else under its name.
    #[error("{} is no journal of carotid", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a later version of this program.
    #[error("{} has schema {found}, and this version knows them up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i32,
        /// Ours.
        known: i32,
    },
    /// Its pages contradict each other.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        source: rusqlite::Error,
    },
    /// There is no room to write it.
    #[error("no room for {}: the disk is full", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        source: rusqlite::Error,
    },
    /// It cannot be read or written.
    #[error("cannot open {}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

impl OpenJournalError {
    /// What to do next, in a sentence.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Directory { .. } => {
                "Name a directory that this user may write with --data DIR, or run without a journal with --data none."
            }
            Self::Locked { .. } => {
                "Stop the other daemon, or give this one a directory of its own with --data DIR."
            }
            Self::Foreign { .. } => {
                "Move that file away, or name another directory with --data DIR."
            }
            Self::Newer { .. } => {
                "Run the version of carotid that wrote it, or name another directory with --data DIR."
            }
            Self::Damaged { .. } => {
                "Save what can be read with: sqlite3 carotid.db .recover. Then move the file away: a new one is made."
            }
            Self::Full { .. } => "Free space, or name a directory on another disk with --data DIR.",
            Self::Sqlite { .. } => {
                "Correct the permissions, or name another directory with --data DIR."
            }
        }
    }
}

/// The file's place, ours for as long as this lives.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Locked, so that the lock does not depend on the file's fate.
    directory: File,
}

impl Place {
    /// Makes the directory if it is missing, for this user alone, and locks it.
    pub(super) fn take(directory: &Path) -> Result<Self, OpenJournalError> {
        let cannot = |source| OpenJournalError::Directory {
            path: directory.to_owned(),
            source,
        };
        let mut builder = DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(cannot)?;
        let lock = File::open(directory).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenJournalError::Locked {
                    path: directory.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(cannot(source)),
        }
        Ok(Self {
            path: directory.join(NAME),
            directory: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file for the one who writes; makes it if it is missing, and brings its schema up to
    /// date.
    pub(super) fn open(&self) -> Result<Connection, OpenJournalError> {
        self.open_with(OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// The same for one that must be there: an empty one in its place would have forgotten everybody.
    pub(super) fn reopen(&self) -> Result<Connection, OpenJournalError> {
        self.open_with(OpenFlags::empty())
    }

    fn open_with(&self, flags: OpenFlags) -> Result<Connection, OpenJournalError> {
        let wrong = |error| self.judge(error);
        let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags).map_err(wrong)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(wrong)?;
        // Before anything is written, or a stranger's file would be changed.
        let version = self.version(&connection)?;
        prepare(&connection).map_err(wrong)?;
        schema::migrate(&mut connection, version).map_err(wrong)?;
        Ok(connection)
    }

    /// The version of its schema, 0 for a file with nothing in it.
    fn version(&self, connection: &Connection) -> Result<i32, OpenJournalError> {
        let wrong = |error| self.judge(error);
        let number =
            |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
        let application = number("application_id").map_err(wrong)?;
        let found = number("user_version").map_err(wrong)?;
        if application == schema::APPLICATION_ID {
            let known = schema::newest();
            if known < found {
                return Err(OpenJournalError::Newer {
                    path: self.path.clone(),
                    found,
                    known,
                });
            }
            return Ok(found);
        }
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = connection
            .query_row(tables, (), |row| row.get(0))
            .map_err(wrong)?;
        if tables > 0 || application != 0 || found != 0 {
            return Err(OpenJournalError::Foreign {
                path: self.path.clone(),
            });
        }
        Ok(0)
    }

    /// Puts the file where it was from a connection that still has it open: all of it or nothing.
    pub(super) fn put_back(&self, connection: &Connection) -> Result<(), PutBackError> {
        let copy = self.path.with_file_name(COPY);
        remove(&copy)?;
        let put = || {
            connection.execute("VACUUM INTO ?1", (copy.to_string_lossy(),))?;
            File::open(&copy)?.sync_all()?;
            // They belong to the file that is gone, and would be taken for those of the copy.
            for beside in ["-wal", "-shm"] {
                remove(&self.path.with_file_name(format!("{NAME}{beside}")))?;
            }
            fs::rename(&copy, &self.path)?;
            self.directory.sync_all()?;
            Ok(())
        };
        let put: Result<(), PutBackError> = put();
        if put.is_err() {
            // What there is of a copy takes the room that the next one needs.
            let _gone = remove(&copy);
        }
        put
    }

    pub(super) fn judge(&self, source: rusqlite::Error) -> OpenJournalError {
        let path = self.path.clone();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenJournalError::Foreign { path },
            Some(ErrorCode::DiskFull) => OpenJournalError::Full { path, source },
            // SQLite does not say why it could not write.
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) if self.is_full() => {
                OpenJournalError::Full { path, source }
            }
            Some(ErrorCode::DatabaseCorrupt) => OpenJournalError::Damaged { path, source },
            _ => OpenJournalError::Sqlite { path, source },
        }
    }

    /// Whether there is no room on the disk.
    fn is_full(&self) -> bool {
        let probe = self.path.with_file_name(COPY);
        let written = fs::write(&probe, [0; 1 << 16]);
        let _gone = remove(&probe);
        written.is_err_and(|error| error.kind() == io::ErrorKind::StorageFull)
    }

    /// Which file is there now, if one is.
    pub(super) fn identity(&self) -> Option<(u64, u64)> {
        identity(&self.path)
    }
}

/// What keeps a file from being put back.
#[derive(Debug, thiserror::Error)]
pub(super) enum PutBackError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Removes a file if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Which file is there now, if one is: its device and its number there.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Durable means durable: each commit is on the disk before it returns. Moving what was committed from
/// the log into the file is a step of its own.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", WAL_LIMIT)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    // Rows are written in an order that suits the disk, and by one writer who knows what belongs together.
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "memory")
}

/// Opens the file for somebody who only reads.
pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}
