//! The daemon's own health.

use std::borrow::Cow;
use std::fmt::Write;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;

use super::Desk;
use crate::vitality::{Loop, Progress};

pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/healthz", get(ready))
}

#[derive(Debug, Deserialize)]
struct Detail {
    /// Present, with any value or none: list every component.
    verbose: Option<String>,
}

/// A part of the daemon, and what is wrong with it, if anything is.
#[derive(Debug)]
struct Component {
    name: Cow<'static, str>,
    trouble: Option<String>,
}

impl Component {
    fn new(name: impl Into<Cow<'static, str>>, trouble: Option<impl Into<String>>) -> Self {
        Self {
            name: name.into(),
            trouble: trouble.map(Into::into),
        }
    }
}

/// Whether the process should be left running. Storage is none of its reasons: a restart gives no disk.
async fn live(State(desk): State<Desk>, Query(detail): Query<Detail>) -> Response {
    let said = |(which, progress): (Loop, Progress)| {
        let trouble = match progress {
            Progress::Good => None,
            Progress::Starved => Some("no turn for seconds"),
            Progress::Stuck => Some("stuck in the middle of a turn"),
        };
        Component::new(which.to_string(), trouble)
    };
    let mut loops = desk.vitality.loops();
    // The cause before its consequences.
    loops.sort_by_key(|(_, progress)| *progress != Progress::Stuck);
    let loops = loops.into_iter().map(said);
    let process = Component::new("process", None::<String>);
    report(
        &detail,
        &[process].into_iter().chain(loops).collect::<Vec<_>>(),
    )
}

/// Whether new calls are taken, and everything is there that they need.
async fn ready(State(desk): State<Desk>, Query(detail): Query<Detail>) -> Response {
    let shutting_down = desk.shutdown.is_cancelled().then_some("shutting down");
    let mut components = vec![
        Component::new("process", None::<String>),
        Component::new("rpc", shutting_down),
        Component::new("detection", desk.vitality.trouble()),
    ];
    if let Some(archive) = &desk.archive {
        components.push(Component::new("journal", archive.status().trouble()));
    }
    report(&detail, &components)
}

/// `ok`, or what is wrong on the first line; then, if asked for, every component.
fn report(detail: &Detail, components: &[Component]) -> Response {
    let mut wrong = components.iter().filter_map(|component| {
        let Component { name, trouble } = component;
        trouble.as_ref().map(|trouble| format!("{name}: {trouble}"))
    });
    let (status, mut text) = match wrong.next() {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(first) => (StatusCode::SERVICE_UNAVAILABLE, first + "\n"),
    };
    if detail.verbose.is_some() {
        for Component { name, trouble } in components {
            let written = match trouble {
                None => writeln!(text, "[+] {name}: ok"),
                Some(trouble) => writeln!(text, "[-] {name}: {trouble}"),
            };
            written.expect("writing to a string does not fail");
        }
    }
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}
