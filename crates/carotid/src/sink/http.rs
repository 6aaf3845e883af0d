//! Health, sessions and events over HTTP.

mod events;
mod health;
mod sessions;

use std::fmt::Display;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::api::Failure;
use crate::driver::Driver;

/// What the handlers share.
#[derive(Clone, Debug)]
struct Desk {
    driver: Driver,
    /// The server does not take new calls any more.
    shutdown: CancellationToken,
    /// The listener itself ends.
    stop: CancellationToken,
}

/// Answers on `listener` until `stop`; from `shutdown` on it says that the server is not ready.
pub(crate) async fn serve(
    listener: TcpListener,
    driver: Driver,
    shutdown: CancellationToken,
    stop: CancellationToken,
) {
    let desk = Desk {
        driver,
        shutdown,
        stop: stop.clone(),
    };
    let router = Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/healthz", get(health::ready))
        .route("/api/v1/sessions", get(sessions::list))
        .route("/api/v1/sessions/{*name}", get(sessions::one))
        .route("/api/v1/events", get(events::follow))
        .fallback(nowhere)
        .with_state(desk);
    let listener = listener.tap_io(|tcp| {
        // An event is told now, not when it fills a packet; where that fails, a little later.
        let _unsupported = tcp.set_nodelay(true);
    });
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = served.await {
        tracing::error!(%error, "the operations listener failed");
    }
}

async fn nowhere(uri: Uri) -> Response {
    let path = uri.path();
    refuse(StatusCode::NOT_FOUND, format_args!("nothing is at {path}"))
}

fn refuse(status: StatusCode, why: impl Display) -> Response {
    let failure = Failure {
        error: why.to_string(),
    };
    (status, Json(failure)).into_response()
}
