//! What the writer does beside writing, a little after each batch, so that no commit waits for it:
//! moves the log into the file, puts down the hours that are over, and forgets what is too old or too
//! much. Space that becomes free is used again; the file does not become shorter.

use std::time::Duration;

use rusqlite::Connection;

use super::entry::whole;
use super::ledger::HOUR_MS;
use super::store::Store;
use super::wall::{Moment, Wall};

/// How much the journal keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    /// Events and ended sessions, in milliseconds.
    pub(super) raw_ms: i64,
    /// Hours of services.
    pub(super) hours_ms: i64,
    /// Size of the file; the oldest events go when it is reached.
    pub(super) max_bytes: i64,
}

/// Rows forgotten in one step: some tens of milliseconds.
const ROWS_AT_ONCE: i64 = 2000;

/// Services whose hour is put down in one step.
const SERVICES_AT_ONCE: usize = 2000;

/// How often it is looked for something to forget.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// So much attended time after a stall it is told, written and known.
const TOLD_WITHIN: Duration = Duration::from_secs(60);

/// Events written before the log is moved into the file.
const ROWS_BETWEEN_MOVES: usize = 65_536;

/// What is going on.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    wall: Wall,
    /// An hour that has just begun, and how much time we had attended when that was noticed.
    begun: Option<(i64, Duration)>,
    /// Services whose hours are to be put down until `hour`.
    behind: Vec<i64>,
    hour: i64,
    /// Services whose old hours are to be forgotten, and they with them.
    services: Vec<i64>,
    looked_at: Option<Duration>,
    /// Rows written since the log was last moved.
    unmoved: usize,
    is_forgetting: bool,
}

impl Sweep {
    /// Sees whether the clock on the wall was set, before anything is written by it.
    pub(super) fn look_at_clock(&mut self, store: &mut Store, now: Moment) -> rusqlite::Result<()> {
        let Some(jump) = self.wall.look(now) else {
            return Ok(());
        };
        tracing::warn!(
            by_ms = jump.to - jump.from,
            "the clock on the wall was set; nothing is forgotten for its age for a day"
        );
        (self.behind, self.begun, self.hour) = (Vec::new(), None, 0);
        store.settle(|draft| draft.set_clock(jump))
    }

    /// Does a little of what there is to do, after `wrote` events were written at `now`.
    pub(super) fn step(
        &mut self,
        store: &mut Store,
        keep: &Keep,
        now: Moment,
        wrote: usize,
    ) -> rusqlite::Result<()> {
        self.unmoved += wrote;
        self.close_hours(store, now)?;
        if !self.wall.is_in_doubt(now) {
            self.look_at_services(store, keep, now.wall)?;
        }
        self.forget(store, keep, now, wrote)?;
        let is_quiet = wrote == 0 && self.unmoved > 0;
        if ROWS_BETWEEN_MOVES <= self.unmoved || is_quiet {
            self.unmoved = 0;
            // Where there is no room for that, the next commit will say so.
            let _moved = store
                .connection
                .execute_batch("PRAGMA wal_checkpoint(PASSIVE)");
        }
        Ok(())
    }

    /// Puts down the time of all services until the hour that began a while ago: by then a stall that
    /// reached into it is known.
    fn close_hours(&mut self, store: &mut Store, now: Moment) -> rusqlite::Result<()> {
        let hour = now.wall.div_euclid(HOUR_MS) * HOUR_MS;
        if self.hour < hour && self.begun.is_none() {
            self.begun = Some((hour, now.attended));
        }
        let is_told = |(_, begun): &mut (_, Duration)| *begun + TOLD_WITHIN <= now.attended;
        if self.behind.is_empty()
            && let Some((hour, _)) = self.begun.take_if(is_told)
        {
            self.hour = hour;
            self.behind = store.ledger.unaccounted(hour);
            self.services = store.ledger.services();
            store.ledger.forget_absences();
        }
        let left = self.behind.len().saturating_sub(SERVICES_AT_ONCE);
        let some = &self.behind[left..];
        if some.is_empty() {
            return Ok(());
        }
        store.settle(|draft| {
            some.iter()
                .for_each(|service| draft.close(*service, self.hour))
        })?;
        self.behind.truncate(left);
        Ok(())
    }

    /// Forgets old hours, and services without any.
    fn look_at_services(
        &mut self,
        store: &mut Store,
        keep: &Keep,
        now: i64,
    ) -> rusqlite::Result<()> {
        if !self.behind.is_empty() || self.services.is_empty() {
            return Ok(());
        }
        let left = self.services.len().saturating_sub(SERVICES_AT_ONCE / 10);
        let some: Vec<i64> = self.services.split_off(left);
        let (hours_before, raw_before) = (now - keep.hours_ms, now - keep.raw_ms);
        store.settle(|draft| {
            let deserted = some
                .iter()
                .filter(|service| draft.is_deserted(**service, raw_before));
            let deserted: Vec<i64> = deserted.copied().collect();
            deserted
                .into_iter()
                .for_each(|service| draft.give_up(service, now));
        })?;
        let connection = &store.connection;
        let mut forget = connection.prepare_cached(FORGET_HOURS)?;
        for service in &some {
            forget.execute((service, hours_before))?;
        }
        let mut forget = connection.prepare_cached(FORGET_SERVICE)?;
        for service in some {
            if store.ledger.is_deserted(service, raw_before) && forget.execute((service,))? > 0 {
                store.ledger.forget(service);
            }
        }
        if self.services.is_empty() {
            connection.execute("DELETE FROM absences WHERE ended_at < ?1", (hours_before,))?;
            connection.execute("DELETE FROM runs WHERE last_alive_at < ?1", (hours_before,))?;
        }
        Ok(())
    }

    /// Forgets some of the oldest events, and the sessions that ended with them.
    fn forget(
        &mut self,
        store: &Store,
        keep: &Keep,
        now: Moment,
        wrote: usize,
    ) -> rusqlite::Result<()> {
        if !self.is_forgetting {
            if self
                .looked_at
                .is_some_and(|at| now.machine < at + LOOK_EVERY)
            {
                return Ok(());
            }
            self.looked_at = Some(now.machine);
        }
        let connection = &store.connection;
        // What comes in must go out, or the bound would be none.
        let rows = ROWS_AT_ONCE.max(whole((wrote + wrote / 4) as u128));
        let is_full = keep.max_bytes < used_bytes(connection)?;
        let before = match is_full {
            true => i64::MAX,
            false if self.wall.is_in_doubt(now) => i64::MIN,
            false => now.wall - keep.raw_ms,
        };
        let gone = forget_events(connection, before, rows)?;
        let sessions = connection
            .prepare_cached(FORGET_SESSIONS)?
            .execute((before, rows))?;
        self.is_forgetting = gone > 0 || sessions > 0;
        Ok(())
    }
}

const FORGET_HOURS: &str = "DELETE FROM service_hours WHERE service = ?1 AND hour < ?2";

const FORGET_SERVICE: &str = "DELETE FROM services WHERE service = ?1
    AND NOT EXISTS (SELECT 1 FROM service_hours AS h WHERE h.service = ?1)
    AND NOT EXISTS (SELECT 1 FROM events AS e WHERE e.service = ?1)";

/// Only sessions whose events are all gone.
const FORGET_SESSIONS: &str = "DELETE FROM sessions WHERE session IN
    (SELECT session FROM sessions WHERE ended_at < ?1
     AND ended_at <= (SELECT at FROM events ORDER BY seq LIMIT 1)
     AND verdict < (SELECT min(seq) FROM events) ORDER BY ended_at LIMIT ?2)";

/// Forgets at most so many events, the oldest, and of those what happened before a moment. The last one
/// stays: it says which number is next.
fn forget_events(connection: &Connection, before: i64, rows: i64) -> rusqlite::Result<usize> {
    let ends = "SELECT min(seq), max(seq) FROM events";
    let (first, last): (Option<i64>, Option<i64>) = connection
        .prepare_cached(ends)?
        .query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(first), Some(last)) = (first, last) else {
        return Ok(0);
    };
    let end = last.min(first.saturating_add(rows));
    let old = "SELECT max(seq) FROM events WHERE seq < ?1 AND at < ?2";
    let through: Option<i64> = connection
        .prepare_cached(old)?
        .query_row((end, before), |row| row.get(0))?;
    let forget = "DELETE FROM events WHERE seq <= ?1";
    connection.prepare_cached(forget)?.execute((through,))
}

/// How much of the file is in use.
fn used_bytes(connection: &Connection) -> rusqlite::Result<i64> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    Ok((number("page_count")? - number("freelist_count")?) * number("page_size")?)
}
