//! What the journal remembers, as the pages ask for it. Without a journal, or while it cannot be read,
//! pages do without.

use std::collections::HashMap;

use jiff::Timestamp;

use super::super::Desk;
use super::late::latest;
use crate::sink::api::Event;
use crate::sink::journal::{Availability, Hour, Reach, ReadError};

/// How far back pages look, in milliseconds: 30 days.
const REACH: i64 = 30 * 24 * 3_600_000;

/// The hours of services.
pub(super) type Hours = Option<HashMap<Box<str>, Vec<Hour>>>;

/// The hours of these services since a moment.
pub(super) async fn hours(desk: &Desk, services: Vec<Box<str>>, since: i64, until: i64) -> Hours {
    let archive = desk.archive.as_ref()?;
    let asked = archive.ask(move |reader| {
        let mut hours = HashMap::new();
        for service in services {
            if let Some((_, known)) = reader.availability_of_service(&service, since, until)? {
                hours.insert(service, known);
            }
        }
        Ok(hours)
    });
    told(asked.await)
}

/// What is remembered of a name.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Newest first.
    pub(super) events: Vec<Event>,
    /// Of the last 30 days; nothing without a journal.
    pub(super) availability: Option<Availability>,
}

/// The last events of a name, at most so many.
pub(super) async fn of_name(desk: &Desk, name: &str, limit: usize) -> Past {
    let asked = match &desk.archive {
        Some(archive) => {
            let until = Timestamp::now().as_millisecond();
            let since = until - REACH;
            let reach = Reach {
                before: None,
                since: Timestamp::from_millisecond(since).unwrap_or(Timestamp::UNIX_EPOCH),
                limit,
            };
            let name = name.to_owned();
            let asked = archive.ask(move |reader| {
                let availability = reader.availability_of_name(&name, since, until)?;
                let events = reader.events_of_name(&name, reach)?;
                Ok(Past {
                    events,
                    availability,
                })
            });
            told(asked.await)
        }
        None => None,
    };
    match asked {
        Some(past) => past,
        None => remembered(desk, name, limit).await,
    }
}

/// What the log still has of a name.
async fn remembered(desk: &Desk, name: &str, limit: usize) -> Past {
    let late = latest(desk, None, limit, |_, of| of == Some(name)).await;
    Past {
        events: late.events,
        availability: None,
    }
}

/// An answer of the journal; that there is none is logged, and shown as a page without history.
pub(super) fn told<T>(asked: Result<T, ReadError>) -> Option<T> {
    let log = |error: &_| {
        tracing::debug!(
            error = error as &dyn std::error::Error,
            "a page has no history"
        )
    };
    asked.inspect_err(log).ok()
}
