//! What the journal knows of the time before: sessions that are still waited for, those that ended
//! lately, and how the services were.

use std::net::SocketAddr;
use std::time::Duration;

use carotid_core::{Cause, SessionName, Terms};
use carotid_netrpc::PeerAddr;
use rusqlite::{Connection, OptionalExtension, Row};

use super::absence::Absence;
use super::ledger::{Account, HOUR_MS, Ledger, State};
use super::store::Run;
use crate::driver::{Past, PastSession, PastVerdict};

/// Sessions that ended longer ago are not remembered by an engine either.
const ENDED_WITHIN_MS: i64 = HOUR_MS;

/// More than this many that have ended are not taken up.
const MOST_ENDED: i64 = 1 << 17;

const WAITING: &str =
    "SELECT session, name, epoch, interval_ms, timeout_ms, longest_stall_ms, peer,
    NULL, NULL, NULL, NULL, service, NULL
    FROM sessions WHERE ended_at IS NULL";

/// The latest first, so that a bound leaves out the oldest; of each name its last session.
const ENDED: &str = "SELECT session, name, epoch, interval_ms, timeout_ms, longest_stall_ms, peer,
    ended_at, ended_as, cause, verdict, service, last_beat_at
    FROM sessions AS s WHERE ended_at > ?1 AND NOT EXISTS
    (SELECT 1 FROM sessions AS later WHERE later.name = s.name AND later.session > s.session)
    ORDER BY ended_at DESC LIMIT ?2";

const SET_BACK: &str = "UPDATE services
    SET accounted_to = min(accounted_to, ?1), since = min(since, ?1)
    WHERE accounted_to > ?1 OR since > ?1";

/// What was read.
#[derive(Debug)]
pub(super) struct Recalled {
    pub(super) past: Past,
    pub(super) ledger: Ledger,
    pub(super) run: Run,
}

/// Reads what a journal remembers at `now`; gives a new one its number, which is `fresh`.
pub(super) fn recall(connection: &Connection, now: i64, fresh: u64) -> rusqlite::Result<Recalled> {
    let journal = identify(connection, fresh)?;
    let last = "SELECT coalesce(max(seq), 0) FROM events";
    let last_seq: i64 = connection.query_row(last, (), |row| row.get(0))?;
    let run = next_run(connection, now)?;
    // A clock that was ahead once must not hold up the accounts until it is that late.
    connection.execute(SET_BACK, (now,))?;
    let mut ledger = load_services(connection)?;
    let mut sessions = Vec::new();
    let mut waiting = connection.prepare(WAITING)?;
    let mut rows = waiting.query(())?;
    while let Some(row) = rows.next()? {
        if let Some(session) = read_session(row, now)? {
            ledger.load_session(row.get(0)?, row.get(11)?);
            sessions.push(session);
        } else {
            let (session, name): (i64, String) = (row.get(0)?, row.get(1)?);
            tracing::warn!(
                session,
                name,
                "a session is not watched any more: its name or terms are refused"
            );
        }
    }
    let waiting = sessions.len();
    let mut ended = connection.prepare(ENDED)?;
    let mut rows = ended.query((now - ENDED_WITHIN_MS, MOST_ENDED))?;
    while let Some(row) = rows.next()? {
        sessions.extend(read_session(row, now)?);
    }
    sessions[waiting..].reverse();
    let down = run.nobody_since.map(|since| ms(now - since));
    let past = Past {
        journal,
        last_seq: u64::try_from(last_seq).unwrap_or(0),
        down,
        sessions,
    };
    Ok(Recalled { past, ledger, run })
}

/// The journal's own number.
fn identify(connection: &Connection, fresh: u64) -> rusqlite::Result<u64> {
    let known = connection.query_row("SELECT id FROM journal", (), |row| row.get::<_, String>(0));
    match known {
        Ok(id) => Ok(u64::from_str_radix(&id, 16).unwrap_or(fresh)),
        Err(rusqlite::Error::QueryReturnedNoRows) => {
            let id = format!("{fresh:016x}");
            connection.execute("INSERT INTO journal (id) VALUES (?1)", (id,))?;
            Ok(fresh)
        }
        Err(error) => Err(error),
    }
}

fn next_run(connection: &Connection, now: i64) -> rusqlite::Result<Run> {
    let last = "SELECT run, last_alive_at FROM runs ORDER BY run DESC LIMIT 1";
    let last = connection.query_row(last, (), |row| Ok((row.get(0)?, row.get(1)?)));
    let last: Option<(i64, i64)> = last.optional()?;
    let (number, last_alive_at) = last.unzip();
    Ok(Run {
        number: number.unwrap_or(0) + 1,
        started_at: now,
        // A clock that was set back leaves no time between the two.
        nobody_since: last_alive_at.map(|at| at.min(now)),
        is_begun: false,
    })
}

fn load_services(connection: &Connection) -> rusqlite::Result<Ledger> {
    let mut ledger = Ledger::default();
    let all = "SELECT service, name, state, since, reason, accounted_to FROM services";
    let mut all = connection.prepare(all)?;
    let mut rows = all.query(())?;
    let mut oldest = i64::MAX;
    while let Some(row) = rows.next()? {
        let (name, state): (String, String) = (row.get(1)?, row.get(2)?);
        let reason: Option<String> = row.get(4)?;
        let mut account = Account::new(name.into(), row.get(5)?);
        account.state = State::read(&state).unwrap_or(State::Unwatched);
        account.since = row.get(3)?;
        account.reason = reason.map(Into::into);
        if account.state != State::Unwatched {
            oldest = oldest.min(account.accounted_to);
        }
        ledger.load(row.get(0)?, account);
    }
    let absences = "SELECT began_at, ended_at FROM absences WHERE ended_at > ?1";
    let mut absences = connection.prepare(absences)?;
    let mut rows = absences.query((oldest,))?;
    while let Some(row) = rows.next()? {
        ledger.load_absence(Absence {
            began_at: row.get(0)?,
            ended_at: row.get(1)?,
        });
    }
    Ok(ledger)
}

/// A session that a newer rule for names or terms would not let in is left out: it cannot beat again.
fn read_session(row: &Row<'_>, now: i64) -> rusqlite::Result<Option<PastSession>> {
    let number = |column| row.get::<_, i64>(column);
    let terms = Terms::new(ms(number(3)?), ms(number(4)?));
    let longest_stall = ms(number(5)?);
    let terms = terms.and_then(|terms| terms.with_longest_stall(longest_stall));
    let name = row.get_ref(1)?.as_str()?.parse::<SessionName>();
    let (Ok(terms), Ok(name)) = (terms, name) else {
        return Ok(None);
    };
    let verdict = match row.get::<_, Option<i64>>(7)? {
        None => None,
        Some(ended_at) => Some(PastVerdict {
            seq: u64::try_from(number(10)?).unwrap_or(0),
            ago: ms(now - ended_at),
            silent: ms(ended_at - row.get::<_, Option<i64>>(12)?.unwrap_or(ended_at)),
            died_of: match row.get_ref(8)?.as_str()? {
                "left" => None,
                _ => Some(cause(row.get_ref(9)?.as_str_or_null()?)),
            },
        }),
    };
    Ok(Some(PastSession {
        session: u64::try_from(number(0)?).unwrap_or(0),
        name,
        epoch: row.get(2)?,
        terms,
        peer: row.get_ref(6)?.as_str_or_null()?.and_then(peer),
        verdict,
    }))
}

fn cause(word: Option<&str>) -> Cause {
    const ALL: [Cause; 6] = [
        Cause::Closed,
        Cause::Reset,
        Cause::Unreachable,
        Cause::Goodbye,
        Cause::Restart,
        Cause::Failed,
    ];
    let known = ALL.into_iter().find(|cause| Some(cause.as_str()) == word);
    known.unwrap_or(Cause::Silence)
}

/// What the display form of a peer's address gave, read back.
fn peer(text: &str) -> Option<PeerAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(PeerAddr::Tcp(address));
    }
    let pid = match text.strip_prefix("unix")? {
        "" => None,
        pid => Some(pid.strip_prefix(':')?.parse().ok()?),
    };
    Some(PeerAddr::Unix { pid })
}

fn ms(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
