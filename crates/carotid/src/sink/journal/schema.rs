//! What stands in the file: tables that people read with `sqlite3`, described in `docs/journal.md`.
//!
//! A version of the schema is the number of migrations that made it, in `PRAGMA user_version`. A
//! migration that was released is never changed; what comes later is another one at the end.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// "caro": tells a journal from any other SQLite file, see `PRAGMA application_id`.
pub(super) const APPLICATION_ID: i32 = 0x6361_726f;

/// What each version adds to the one before.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// Version of the schema that this program writes.
pub(super) fn newest() -> i32 {
    i32::try_from(MIGRATIONS.len()).expect("nobody writes two billion migrations")
}

/// Brings the schema of a journal of this or an older version up to date, all or nothing.
pub(super) fn migrate(connection: &mut Connection, from: i32) -> rusqlite::Result<()> {
    let done = usize::try_from(from).unwrap_or(0);
    if done == MIGRATIONS.len() {
        return Ok(());
    }
    let step = Transaction::new(connection, TransactionBehavior::Immediate)?;
    for migration in &MIGRATIONS[done..] {
        step.execute_batch(migration)?;
    }
    step.pragma_update(None, "application_id", APPLICATION_ID)?;
    step.pragma_update(None, "user_version", newest())?;
    step.commit()
}
