//! What alerts keep in the journal's file, in tables of their own (`alert_*` and `dead_letters`): where
//! each rule stands, what is firing, and what is still to be delivered. Without a journal nothing is kept.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};

use super::judge::Key;
use super::outbox::Letter;
use super::situation::Situation;
use crate::sink::api::Notice;

/// So many dead letters of a rule are kept; the oldest go first.
const DEAD_KEPT: u32 = 1000;

/// How long to wait for the journal's writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The journal's file, if there is one. It is opened anew each time: alerts are rare, and a file that was
/// replaced is not written any more.
#[derive(Clone, Debug)]
pub(super) struct Store {
    path: Option<PathBuf>,
}

/// Where a rule stood.
#[derive(Debug, Default)]
pub(super) struct Recalled {
    pub(super) cursor: Option<u64>,
    pub(super) situations: BTreeMap<Key, Situation>,
    pub(super) letters: Vec<(u64, Letter)>,
    pub(super) dead: u64,
}

/// What has changed since it was last kept. All of it becomes durable together.
#[derive(Debug, Default)]
pub(super) struct Update {
    pub(super) cursor: u64,
    /// What a trouble is now, as JSON; nothing if it is over.
    pub(super) situations: BTreeMap<Key, Option<String>>,
    pub(super) letters: BTreeMap<u64, Row>,
}

/// What a letter is now.
#[derive(Debug)]
pub(super) enum Row {
    /// It is to be delivered.
    Posted {
        notice: Box<Notice>,
    },
    /// It could not be delivered yet.
    Tried {
        /// Given if it was not kept before.
        notice: Option<Box<Notice>>,
        attempts: u32,
        tried_at: Timestamp,
        error: String,
    },
    Delivered,
    /// It is given up.
    Dead {
        notice: Box<Notice>,
        attempts: u32,
        at: Timestamp,
        error: String,
    },
}

impl Update {
    pub(super) fn is_empty(&self) -> bool {
        self.situations.is_empty() && self.letters.is_empty()
    }

    /// Notes what a letter is; what was noted before and not kept yet is part of it.
    pub(super) fn note(&mut self, place: u64, row: Row) {
        let row = match (self.letters.remove(&place), row) {
            (
                Some(
                    Row::Posted { notice }
                    | Row::Tried {
                        notice: Some(notice),
                        ..
                    },
                ),
                Row::Tried {
                    attempts,
                    tried_at,
                    error,
                    ..
                },
            ) => Row::Tried {
                notice: Some(notice),
                attempts,
                tried_at,
                error,
            },
            (_, row) => row,
        };
        self.letters.insert(place, row);
    }
}

impl Store {
    pub(super) const fn new(path: Option<PathBuf>) -> Self {
        Self { path }
    }

    /// Whether anything is kept at all.
    pub(super) const fn is_durable(&self) -> bool {
        self.path.is_some()
    }

    /// Reads where a rule stood. Blocks.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(super) fn recall(&self, rule: &str, now: Timestamp) -> rusqlite::Result<Recalled> {
        let Some(connection) = self.open()? else {
            return Ok(Recalled::default());
        };
        let cursor = "SELECT seq FROM alert_cursors WHERE rule = ?1";
        let cursor = connection.query_row(cursor, [rule], |row| row.get::<_, i64>(0));
        let dead = "SELECT count(*) FROM dead_letters WHERE rule = ?1";
        let dead: i64 = connection.query_row(dead, [rule], |row| row.get(0))?;
        let mut recalled = Recalled {
            cursor: cursor.optional()?.map(number),
            dead: number(dead),
            ..Recalled::default()
        };
        let situations = "SELECT trouble, subject, state FROM alert_states WHERE rule = ?1";
        let mut situations = connection.prepare(situations)?;
        let mut rows = situations.query([rule])?;
        while let Some(row) = rows.next()? {
            let (trouble, state): (String, String) = (row.get(0)?, row.get(2)?);
            // What another version wrote, and this one does not know, is as if it had not begun.
            if let (Ok(trouble), Ok(state)) = (trouble.parse(), serde_json::from_str(&state)) {
                recalled.situations.insert((trouble, row.get(1)?), state);
            }
        }
        let letters = "SELECT place, notice, attempts, tried_at, last_error FROM alert_letters
            WHERE rule = ?1 ORDER BY place";
        let mut letters = connection.prepare(letters)?;
        let mut rows = letters.query([rule])?;
        while let Some(row) = rows.next()? {
            let notice: String = row.get(1)?;
            let Ok(notice) = serde_json::from_str(&notice) else {
                continue;
            };
            let tried_at: Option<i64> = row.get(3)?;
            let letter = Letter {
                attempts: row.get(2)?,
                tried_at: tried_at.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
                last_error: row.get(4)?,
                ..Letter::new(notice, now)
            };
            recalled.letters.push((number(row.get(0)?), letter));
        }
        Ok(recalled)
    }

    /// Notes that rules that never stood anywhere stand after event number `first`. Blocks.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn begin(&self, rules: &[&str], first: u64) -> rusqlite::Result<()> {
        let Some(mut connection) = self.open()? else {
            return Ok(());
        };
        let step = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
        for rule in rules {
            step.execute(
                "INSERT OR IGNORE INTO alert_cursors (rule, seq) VALUES (?1, ?2)",
                (rule, whole(first)),
            )?;
        }
        step.commit()
    }

    /// Makes an update of a rule durable, all of it or nothing. Blocks.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn keep(&self, rule: &str, update: &Update) -> rusqlite::Result<()> {
        let Some(mut connection) = self.open()? else {
            return Ok(());
        };
        let step = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
        step.execute(
            "INSERT INTO alert_cursors (rule, seq) VALUES (?1, ?2)
             ON CONFLICT (rule) DO UPDATE SET seq = excluded.seq",
            (rule, whole(update.cursor)),
        )?;
        for ((trouble, subject), state) in &update.situations {
            match state {
                Some(state) => step.execute(
                    "INSERT INTO alert_states (rule, trouble, subject, state)
                     VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (rule, trouble, subject) DO UPDATE SET state = excluded.state",
                    (rule, trouble.as_str(), subject, state),
                )?,
                None => step.execute(
                    "DELETE FROM alert_states WHERE rule = ?1 AND trouble = ?2 AND subject = ?3",
                    (rule, trouble.as_str(), subject),
                )?,
            };
        }
        for (place, row) in &update.letters {
            row.keep(&step, rule, whole(*place))?;
        }
        step.commit()
    }

    /// Forgets where rules stood that are no more; what they had to deliver is dead. Blocks.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn forget_others(&self, rules: &[&str], now: Timestamp) -> rusqlite::Result<()> {
        let Some(mut connection) = self.open()? else {
            return Ok(());
        };
        let step = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
        let names = serde_json::to_string(rules).expect("names are text");
        step.execute(
            "INSERT INTO dead_letters (rule, id, notice, attempts, died_at, error)
             SELECT rule, id, notice, attempts, ?2, 'the rule is no more' FROM alert_letters
             WHERE rule NOT IN (SELECT value FROM json_each(?1))",
            (&names, now.as_millisecond()),
        )?;
        for table in ["alert_letters", "alert_states", "alert_cursors"] {
            let forget =
                format!("DELETE FROM {table} WHERE rule NOT IN (SELECT value FROM json_each(?1))");
            step.execute(&forget, [&names])?;
        }
        step.commit()
    }

    fn open(&self) -> rusqlite::Result<Option<Connection>> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // What was sent must be known to have been sent even after a loss of power.
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(Some(connection))
    }
}

impl Row {
    fn keep(&self, step: &Transaction<'_>, rule: &str, place: i64) -> rusqlite::Result<()> {
        let post = |notice: &Notice| {
            step.execute(
                "INSERT OR REPLACE INTO alert_letters (rule, place, id, notice, attempts)
                 VALUES (?1, ?2, ?3, ?4, 0)",
                (rule, place, &notice.id, json(notice)),
            )
        };
        let remove = || {
            let of = "DELETE FROM alert_letters WHERE rule = ?1 AND place = ?2";
            step.execute(of, (rule, place))
        };
        match self {
            Self::Posted { notice } => post(notice)?,
            Self::Delivered => remove()?,
            Self::Tried {
                notice,
                attempts,
                tried_at,
                error,
            } => {
                if let Some(notice) = notice {
                    post(notice)?;
                }
                step.execute(
                    "UPDATE alert_letters SET attempts = ?3, tried_at = ?4, last_error = ?5
                     WHERE rule = ?1 AND place = ?2",
                    (rule, place, attempts, tried_at.as_millisecond(), error),
                )?
            }
            Self::Dead {
                notice,
                attempts,
                at,
                error,
            } => {
                remove()?;
                step.execute(
                    "INSERT INTO dead_letters (rule, id, notice, attempts, died_at, error)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    (
                        rule,
                        &notice.id,
                        json(notice),
                        attempts,
                        at.as_millisecond(),
                        error,
                    ),
                )?;
                step.execute(
                    "DELETE FROM dead_letters WHERE rule = ?1 AND letter NOT IN (
                        SELECT letter FROM dead_letters WHERE rule = ?1
                        ORDER BY letter DESC LIMIT ?2)",
                    (rule, DEAD_KEPT),
                )?
            }
        };
        Ok(())
    }
}

fn json(notice: &Notice) -> String {
    serde_json::to_string(notice).expect("a notice has only text for keys")
}

/// SQLite's integers have a sign; ours do not come near it.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

#[cfg(test)]
mod tests;
