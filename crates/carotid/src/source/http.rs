//! Beats over HTTP, for peers that have nothing else: a cron job, a shell script, a probe.
//!
//! `/beat/NAME` is a beat, `/beat/NAME/start`, `/fail` and `/left` say more. Each request stands alone:
//! no connection carries the session, so none can be lost. Whoever reaches the listener may beat any name;
//! web pages may not (`page.rs`).

mod page;

use std::net::SocketAddr;
use std::sync::{Arc, Once};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, Request, State};
use axum::http::header::{ACCEPT, ALLOW, CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::any;
use carotid_core::{
    Allowance, Attendance, Health, NameError, OpenError, SessionName, Terms, TermsError,
};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::wish::Wish;
use crate::driver::{Driver, Watched};
use crate::readers::Readers;
use crate::server::ServerConfig;
use crate::sink::api::Session;
use crate::sink::http::{refuse, refuse_query};
use crate::span::Span;

/// What a request may carry besides its head. Nothing of it is kept.
const MAX_BODY: usize = 16 * 1024;

/// How long that may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// When to try again while the session table is full.
const RETRY_SECONDS: u32 = 10;

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller(pub(crate) SocketAddr);

/// What beats over HTTP need.
#[derive(Clone, Debug)]
pub(crate) struct Beats {
    driver: Driver,
    /// For peers that wish nothing else.
    terms: Terms,
    allowance: Allowance,
    attentive: Arc<Attentive>,
}

/// Tells whether we read what scripts send, from the first of them on (I6).
#[derive(Debug)]
struct Attentive {
    readers: Arc<Readers>,
    stop: CancellationToken,
    begun: Once,
}

/// What a request says of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// It lives.
    Beat,
    /// It lives, and a run of its begins.
    Start,
    /// It failed.
    Fail,
    /// Goodbye.
    Left,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    interval: Option<Span>,
    timeout: Option<Span>,
    #[serde(alias = "longest-stall")]
    longest_stall: Option<Span>,
}

/// Why a request was no beat.
#[derive(Debug, thiserror::Error)]
enum BeatError {
    #[error("a name is percent-encoded UTF-8, as in /beat/payments/7")]
    Encoding,
    #[error("{0}")]
    Name(#[from] NameError),
    #[error("{0}; ask with ?interval=1m&timeout=5m")]
    Terms(#[from] TermsError),
    #[error("{0}")]
    Open(#[from] OpenError),
    #[error("no session is named {0:?}; it never was, or ended long ago")]
    Unknown(SessionName),
}

impl Beats {
    /// Until `stop`, `readers` are told whether requests are read.
    pub(crate) fn new(
        driver: Driver,
        config: &ServerConfig,
        readers: Arc<Readers>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            driver,
            terms: config.engine.terms,
            allowance: config.allowance,
            attentive: Arc::new(Attentive {
                readers,
                stop,
                begun: Once::new(),
            }),
        }
    }

    /// What is known of the session after this.
    fn hear(
        &self,
        name: SessionName,
        word: Word,
        asked: &Asked,
        peer: SocketAddr,
    ) -> Result<Watched, BeatError> {
        let terms = self.granted(asked)?;
        match word {
            Word::Beat | Word::Start => Ok(self.room(self.driver.visit(name, terms, peer))?),
            Word::Fail => Ok(self.room(self.driver.fail(name, terms, peer))?),
            Word::Left => {
                let parted = self.driver.part(name.as_str());
                parted.ok_or(BeatError::Unknown(name))
            }
        }
    }

    /// Whoever is refused is counted.
    fn room(&self, outcome: Result<Watched, OpenError>) -> Result<Watched, OpenError> {
        outcome.inspect_err(|error| self.driver.warn_of(*error))
    }

    /// What is granted of what is asked for; nothing where nothing is.
    fn granted(&self, asked: &Asked) -> Result<Option<Terms>, TermsError> {
        let wish = Wish {
            interval: asked.interval.map(|span| span.0),
            timeout: asked.timeout.map(|span| span.0),
            longest_stall: asked.longest_stall.map(|span| span.0),
        };
        if wish == Wish::default() {
            return Ok(None);
        }
        let wish = wish.terms(self.terms)?;
        self.allowance.terms(wish, self.driver.sessions()).map(Some)
    }
}

impl Attentive {
    /// Requests are read on the runtime that answers them. While an application blocks that, what scripts
    /// send waits, and their silence proves nothing.
    fn begin(&self) {
        self.begun.call_once(|| {
            let (readers, stop) = (self.readers.clone(), self.stop.clone());
            tokio::spawn(stop.run_until_cancelled_owned(async move {
                loop {
                    readers.guest_kept_up();
                    tokio::time::sleep(Attendance::PULSE).await;
                }
            }));
        });
    }
}

/// The routes, for the operations listener; its connections say who calls with [`Caller`].
pub(crate) fn routes(beats: Beats) -> Router {
    Router::new()
        .route("/beat/{*name}", any(beat))
        .with_state(beats)
}

async fn beat(
    State(beats): State<Beats>,
    Extension(Caller(peer)): Extension<Caller>,
    name: Result<Path<String>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    // A HEAD asks what a GET would answer and is to change nothing, so it is no beat.
    if head.method != Method::GET && head.method != Method::POST {
        let why = "beat with POST, or with GET where nothing else can be said";
        return (
            [(ALLOW, "GET, POST")],
            refuse(StatusCode::METHOD_NOT_ALLOWED, why),
        )
            .into_response();
    }
    if let Some(why) = page::fault(&head.method, &head.headers) {
        return refuse(StatusCode::FORBIDDEN, why);
    }
    let asked = match asked {
        Ok(Query(asked)) => asked,
        Err(rejection) => return refuse_query(&rejection),
    };
    let (name, word) = match name.map(|Path(name)| session(head.uri.path(), &name)) {
        Ok(Ok(session)) => session,
        Ok(Err(error)) => return answer(&head.headers, Word::Beat, Err(error.into())),
        Err(_) => return answer(&head.headers, Word::Beat, Err(BeatError::Encoding)),
    };
    if let Err((status, why)) = discard(body).await {
        return refuse(status, why);
    }
    beats.attentive.begin();
    answer(&head.headers, word, beats.hear(name, word, &asked, peer))
}

/// Which session, and what is said of it. The last word of a path may be a name's end as well; then its
/// slash is encoded.
fn session(path: &str, name: &str) -> Result<(SessionName, Word), NameError> {
    let words = [
        ("/start", Word::Start),
        ("/fail", Word::Fail),
        ("/left", Word::Left),
    ];
    let said = words.into_iter().find_map(|(end, word)| {
        let name = name.strip_suffix(end).filter(|_| path.ends_with(end))?;
        Some((name, word))
    });
    let (name, word) = said.unwrap_or((name, Word::Beat));
    Ok((SessionName::new(name)?, word))
}

/// Reads what comes with a request, so that the connection can be used again.
async fn discard(body: Body) -> Result<(), (StatusCode, String)> {
    let read = tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, MAX_BODY)).await;
    match read {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err((
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a beat needs no body; one of up to {MAX_BODY} bytes is ignored"),
        )),
        Err(_) => Err((
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not come within {BODY_TIMEOUT:?}; a beat needs none"),
        )),
    }
}

/// What a script reads: `ok`, or the session in JSON if it asks for that.
fn answer(headers: &HeaderMap, word: Word, outcome: Result<Watched, BeatError>) -> Response {
    let mut response = match outcome {
        Ok(watched) if wants_json(headers) => Json(Session::from(watched)).into_response(),
        // Only a goodbye leaves the dead as they are.
        Ok(watched) if watched.view.health == Health::Dead && word == Word::Left => {
            "it was dead already, and stays so\n".into_response()
        }
        Ok(_) => "ok\n".into_response(),
        Err(error) => refusal(&error),
    };
    // A beat that a proxy answers from its memory is none.
    let no_store = "no-store".try_into();
    let no_store = no_store.expect("it is made of letters");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

fn refusal(error: &BeatError) -> Response {
    match error {
        BeatError::Encoding | BeatError::Name(_) | BeatError::Terms(_) => {
            refuse(StatusCode::BAD_REQUEST, error)
        }
        BeatError::Unknown(_) => refuse(StatusCode::NOT_FOUND, error),
        BeatError::Open(_) => {
            let later = [(RETRY_AFTER, RETRY_SECONDS.to_string())];
            (later, refuse(StatusCode::SERVICE_UNAVAILABLE, error)).into_response()
        }
    }
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).into_iter();
    accepted
        .filter_map(|accepted| accepted.to_str().ok())
        .any(|accepted| accepted.contains("application/json"))
}
