//! How alert rules fare.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::get;

use super::Desk;
use crate::sink::api::Alerts;

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/api/v1/alerts", get(list))
}

async fn list(State(desk): State<Desk>) -> Json<Alerts> {
    Json(desk.alerts.read())
}
