//! The live page: who is down, since when and why, for people.
//!
//! Everything is rendered here and can be read and used without a script; the script only fetches the
//! same pages again when something has changed, and puts what is new in its place. Names are hostile
//! text: they reach a page through `maud`, which escapes them, and nothing inline is ever run, see
//! [`frame`].

mod asked;
mod assets;
mod bars;
mod events;
mod frame;
mod late;
mod overview;
mod past;
mod pulse;
mod rows;
mod sentence;
mod services;
mod session;
mod sessions;
mod stream;
mod timeline;
mod words;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use maud::html;

use super::Desk;
use frame::{Leaf, Place};

/// The pages, what they are made of, and the streams that keep them live.
pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/", get(overview::show))
        .route("/sessions", get(sessions::show))
        .route("/sessions/{*name}", get(session::show))
        .route("/events", get(events::show))
        .route("/events/stream", get(stream::follow))
        .route("/pulse", get(pulse::follow))
        .route("/assets/{version}/{file}", get(assets::serve))
        .layer(middleware::from_fn(frame::spare))
}

/// Whether whoever asks would rather read a page than JSON.
pub(super) fn is_for_people(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// A refusal for people.
pub(super) fn refuse(status: StatusCode, title: &str, why: &str) -> Response {
    let main = html! {
        h1 { (title) }
        p.lead { (why) }
        p { a href="/" { "All services" } " · " a href="/sessions" { "all sessions" } }
    };
    let leaf = Leaf {
        title,
        place: Place::Elsewhere,
        main,
    };
    leaf.with_status(status)
}
