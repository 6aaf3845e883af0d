//! The daemon's own health.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::Desk;

#[derive(Debug, Deserialize)]
pub(super) struct Detail {
    /// Present, with any value or none: list every check.
    verbose: Option<String>,
}

/// Whether the process should be left running: it answers, so it should.
pub(super) async fn live(Query(detail): Query<Detail>) -> (StatusCode, String) {
    report(&detail, &[("process", true)])
}

/// Whether new calls are taken.
pub(super) async fn ready(
    State(desk): State<Desk>,
    Query(detail): Query<Detail>,
) -> (StatusCode, String) {
    report(
        &detail,
        &[("process", true), ("rpc", !desk.shutdown.is_cancelled())],
    )
}

fn report(detail: &Detail, checks: &[(&str, bool)]) -> (StatusCode, String) {
    let healthy = checks.iter().all(|(_, passed)| *passed);
    let (status, verdict) = if healthy {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    };
    if detail.verbose.is_none() {
        return (status, verdict.to_owned());
    }
    let mut lines = String::new();
    for (name, passed) in checks {
        let mark = if *passed { "[+]" } else { "[-]" };
        let word = if *passed { "ok" } else { "shutting down" };
        lines += &format!("{mark} {name}: {word}\n");
    }
    (status, lines + verdict)
}
