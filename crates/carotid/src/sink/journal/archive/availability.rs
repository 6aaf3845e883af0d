//! How much of its time a name or a service was up.
//!
//! Of a name its sessions tell: it is down from the last beat of a session that died until its next one
//! opens. Of a service the hours tell, and its own row how it is since the last that is put down there.

use rusqlite::OptionalExtension;

use super::Reader;
use crate::sink::journal::absence::{Absence, Absences};
use crate::sink::journal::ledger::{HOUR_MS, State};

/// A span of time, divided. In milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Availability {
    pub(crate) up_ms: i64,
    pub(crate) down_ms: i64,
    /// The monitor itself did not look.
    pub(crate) unknown_ms: i64,
    /// Nobody was there to be watched.
    pub(crate) unwatched_ms: i64,
    /// How many deaths there were, those of a service in whole hours.
    pub(crate) deaths: i64,
}

/// One hour of a service, or what has passed of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hour {
    /// When it began.
    pub(crate) at: i64,
    pub(crate) pass_ms: i64,
    pub(crate) warn_ms: i64,
    pub(crate) down_ms: i64,
    pub(crate) unknown_ms: i64,
    pub(crate) deaths: i64,
    pub(crate) reason: Option<String>,
}

/// Those that had not ended, and the one before: it may have been missed since.
const SESSIONS: &str = "SELECT opened_at, ended_at, ended_as, last_beat_at FROM sessions
    WHERE name = ?1 AND session >= coalesce((SELECT session FROM sessions
    WHERE name = ?1 AND ended_at < ?2 ORDER BY session DESC LIMIT 1), 0) ORDER BY session";

const ABSENCES: &str = "SELECT began_at, ended_at FROM absences
    WHERE began_at < ?2 AND ended_at > ?1 ORDER BY began_at";

const HOURS: &str = "SELECT hour, pass_ms, warn_ms, down_ms, unknown_ms, deaths, reason
    FROM service_hours WHERE service = ?1 AND hour >= ?2 AND hour < ?3 ORDER BY hour";

/// A name without a slash that the settings name may be a service of its own.
const SERVICE: &str = "SELECT service, state, accounted_to, reason FROM services AS v
    WHERE name = ?1 AND (EXISTS (SELECT 1 FROM events AS e WHERE e.service = v.service)
    OR NOT EXISTS (SELECT 1 FROM sessions AS s WHERE s.name = ?1))";

impl Availability {
    /// The share of the time it was up, of all time that is known; `None` if none is.
    #[expect(clippy::cast_precision_loss, reason = "a millennium has 2⁴⁵ ms")]
    pub(crate) fn ratio(self) -> Option<f64> {
        let known = self.up_ms + self.down_ms;
        (known > 0).then(|| self.up_ms as f64 / known as f64)
    }
}

impl Reader<'_> {
    /// Of a name; `None` if no session of it is known.
    pub(crate) fn availability_of_name(
        &self,
        name: &str,
        since: i64,
        until: i64,
    ) -> rusqlite::Result<Option<Availability>> {
        let absences = self.absences(since, until)?;
        let mut sum = Availability::default();
        let mut statement = self.connection.prepare_cached(SESSIONS)?;
        let mut rows = statement.query((name, since))?;
        let mut is_known = false;
        // From when on the next session's name was missed.
        let mut missed_from = None;
        while let Some(row) = rows.next()? {
            is_known = true;
            let (opened_at, ended_at): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
            let died = row.get_ref(2)?.as_str_or_null()? == Some("dead");
            if let Some(from) = missed_from.take() {
                sum.down_ms += sum.known(&absences, from, opened_at, since, until);
            }
            let up_to = match ended_at {
                None => until,
                Some(ended_at) if died => {
                    let last_beat_at = row.get::<_, Option<i64>>(3)?.unwrap_or(ended_at);
                    let last_beat_at = last_beat_at.clamp(opened_at, ended_at.max(opened_at));
                    missed_from = Some(last_beat_at);
                    sum.deaths += i64::from((since..=until).contains(&ended_at));
                    last_beat_at
                }
                Some(ended_at) => ended_at,
            };
            sum.up_ms += sum.known(&absences, opened_at, up_to, since, until);
        }
        if let Some(from) = missed_from {
            sum.down_ms += sum.known(&absences, from, until, since, until);
        }
        let watched = sum.up_ms + sum.down_ms + sum.unknown_ms;
        sum.unwatched_ms = (until - since - watched).max(0);
        Ok(is_known.then_some(sum))
    }

    /// Of a service, with its hours, of which it knows no parts: `since` is the beginning of one. `None`
    /// if the service is not known.
    pub(crate) fn availability_of_service(
        &self,
        service: &str,
        since: i64,
        until: i64,
    ) -> rusqlite::Result<Option<(Availability, Vec<Hour>)>> {
        let mut statement = self.connection.prepare_cached(SERVICE)?;
        let found = statement.query_row((service,), |row| {
            let state = State::read(row.get_ref(1)?.as_str()?).unwrap_or(State::Unwatched);
            Ok((
                row.get(0)?,
                state,
                row.get(2)?,
                row.get::<_, Option<String>>(3)?,
            ))
        });
        let Some((service, state, accounted_to, reason)) = found.optional()? else {
            return Ok(None);
        };
        let mut hours = self.hours(service, since, until)?;
        let absences = self.absences(accounted_to, until)?;
        let from = since.max(accounted_to);
        put_down(&mut hours, state, reason.as_deref(), from, until, &absences);
        let mut sum = Availability::default();
        for hour in &hours {
            sum.up_ms += hour.pass_ms + hour.warn_ms;
            sum.down_ms += hour.down_ms;
            sum.unknown_ms += hour.unknown_ms;
            sum.deaths += hour.deaths;
        }
        let watched = sum.up_ms + sum.down_ms + sum.unknown_ms;
        sum.unwatched_ms = (until - since - watched).max(0);
        Ok(Some((sum, hours)))
    }

    fn hours(&self, service: i64, since: i64, until: i64) -> rusqlite::Result<Vec<Hour>> {
        let mut statement = self.connection.prepare_cached(HOURS)?;
        let mut rows = statement.query((service, since, until))?;
        let mut hours = Vec::new();
        while let Some(row) = rows.next()? {
            hours.push(Hour {
                at: row.get(0)?,
                pass_ms: row.get(1)?,
                warn_ms: row.get(2)?,
                down_ms: row.get(3)?,
                unknown_ms: row.get(4)?,
                deaths: row.get(5)?,
                reason: row.get(6)?,
            });
        }
        Ok(hours)
    }

    fn absences(&self, since: i64, until: i64) -> rusqlite::Result<Absences> {
        let mut statement = self.connection.prepare_cached(ABSENCES)?;
        let spans = statement.query_map((since, until), |row| {
            Ok(Absence {
                began_at: row.get(0)?,
                ended_at: row.get(1)?,
            })
        })?;
        spans.collect()
    }
}

impl Availability {
    /// How much of a span is known, within what was asked for; the rest of it is counted as unknown.
    fn known(&mut self, absences: &Absences, from: i64, to: i64, since: i64, until: i64) -> i64 {
        let (from, to) = (from.max(since), to.min(until));
        if to <= from {
            return 0;
        }
        let unknown = absences.between(from, to);
        self.unknown_ms += unknown;
        to - from - unknown
    }
}

/// Adds what is not put down yet.
fn put_down(
    hours: &mut Vec<Hour>,
    state: State,
    reason: Option<&str>,
    mut from: i64,
    until: i64,
    absences: &Absences,
) {
    while state != State::Unwatched && from < until {
        let at = from.div_euclid(HOUR_MS) * HOUR_MS;
        let end = until.min(at + HOUR_MS);
        if hours.last().is_none_or(|last| last.at < at) {
            hours.push(Hour {
                at,
                ..Hour::default()
            });
        }
        let Some(hour) = hours.iter_mut().rev().find(|hour| hour.at <= at) else {
            return;
        };
        let unknown = absences.between(from, end);
        let known = end - from - unknown;
        hour.unknown_ms += unknown;
        match state {
            State::Pass => hour.pass_ms += known,
            State::Warn => hour.warn_ms += known,
            State::Fail => {
                hour.down_ms += known;
                hour.reason = reason.map(str::to_owned);
            }
            State::Unknown => hour.unknown_ms += known,
            State::Unwatched => {}
        }
        from = end;
    }
}
