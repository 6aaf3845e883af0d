//! The metrics, in the format that whoever asks understands.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Desk;
use crate::sink::journal::Archive;
use crate::sink::metrics::{Scrape, plain};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/metrics", get(scrape))
}

/// OpenMetrics for those that ask for it, as Prometheus does, and its predecessor for all others, as
/// `promtool check metrics` wants it.
async fn scrape(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    let scrape = Scrape {
        figures: desk.driver.figures().await,
        connections: Arc::clone(&desk.connections),
        methods: desk.methods.usage(),
        journal: desk.archive.as_ref().map(Archive::status),
    };
    let text = scrape.into_open_metrics();
    if wants_open_metrics(&headers) {
        ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response()
    } else {
        ([(CONTENT_TYPE, PLAIN)], plain(&text)).into_response()
    }
}

fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    let mut words = accepted.filter_map(|value| value.to_str().ok());
    words.any(|value| value.contains("application/openmetrics-text"))
}
