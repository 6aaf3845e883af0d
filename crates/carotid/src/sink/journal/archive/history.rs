//! All that a name or a service is asked for at once.

use jiff::Timestamp;

use super::availability::{Availability, Hour};
use super::events::Reach;
use super::{Archive, ReadError, Reader};
use crate::sink::api;
use crate::sink::journal::ledger::HOUR_MS;

/// Whose history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Of a session's name, whichever session had it.
    Name(String),
    /// Of a service: what stands before the first slash of names.
    Service(String),
}

impl Archive {
    /// What is known of a name or a service from `reach.since` until `until`; `None` if nothing is, or
    /// it was too long ago. What is known of a service begins with a whole hour. Blocks.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn history(
        &self,
        subject: &Subject,
        reach: Reach,
        until: Timestamp,
    ) -> Result<Option<api::History>, ReadError> {
        self.read(|reader| match subject {
            Subject::Name(name) => of_name(reader, name, reach, until),
            Subject::Service(service) => {
                let found = of_service(reader, service, reach, until)?;
                if found.is_none() && !service.contains('/') {
                    // A name without a slash is a service of its own.
                    return of_name(reader, service, reach, until);
                }
                Ok(found)
            }
        })
    }
}

fn of_name(
    reader: &Reader<'_>,
    name: &str,
    reach: Reach,
    until: Timestamp,
) -> rusqlite::Result<Option<api::History>> {
    let (from, to) = (reach.since.as_millisecond(), until.as_millisecond());
    let Some(availability) = reader.availability_of_name(name, from, to)? else {
        return Ok(None);
    };
    Ok(Some(api::History {
        since: reach.since,
        until,
        availability: availability.into(),
        deaths: ms(availability.deaths),
        hours: None,
        events: reader.events_of_name(name, reach)?,
    }))
}

fn of_service(
    reader: &Reader<'_>,
    service: &str,
    reach: Reach,
    until: Timestamp,
) -> rusqlite::Result<Option<api::History>> {
    let hour = reach.since.as_millisecond().div_euclid(HOUR_MS) * HOUR_MS;
    let reach = Reach {
        since: Timestamp::from_millisecond(hour).unwrap_or(reach.since),
        ..reach
    };
    let (from, to) = (hour, until.as_millisecond());
    let found = reader.availability_of_service(service, from, to)?;
    let Some((availability, hours)) = found else {
        return Ok(None);
    };
    Ok(Some(api::History {
        since: reach.since,
        until,
        availability: availability.into(),
        deaths: ms(availability.deaths),
        hours: Some(hours.into_iter().map(api::Hour::from).collect()),
        events: reader.events_of_service(service, reach)?,
    }))
}

impl From<Availability> for api::Availability {
    fn from(span: Availability) -> Self {
        Self {
            ratio: span.ratio(),
            up_ms: ms(span.up_ms),
            down_ms: ms(span.down_ms),
            unknown_ms: ms(span.unknown_ms),
            unwatched_ms: ms(span.unwatched_ms),
        }
    }
}

impl From<Hour> for api::Hour {
    fn from(hour: Hour) -> Self {
        Self {
            at: Timestamp::from_millisecond(hour.at).unwrap_or(Timestamp::UNIX_EPOCH),
            up_ms: ms(hour.pass_ms + hour.warn_ms),
            warn_ms: ms(hour.warn_ms),
            down_ms: ms(hour.down_ms),
            unknown_ms: ms(hour.unknown_ms),
            deaths: ms(hour.deaths),
            reason: hour.reason,
        }
    }
}

fn ms(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
