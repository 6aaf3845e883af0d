//! What the journal knows: `GET /api/v1/history`.

use std::time::Duration;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Desk, refuse, refuse_query};
use crate::sink::api;
use crate::sink::journal::{Archive, Availability, Hour, Reach, ReadError, Reader};
use crate::span::Span;

const DEFAULT_SINCE: Duration = Duration::from_secs(30 * 24 * 3600);
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    name: Option<String>,
    service: Option<String>,
    since: Option<Span>,
    limit: Option<usize>,
    before: Option<u64>,
}

/// Whose history.
#[derive(Debug)]
enum Subject {
    Name(String),
    Service(String),
}

/// Why a history cannot be told.
#[derive(Debug, thiserror::Error)]
enum HistoryError {
    #[error("ask for one of name=SERVICE/INSTANCE and service=SERVICE")]
    Subject,
    #[error("limit is from 1 to {MAX_LIMIT}, not {0}")]
    Limit(usize),
    #[error("since is a time before now that the calendar knows, such as 30d")]
    Since,
    #[error("the journal knows nothing of {0:?}; it never was, or ended long ago")]
    Unknown(String),
    #[error("this daemon runs without a journal (--data none)")]
    NoJournal,
    #[error(transparent)]
    Read(#[from] ReadError),
}

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/api/v1/history", get(history))
}

async fn history(
    State(desk): State<Desk>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let asked = match asked {
        Ok(Query(asked)) => asked,
        Err(rejection) => return refuse_query(&rejection),
    };
    match tell(desk.archive.as_ref(), asked).await {
        Ok(history) => Json(history).into_response(),
        Err(error) => refuse(error.status(), error),
    }
}

async fn tell(archive: Option<&Archive>, asked: Asked) -> Result<api::History, HistoryError> {
    let subject = match (asked.name, asked.service) {
        (Some(name), None) => Subject::Name(name),
        (None, Some(service)) => Subject::Service(service),
        (Some(_), Some(_)) | (None, None) => return Err(HistoryError::Subject),
    };
    let limit = asked.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(HistoryError::Limit(limit));
    }
    let archive = archive.ok_or(HistoryError::NoJournal)?;
    let until = Timestamp::now();
    let ago = asked.since.map_or(DEFAULT_SINCE, |since| since.0);
    let since = until.checked_sub(ago).map_err(|_| HistoryError::Since)?;
    let reach = Reach {
        before: asked.before,
        since: since.as_millisecond(),
        limit,
    };
    let (known, subject) = archive
        .ask(move |reader| Ok((read(reader, &subject, reach, until)?, subject)))
        .await?;
    known.ok_or_else(|| {
        let (Subject::Name(subject) | Subject::Service(subject)) = subject;
        HistoryError::Unknown(subject)
    })
}

fn read(
    reader: &Reader<'_>,
    subject: &Subject,
    reach: Reach,
    until: Timestamp,
) -> rusqlite::Result<Option<api::History>> {
    let (from, to) = (reach.since, until.as_millisecond());
    let (availability, hours, events) = match subject {
        Subject::Name(name) => {
            let Some(availability) = reader.availability_of_name(name, from, to)? else {
                return Ok(None);
            };
            (availability, None, reader.events_of_name(name, reach)?)
        }
        Subject::Service(service) => {
            let Some((availability, hours)) = reader.availability_of_service(service, from, to)?
            else {
                return Ok(None);
            };
            let hours = hours.into_iter().map(api::Hour::from).collect();
            let events = reader.events_of_service(service, reach)?;
            (availability, Some(hours), events)
        }
    };
    Ok(Some(api::History {
        since: wall(from),
        until: wall(to),
        availability: availability.into(),
        hours,
        events,
    }))
}

impl HistoryError {
    const fn status(&self) -> StatusCode {
        match self {
            Self::Subject | Self::Limit(_) | Self::Since => StatusCode::BAD_REQUEST,
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::NoJournal | Self::Read(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
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
            at: wall(hour.at),
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

fn wall(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}
