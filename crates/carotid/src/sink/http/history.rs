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
use crate::sink::journal::{Archive, Reach, ReadError, Subject};
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

/// Why a history cannot be told.
#[derive(Debug, thiserror::Error)]
enum HistoryError {
    #[error("ask for one of name=SERVICE/INSTANCE and service=SERVICE")]
    Subject,
    #[error("limit is from 1 to {MAX_LIMIT}, not {0}")]
    Limit(usize),
    #[error("since is how far to look back, such as 30d, and no more than the calendar has")]
    Since,
    #[error("the journal knows nothing of {0:?}; it never was, or ended long ago")]
    Unknown(String),
    #[error("this daemon keeps no journal (--data none)")]
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
    match tell(desk.archive, asked).await {
        Ok(history) => Json(history).into_response(),
        Err(error) => refuse(error.status(), error),
    }
}

async fn tell(archive: Option<Archive>, asked: Asked) -> Result<api::History, HistoryError> {
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
    let reach = Reach {
        before: asked.before,
        since: until.checked_sub(ago).map_err(|_| HistoryError::Since)?,
        limit,
    };
    let turns = archive.clone();
    let _turn = turns.turn().await;
    let read = tokio::task::spawn_blocking(move || {
        let history = archive.history(&subject, reach, until);
        (history, subject)
    });
    let (history, subject) = read.await.map_err(|_| ReadError::Abandoned)?;
    history?.ok_or_else(|| {
        let (Subject::Name(subject) | Subject::Service(subject)) = subject;
        HistoryError::Unknown(subject)
    })
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
