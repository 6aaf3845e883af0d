//! The metrics, in the format that whoever asks understands.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::time::timeout;

use super::Desk;
use crate::sink::journal::Archive;
use crate::sink::metrics::{Scrape, plain};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long counting may take; a scrape itself usually may take ten seconds.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/metrics", get(scrape))
}

/// OpenMetrics for those that ask for it, as Prometheus does, and its predecessor for all others, as
/// `promtool check metrics` wants it.
async fn scrape(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    let driver = desk.driver.clone();
    let counting = tokio::task::spawn_blocking(move || driver.figures());
    let scrape = Scrape {
        // Whoever holds a lock for that long is stuck, and this is how it is told of.
        figures: timeout(PATIENCE, counting).await.ok().and_then(Result::ok),
        loops: desk.vitality.loops(),
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
