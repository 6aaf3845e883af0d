//! How the services are.

use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use carotid_core::ServiceHealth;
use serde::Deserialize;

use super::sessions::{DEFAULT_LIMIT, MAX_LIMIT};
use super::{Desk, refuse, refuse_query};
use crate::driver::ServiceStatus;
use crate::sink::api::{Service, Services};

pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/api/v1/services", get(list))
        .route("/api/v1/services/{service}", get(one))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    search: Option<String>,
    health: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

/// What is wrong with a list's query.
#[derive(Debug, thiserror::Error)]
enum FilterError {
    #[error("health is pass, warn or fail, not {0:?}")]
    Health(String),
    #[error("limit is from 1 to {MAX_LIMIT}, not {0}")]
    Limit(usize),
}

async fn list(State(desk): State<Desk>, filter: Result<Query<Filter>, QueryRejection>) -> Response {
    let filter = match filter {
        Ok(Query(filter)) => filter,
        Err(rejection) => return refuse_query(&rejection),
    };
    match page(&desk, &filter).await {
        Ok(page) => Json(page).into_response(),
        Err(why) => refuse(StatusCode::BAD_REQUEST, why),
    }
}

async fn page(desk: &Desk, filter: &Filter) -> Result<Services, FilterError> {
    let healths = filter.health.as_deref().map(healths).transpose()?;
    let limit = filter.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(FilterError::Limit(limit));
    }
    let search = filter.search.as_deref().unwrap_or("");
    let after = filter.after.as_deref().unwrap_or("");
    let wanted = |status: &ServiceStatus| {
        (healths.as_ref()).is_none_or(|healths| healths.contains(&status.health()))
    };
    let (services, has_more) = desk.driver.services(after, limit, search, wanted).await;
    let last = services.last().filter(|_| has_more);
    Ok(Services {
        next: last.map(|last| last.name.clone().into()),
        services: services.into_iter().map(Service::from).collect(),
    })
}

/// One health, or several with commas between them.
fn healths(words: &str) -> Result<Vec<ServiceHealth>, FilterError> {
    const ALL: [ServiceHealth; 3] = [
        ServiceHealth::Pass,
        ServiceHealth::Warn,
        ServiceHealth::Fail,
    ];
    let known = |word: &str| {
        let health = ALL.into_iter().find(|health| health.as_str() == word);
        health.ok_or_else(|| FilterError::Health(word.to_owned()))
    };
    let mut healths = Vec::new();
    for word in words.split(',') {
        let health = known(word)?;
        // Each is looked at for every service.
        if !healths.contains(&health) {
            healths.push(health);
        }
    }
    Ok(healths)
}

async fn one(State(desk): State<Desk>, name: Result<Path<String>, PathRejection>) -> Response {
    let Ok(Path(name)) = name else {
        return refuse(StatusCode::BAD_REQUEST, "a name is percent-encoded UTF-8");
    };
    match desk.driver.service_status(&name) {
        Some(status) => Json(Service::from(status)).into_response(),
        None => refuse(StatusCode::NOT_FOUND, unknown(&name)),
    }
}

/// Why a service is not known.
pub(super) fn unknown(name: &str) -> String {
    format!("no session of a service named {name:?} is being watched or has died lately")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_said_often_is_kept_once() {
        let healths = healths("fail,".repeat(5000).trim_end_matches(',')).unwrap();
        assert_eq!(healths, [ServiceHealth::Fail]);
    }
}
