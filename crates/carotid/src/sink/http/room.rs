//! How many may read at once. Their connections share the table of open files with those of peers, whose
//! beats are what all this is for.

use std::convert::Infallible;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refuse;

/// Connections at once.
const CONNECTIONS: usize = 1024;

/// Connections beyond these that are told so, at once; others are closed without a word.
const ASIDE: usize = 64;

/// How long that may take.
const ASIDE_TIME: Duration = Duration::from_secs(2);

/// Streams of events at once, of pages and programs.
const STREAMS: usize = 256;

/// When to try again.
const RETRY_SECONDS: u32 = 5;

/// Paths that are answered however many others ask: what restarts us must not take a crowd for our death.
const ALWAYS: [&str; 3] = ["/livez", "/readyz", "/healthz"];

/// What there is room for. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Room {
    connections: Arc<Semaphore>,
    aside: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

impl Default for Room {
    fn default() -> Self {
        Self::new(CONNECTIONS, STREAMS)
    }
}

impl Room {
    pub(super) fn new(connections: usize, streams: usize) -> Self {
        Self {
            connections: Arc::new(Semaphore::new(connections)),
            aside: Arc::new(Semaphore::new(ASIDE)),
            streams: Arc::new(Semaphore::new(streams)),
        }
    }

    /// Room for one more connection, for as long as what is returned is kept.
    pub(super) fn connection(&self) -> Option<OwnedSemaphorePermit> {
        self.connections.clone().try_acquire_owned().ok()
    }

    /// Tells a connection that there is no room for it.
    pub(super) async fn turn_away(self, tcp: TcpStream, router: Router) {
        let Ok(_aside) = self.aside.try_acquire() else {
            return;
        };
        let router = TowerToHyperService::new(router);
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let router = router.clone();
            async move {
                if ALWAYS.contains(&request.uri().path()) {
                    return router.call(request).await;
                }
                Ok::<_, Infallible>(full("connections"))
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .keep_alive(false)
            .serve_connection(TokioIo::new(tcp), service);
        // How it ends is its own affair.
        let _ended = tokio::time::timeout(ASIDE_TIME, connection).await;
    }
}

/// Refuses a stream of events when there are enough.
pub(super) async fn seat(State(room): State<Room>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let kind = response.headers().get(CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        return response;
    }
    let Ok(seat) = room.streams.try_acquire_owned() else {
        return full("streams of events");
    };
    response.map(|body| {
        Body::from_stream(body.into_data_stream().map(move |piece| {
            // Until the stream is dropped.
            let _taken = &seat;
            piece
        }))
    })
}

fn full(what: impl Display) -> Response {
    let why = format!("there are too many {what}; try again later");
    let refused = refuse(StatusCode::SERVICE_UNAVAILABLE, why);
    ([(RETRY_AFTER, RETRY_SECONDS.to_string())], refused).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    use axum::middleware::from_fn_with_state;
    use axum::response::sse::{Event, Sse};
    use axum::routing::get;
    use futures_util::stream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_util::sync::{CancellationToken, DropGuard};

    /// A listener with so much room.
    async fn listen(room: Room) -> (SocketAddr, DropGuard) {
        let endless = async || {
            let first = stream::iter([Ok::<_, Infallible>(Event::default().data("first"))]);
            Sse::new(first.chain(stream::pending()))
        };
        let router = Router::new()
            .route("/stream", get(endless))
            .route("/livez", get(async || "alive"))
            .route("/", get(async || "plain"))
            .layer(from_fn_with_state(room.clone(), seat));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(super::super::answer(listener, router, room, stop.clone()));
        (address, stop.drop_guard())
    }

    /// The beginning of the answer, and the connection, which is kept by both sides.
    async fn ask(address: SocketAddr, path: &str) -> (String, TcpStream) {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            assert_ne!(tcp.read_buf(&mut answer).await.unwrap(), 0, "{answer:?}");
        }
        (String::from_utf8(answer).unwrap(), tcp)
    }

    fn is_full(answer: &str) -> bool {
        answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 5")
    }

    #[tokio::test]
    async fn connections_beyond_those_there_is_room_for_are_told_so_and_checks_are_answered() {
        let (address, _stop) = listen(Room::new(2, 9)).await;
        let (_, first) = ask(address, "/").await;
        let (_, _second) = ask(address, "/").await;
        assert!(is_full(&ask(address, "/").await.0));
        let (alive, _) = ask(address, "/livez").await;
        assert!(alive.starts_with("HTTP/1.1 200"), "{alive}");
        drop(first);
        while is_full(&ask(address, "/").await.0) {}
    }

    #[tokio::test]
    async fn streams_beyond_those_there_is_room_for_are_refused() {
        let (address, _stop) = listen(Room::new(9, 1)).await;
        let (streams, first) = ask(address, "/stream").await;
        assert!(streams.starts_with("HTTP/1.1 200"), "{streams}");
        assert!(is_full(&ask(address, "/stream").await.0));
        let (plain, _) = ask(address, "/").await;
        assert!(plain.starts_with("HTTP/1.1 200"), "{plain}");
        drop(first);
        while is_full(&ask(address, "/stream").await.0) {}
    }
}
