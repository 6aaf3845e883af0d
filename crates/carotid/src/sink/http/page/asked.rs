//! What the address of a page asks for, and a page for people where that cannot be read.

use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde::de::DeserializeOwned;

use super::super::refuse_query;
use super::{is_for_people, refuse};

/// The query of a page.
#[derive(Debug)]
pub(super) struct Asking<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asking<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(rejection) if is_for_people(&parts.headers) => {
                let text = rejection.body_text();
                let why = text.trim_start_matches("Failed to deserialize query string: ");
                let why =
                    format!("What stands behind the ? of this address cannot be read: {why}.");
                Err(refuse(StatusCode::BAD_REQUEST, "No such page", &why))
            }
            Err(rejection) => Err(refuse_query(&rejection)),
        }
    }
}
