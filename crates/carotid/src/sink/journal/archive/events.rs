//! Events as they were shown.

use std::borrow::Cow;

use jiff::Timestamp;
use rusqlite::{Params, Row};
use serde::de::DeserializeOwned;

use super::Reader;
use crate::sink::api::Event;
use crate::sink::journal::entry::{Detail, whole};

const AFTER: &str = "SELECT e.seq, e.at, e.kind, e.session, s.name, s.epoch, e.cause, e.silent_ms,
    e.peer, e.evidence, e.detail
    FROM events AS e LEFT JOIN sessions AS s USING (session)
    WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2";

const OF_SERVICE: &str =
    "SELECT e.seq, e.at, e.kind, e.session, s.name, s.epoch, e.cause, e.silent_ms,
    e.peer, e.evidence, e.detail
    FROM events AS e LEFT JOIN sessions AS s USING (session)
    WHERE e.service = (SELECT service FROM services WHERE name = ?1) AND e.seq < ?2
    ORDER BY e.seq DESC";

/// Events are numbered nearly in the order of their times, but for a clock that was set by hours, in
/// milliseconds.
const SLACK_MS: i64 = 3_600_000;

const OF_SESSION: &str =
    "SELECT e.seq, e.at, e.kind, e.session, s.name, s.epoch, e.cause, e.silent_ms,
    e.peer, e.evidence, e.detail
    FROM events AS e JOIN sessions AS s USING (session)
    WHERE e.era = ?5 AND e.session = ?1 AND e.seq < ?2 AND e.at >= ?3
    ORDER BY e.seq DESC LIMIT ?4";

/// A name's sessions do not overlap, so the later session has the later events. A session's events are
/// between the one that opened it and its verdict, or the last of all.
const SESSIONS_OF_NAME: &str = "SELECT session,
    coalesce(verdict, (SELECT max(seq) FROM events), session) FROM sessions WHERE name = ?1
    AND session < ?2 AND (ended_at IS NULL OR ended_at >= ?3) ORDER BY session DESC";

/// Which events of a name or a service.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// Only those before the event with this number.
    pub before: Option<u64>,
    /// Only those from then on.
    pub since: Timestamp,
    /// At most so many.
    pub limit: usize,
}

impl Reach {
    /// The number before which, and the milliseconds since which.
    fn bounds(self) -> (i64, i64) {
        let before = self.before.map_or(i64::MAX, |before| whole(before.into()));
        (before, self.since.as_millisecond())
    }
}

impl Reader<'_> {
    /// The events after number `after`, in order.
    pub(crate) fn events_after(&self, after: u64, limit: usize) -> rusqlite::Result<Vec<Event>> {
        let mut events = Vec::new();
        let limit = whole(limit as u128);
        self.read_events(AFTER, (whole(after.into()), limit), &mut events)?;
        Ok(events)
    }

    /// The last events of a name, newest first.
    pub(crate) fn events_of_name(&self, name: &str, reach: Reach) -> rusqlite::Result<Vec<Event>> {
        let (before, since) = reach.bounds();
        let mut events = Vec::new();
        let mut sessions = self.connection.prepare_cached(SESSIONS_OF_NAME)?;
        let mut rows = sessions.query((name, before, since))?;
        while let Some(row) = rows.next()? {
            let (session, last): (i64, i64) = (row.get(0)?, row.get(1)?);
            for era in (era(session)..=era(last.min(before))).rev() {
                let left = whole((reach.limit - events.len()) as u128);
                let asked = (session, before, since, left, era);
                self.read_events(OF_SESSION, asked, &mut events)?;
                if reach.limit <= events.len() {
                    return Ok(events);
                }
            }
        }
        Ok(events)
    }

    /// The last events of a service, newest first.
    pub(crate) fn events_of_service(
        &self,
        service: &str,
        reach: Reach,
    ) -> rusqlite::Result<Vec<Event>> {
        let (before, since) = reach.bounds();
        let mut events = Vec::new();
        let mut statement = self.connection.prepare_cached(OF_SERVICE)?;
        let mut rows = statement.query((service, before))?;
        // What is older is not looked through.
        while events.len() < reach.limit
            && let Some(row) = rows.next()?
        {
            let at: i64 = row.get(1)?;
            if at < since - SLACK_MS {
                break;
            }
            if since <= at {
                events.push(read_event(row)?);
            }
        }
        Ok(events)
    }

    fn read_events(
        &self,
        sql: &str,
        parameters: impl Params,
        events: &mut Vec<Event>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        while let Some(row) = rows.next()? {
            events.push(read_event(row)?);
        }
        Ok(())
    }
}

/// Of an event, as the schema has it.
const fn era(seq: i64) -> i64 {
    seq >> 17
}

fn read_event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let unsigned = |column| {
        let number = row.get::<_, Option<i64>>(column);
        number.map(|number| number.and_then(|number| u64::try_from(number).ok()))
    };
    let text = |column| row.get::<_, Option<String>>(column);
    let name = text(4)?;
    let detail: Detail = read_json(row, 10)?.unwrap_or_default();
    Ok(Event {
        seq: unsigned(0)?.unwrap_or(0),
        at: Timestamp::from_millisecond(row.get(1)?).unwrap_or(Timestamp::UNIX_EPOCH),
        kind: Cow::Owned(row.get(2)?),
        session: unsigned(3)?,
        service: name.as_deref().map(|name| service_of(name).to_owned()),
        name,
        epoch: row.get(5)?,
        cause: text(6)?.map(Cow::Owned),
        silent_ms: unsigned(7)?,
        peer: text(8)?,
        evidence: read_json(row, 9)?,
        stuck_ms: detail.stuck_ms,
        stalled_ms: detail.stalled_ms,
        suspended_ms: detail.suspended_ms,
        incident: detail.incident,
        outcome: detail.outcome,
        down_ms: detail.down_ms,
        sessions: detail.sessions,
        skipped: detail.skipped,
    })
}

/// As [`SessionName::service`](carotid_core::SessionName::service) has it.
fn service_of(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

fn read_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let Some(text) = row.get_ref(column)?.as_str_or_null()? else {
        return Ok(None);
    };
    serde_json::from_str(text).map(Some).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
    })
}
