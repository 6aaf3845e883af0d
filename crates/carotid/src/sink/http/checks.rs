//! The health of services and sessions, for load balancers and monitors outside: the status is the
//! answer, the body says why.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde::Deserialize;

use super::services::unknown;
use super::{Desk, badge, refuse};
use crate::sink::api::{Check, Opinion};

/// The media type of the draft.
const HEALTH_JSON: &str = "application/health+json";

pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/health/{*name}", get(check))
        .route("/badge/{file}", get(badge::draw))
}

#[derive(Debug, Deserialize)]
struct Rigour {
    /// Present, with any value or none: what is not well is answered like what fails.
    strict: Option<String>,
}

/// A name with a slash is a session's, any other a service's.
async fn check(
    State(desk): State<Desk>,
    Query(rigour): Query<Rigour>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let Ok(Path(name)) = name else {
        return refuse(StatusCode::BAD_REQUEST, "a name is percent-encoded UTF-8");
    };
    let now = desk.driver.wall_now();
    let check = if name.contains('/') {
        let session = desk.driver.find(&name);
        session.map(|session| Check::of_session(&session, Opinion::of(&session), now))
    } else {
        let service = desk.driver.service_status(&name);
        service.map(|service| Check::of_service(&service, now))
    };
    let unchanged = [
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept"),
    ];
    let Some(check) = check else {
        let what = if name.contains('/') {
            format!("no session is named {name:?}; it never was, or ended long ago")
        } else {
            unknown(&name)
        };
        return (unchanged, refuse(StatusCode::NOT_FOUND, what)).into_response();
    };
    let is_well = match &*check.status {
        "pass" => true,
        "warn" => rigour.strict.is_none(),
        _ => false,
    };
    let status = if is_well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    if wants_json(&headers) {
        let kind = [(header::CONTENT_TYPE, HEALTH_JSON)];
        return (status, unchanged, kind, Json(check)).into_response();
    }
    let text = format!("{}: {}\n", check.status, check.reason());
    (status, unchanged, text).into_response()
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|kind| kind.split(';').next().unwrap_or(kind).trim())
        .any(|kind| {
            kind.eq_ignore_ascii_case(HEALTH_JSON) || kind.eq_ignore_ascii_case("application/json")
        })
}
