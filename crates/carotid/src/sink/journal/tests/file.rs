//! What is opened, and what is refused.

use std::fs;

use rusqlite::Connection;

use super::*;
use crate::sink::journal::file::{NAME, OpenJournalError};
use crate::sink::journal::schema;

#[test]
fn the_directory_is_made_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/carotid");
    let place = Place::take(&path).unwrap();
    place.open().unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_second_daemon_is_refused_until_the_first_has_ended() {
    let books = Books::begin(0);
    let second = Place::take(books.folder.path());
    assert!(matches!(second, Err(OpenJournalError::Locked { .. })));
    let folder = books.folder.path().to_owned();
    drop(books.place);
    assert!(Place::take(&folder).is_ok());
}

#[test]
fn a_newer_schema_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::take(folder.path()).unwrap();
    let connection = place.open().unwrap();
    let next = schema::newest() + 1;
    connection
        .pragma_update(None, "user_version", next)
        .unwrap();
    drop(connection);
    let error = place.open().unwrap_err();
    assert!(
        matches!(error, OpenJournalError::Newer { found, .. } if found == next),
        "{error}"
    );
}

#[test]
fn a_strangers_file_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::take(folder.path()).unwrap();
    let path = folder.path().join(NAME);
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (a)")
        .unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(
        place.open(),
        Err(OpenJournalError::Foreign { .. })
    ));
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::write(&path, "[journal]\nkeep = '30d'\n".repeat(100)).unwrap();
    assert!(matches!(
        place.open(),
        Err(OpenJournalError::Foreign { .. })
    ));
}

#[test]
fn a_damaged_file_is_refused_with_what_to_do() {
    let mut books = Books::begin(0);
    let (store, place) = (books.store.take(), books.place.take().unwrap());
    drop(store);
    let path = books.folder.path().join(NAME);
    let mut bytes = fs::read(&path).unwrap();
    // The root of the schema, after the header that says that it is one.
    bytes[100..4096].fill(0x55);
    fs::write(&path, bytes).unwrap();
    let error = place.open().unwrap_err();
    assert!(
        matches!(error, OpenJournalError::Damaged { .. }),
        "{error:?}"
    );
    assert!(error.advice().contains(".recover"));
}

#[test]
fn an_older_schema_is_brought_up_to_date() {
    let mut connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch(include_str!("../schema/1.sql"))
        .unwrap();
    let session = "INSERT INTO sessions (session, name, epoch, interval_ms, timeout_ms,
        longest_stall_ms, opened_at) VALUES (1, 'a', 1, 1000, 4000, 0, 7)";
    connection.execute(session, ()).unwrap();
    schema::migrate(&mut connection, 1).unwrap();
    let letters = "SELECT count(*) FROM alert_letters, sessions";
    connection
        .query_row(letters, (), |row| row.get::<_, i64>(0))
        .unwrap();
    let sessions = "SELECT opened_at FROM sessions";
    let opened_at = connection.query_row(sessions, (), |row| row.get::<_, i64>(0));
    assert_eq!(opened_at, Ok(7));
    let version: i32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, schema::newest());
    schema::migrate(&mut connection, version).unwrap();
}
