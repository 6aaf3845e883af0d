//! Health, sessions and events over HTTP.

mod accept;
mod alerts;
mod badge;
mod checks;
mod events;
mod fault;
mod health;
mod history;
mod host;
mod methods;
mod metrics;
mod page;
mod room;
mod safe;
mod services;
mod sessions;

use std::fmt::Display;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::host::Hosts;
use self::room::Room;
use super::alert::Board;
use super::api::{Failure, Stalls};
use super::journal::Archive;
use crate::dial::set_options;
use crate::driver::Driver;
use crate::source;
use crate::source::http::{Beats, Caller};
use crate::source::netrpc::Connections;
use crate::vitality::Vitality;

pub(crate) use methods::Methods;

/// How long a request's head may take to come, and how long a connection may wait for the next one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long what is sent may stay unacknowledged.
const USER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long an answer under way at the end may take to be read.
const LINGER: Duration = Duration::from_secs(1);

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) driver: Driver,
    /// What the journal has; `None` without one.
    pub(crate) archive: Option<Archive>,
    pub(crate) methods: Methods,
    /// Those of peers.
    pub(crate) connections: Arc<Connections>,
    pub(crate) vitality: Vitality,
    pub(crate) alerts: Board,
    /// The server does not take new calls any more.
    pub(crate) shutdown: CancellationToken,
    /// The listener itself ends.
    pub(crate) stop: CancellationToken,
}

/// Answers on `listener` until `stop`; from `shutdown` on it says that the server is not ready.
/// `names` are those that it is called by, besides its address.
pub(crate) async fn serve(listener: TcpListener, desk: Desk, beats: Beats, names: &[String]) {
    let hosts = Hosts::new(listener.local_addr().ok(), names);
    let room = Room::default();
    let stop = desk.stop.clone();
    let router = Router::new()
        .merge(health::routes())
        .merge(checks::routes())
        .route("/api/v1/sessions", get(sessions::list))
        .route("/api/v1/sessions/{*name}", get(sessions::one))
        .merge(services::routes())
        .route("/api/v1/events", get(events::follow))
        .route("/api/v1/stalls", get(stalls))
        .merge(history::routes())
        .route("/debug/rpc", get(methods::page))
        .merge(metrics::routes())
        .merge(fault::routes())
        .merge(page::routes())
        .merge(alerts::routes())
        .fallback(nowhere)
        .with_state(desk)
        .merge(source::http::routes(beats))
        .layer(from_fn_with_state(room.clone(), room::seat))
        .layer(from_fn_with_state(hosts, host::check))
        .layer(from_fn(safe::dress));
    answer(listener, router, room, stop).await;
}

/// Answers all connections until `stop`.
async fn answer(listener: TcpListener, router: Router, room: Room, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let (tcp, peer) = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept::accept(&listener) => accepted,
        };
        // A reader that takes nothing for this long is not kept.
        match set_options(&tcp, USER_TIMEOUT) {
            Ok(()) => {
                let (caller, router, stop) = (Caller(peer), router.clone(), stop.clone());
                if let Some(place) = room.connection() {
                    connections.spawn(async move {
                        converse(tcp, caller, router, stop).await;
                        drop(place);
                    });
                } else {
                    connections.spawn(room.clone().turn_away(tcp, router));
                }
            }
            Err(error) => tracing::debug!(%peer, %error, "connection refused: its socket failed"),
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// One HTTP connection; soon after `stop` it is over, whatever its peer does.
async fn converse(tcp: TcpStream, caller: Caller, router: Router, stop: CancellationToken) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(|mut request| {
        request.extensions_mut().insert(caller);
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(tcp), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // How a peer ends its connection is its own affair.
        _ended = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _cut_short = tokio::time::timeout(LINGER, connection).await;
}

async fn stalls(State(desk): State<Desk>) -> Json<Stalls> {
    Json(Stalls::of(&desk.driver))
}

async fn nowhere(headers: HeaderMap, uri: Uri) -> Response {
    let path = uri.path();
    if page::is_for_people(&headers) {
        let why = format!("Nothing is at {path}.");
        return page::refuse(StatusCode::NOT_FOUND, "Nothing here", &why);
    }
    let why = format!(
        "nothing is at {path}; try /livez, /readyz, /health/NAME, /api/v1/sessions, /api/v1/services, /api/v1/events, /api/v1/history, /api/v1/stalls, /api/v1/alerts, /metrics or /debug/rpc"
    );
    refuse(StatusCode::NOT_FOUND, why)
}

/// A query that does not fit, in the words of its parser.
pub(crate) fn refuse_query(rejection: &QueryRejection) -> Response {
    let text = rejection.body_text();
    let why = text.trim_start_matches("Failed to deserialize query string: ");
    refuse(StatusCode::BAD_REQUEST, format_args!("query: {why}"))
}

pub(crate) fn refuse(status: StatusCode, why: impl Display) -> Response {
    let failure = Failure {
        error: why.to_string(),
    };
    (status, Json(failure)).into_response()
}
