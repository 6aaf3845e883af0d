//! Who is alive, who is not.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use carotid_core::{Health, SessionView};
use serde::Deserialize;

use super::{Desk, refuse, refuse_query};
use crate::driver::Cursor;
use crate::sink::api::{Service, Session, Sessions, Verdict};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    health: Option<String>,
    service: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

pub(super) async fn list(
    State(desk): State<Desk>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Response {
    let filter = match filter {
        Ok(Query(filter)) => filter,
        Err(rejection) => return refuse_query(&rejection),
    };
    match page(&desk, &filter).await {
        Ok(page) => Json(page).into_response(),
        Err(why) => refuse(StatusCode::BAD_REQUEST, why),
    }
}

pub(super) async fn one(
    State(desk): State<Desk>,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(name)) = name else {
        return refuse(StatusCode::BAD_REQUEST, "a name is percent-encoded UTF-8");
    };
    if let Some(watched) = desk.driver.find(&name) {
        return Json(Session::from(watched)).into_response();
    }
    // Names may have slashes, so this is one path with what may follow it.
    let verdict = name
        .strip_suffix("/verdict")
        .and_then(|name| desk.driver.verdict(name));
    match verdict {
        Some(verdict) => Json(Verdict::from(verdict)).into_response(),
        None => refuse(
            StatusCode::NOT_FOUND,
            format_args!("no session is named {name:?}; it never was, or ended long ago"),
        ),
    }
}

pub(super) async fn service(
    State(desk): State<Desk>,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(name)) = name else {
        return refuse(StatusCode::BAD_REQUEST, "a name is percent-encoded UTF-8");
    };
    match desk.driver.service(&name) {
        Some(tally) => Json(Service::new(name, tally)).into_response(),
        None => refuse(
            StatusCode::NOT_FOUND,
            format_args!("no session of a service named {name:?} is being watched"),
        ),
    }
}

/// What is wrong with a list's query.
#[derive(Debug, thiserror::Error)]
enum FilterError {
    #[error("health is alive, suspect, dead or left, not {0:?}")]
    Health(String),
    #[error("limit is from 1 to {MAX_LIMIT}, not {0}")]
    Limit(usize),
    #[error("after is what an earlier page gave as next, not {0:?}")]
    After(String),
}

async fn page(desk: &Desk, filter: &Filter) -> Result<Sessions, FilterError> {
    let healths = match &filter.health {
        Some(words) => healths(words)?,
        None => Vec::new(),
    };
    let limit = filter.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(FilterError::Limit(limit));
    }
    let after = match &filter.after {
        Some(text) => cursor(text).ok_or_else(|| FilterError::After(text.clone()))?,
        None => Cursor::default(),
    };
    let wanted = |view: &SessionView| {
        (healths.is_empty() || healths.contains(&view.health))
            && (filter.service.as_deref()).is_none_or(|service| view.name.service() == service)
    };
    let (watched, next) = desk.driver.list(after, limit, wanted).await;
    Ok(Sessions {
        sessions: watched.into_iter().map(Session::from).collect(),
        next: next.map(|cursor| cursor.to_string()),
    })
}

/// One health, or several with commas between them.
fn healths(words: &str) -> Result<Vec<Health>, FilterError> {
    const ALL: [Health; 4] = [Health::Alive, Health::Suspect, Health::Dead, Health::Left];
    words
        .split(',')
        .map(|word| {
            let health = ALL.into_iter().find(|health| health.as_str() == word);
            health.ok_or_else(|| FilterError::Health(word.to_owned()))
        })
        .collect()
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.shard, self.slot)
    }
}

/// What [`Cursor`]'s display form gave, read back.
fn cursor(text: &str) -> Option<Cursor> {
    let (shard, slot) = text.split_once('.')?;
    Some(Cursor {
        shard: shard.parse().ok()?,
        slot: slot.parse().ok()?,
    })
}
