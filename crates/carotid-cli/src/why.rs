//! `carotid why`: what the belief in a session stands on, as a person would tell it.

use std::process::ExitCode;

use carotid::api::{Session, Verdict};

use crate::args::WhyArgs;
use crate::exit::Exit;
use crate::operations::Operations;
use crate::output::{self, Format, roughly};

pub(crate) async fn run(args: WhyArgs) -> Result<ExitCode, Exit> {
    let operations = Operations::new(&args.daemon)?;
    let path = ["api", "v1", "sessions", args.name.as_str(), "verdict"];
    let verdict: Verdict = operations.ask(operations.get_segments(path)).await?;
    match args.output {
        Format::Table => output::line(&tell(&verdict))?,
        Format::Json => output::json(&verdict)?,
        Format::Ndjson => output::ndjson(&[verdict])?,
    }
    Ok(ExitCode::SUCCESS)
}

/// One sentence of what we believe, one of what that stands on.
pub(crate) fn tell(verdict: &Verdict) -> String {
    let session = &verdict.session;
    let is_alive = session.health == "alive";
    let mut clauses = Vec::new();
    let when = if is_alive { "ago" } else { "earlier" };
    let peer = session.peer.as_deref().map(|peer| format!(" on {peer}"));
    let last_beat = roughly(verdict.silent_ms);
    clauses.push(format!(
        "Last beat {last_beat} {when}{}",
        peer.unwrap_or_default()
    ));
    if let Some((mean, deviation)) = usual(&verdict.gaps_ms) {
        let (mean, deviation) = (shortly(mean), shortly(deviation));
        clauses.push(format!("beats usually came every {mean} ± {deviation}"));
    }
    clauses.extend(
        verdict
            .round_trip_ms
            .map(|ms| format!("a round trip took {}", shortly(ms))),
    );
    if session.health != "left" {
        clauses.push(limits(verdict));
    }
    clauses.extend(connection(session).map(str::to_owned));
    clauses.extend(breaker(session).map(str::to_owned));
    if is_alive && verdict.own_health_score > 0 {
        let times = verdict.own_health_score + 1;
        clauses.push(format!(
            "this host is not well itself, so the margin before suspicion is {times} times as long"
        ));
    }
    clauses.push(match verdict.stalled_ms {
        0 => "this daemon did not stall meanwhile".to_owned(),
        ms => format!(
            "this daemon did not run for {}, which is not counted",
            roughly(ms)
        ),
    });
    format!("{} {}.", belief(session), clauses.join("; "))
}

fn belief(session: &Session) -> String {
    let name = output::harmless(&session.name);
    match &*session.health {
        "alive" if session.wedged => {
            format!("{name} is alive but wedged: it beats, and its main loop makes no progress.")
        }
        "alive" => format!("{name} is alive."),
        "left" => format!("{name} left at {:.3}: it said goodbye.", session.since),
        "dead" if session.cause.as_deref() == Some("failed") => {
            format!(
                "{name} is dead since {:.3}: it said that it failed.",
                session.since
            )
        }
        "dead" if session.wedged => format!(
            "{name} is dead since {:.3}, and was wedged before.",
            session.since
        ),
        health => format!("{name} is {health} since {:.3}.", session.since),
    }
}

/// The deadlines in force, and where the first of them comes from.
fn limits(verdict: &Verdict) -> String {
    let suspicion = roughly(verdict.suspect_after_ms);
    let timeout = roughly(verdict.session.timeout_ms);
    let reason = reason(verdict).map(|reason| format!(" ({reason})"));
    let reason = reason.unwrap_or_default();
    format!("a silence of {suspicion} is suspect{reason}, one of {timeout} is death")
}

/// Why the suspicion comes when it does.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of at most two days"
)]
fn reason(verdict: &Verdict) -> Option<String> {
    let session = &verdict.session;
    let (suspicion, interval) = (verdict.suspect_after_ms, session.interval_ms);
    let stall = session.longest_stall_ms;
    let quantile = f64::from(verdict.quantile?);
    let learned = interval as f64 + quantile * verdict.spread_ms;
    if (learned - suspicion as f64).abs() <= learned / 100.0 {
        let (interval, spread) = (roughly(interval), shortly(verdict.spread_ms));
        Some(format!(
            "its interval of {interval}, and {quantile:.1} times the {spread} that its beats are late"
        ))
    } else if stall > 0 && suspicion == interval + stall {
        let (interval, stall) = (roughly(interval), roughly(stall));
        Some(format!(
            "its interval of {interval}, and its longest stall of {stall}"
        ))
    } else if learned > suspicion as f64 {
        Some("its beats are often late, but one interval before death is late enough".to_owned())
    } else {
        None
    }
}

fn connection(session: &Session) -> Option<&'static str> {
    match session.cause.as_deref()? {
        "silence" if session.connections == 0 => Some("it has no connection"),
        "silence" => Some("the connection was still open"),
        "closed" => Some("its connection was closed"),
        "reset" => Some("its connection was reset"),
        "unreachable" => Some("its host did not answer any more"),
        _ => None,
    }
}

fn breaker(session: &Session) -> Option<&'static str> {
    match (&*session.health, &*session.standing) {
        ("suspect", "held") => {
            Some("its time is up, but many fell silent with it, so its death is held back")
        }
        ("suspect", "at-risk") => Some("less than an interval is left to it"),
        ("dead", "held") => {
            Some("many fell silent with it, so its death was held back for a while")
        }
        _ => None,
    }
}

/// Mean and standard deviation of the gaps between beats.
#[expect(clippy::cast_precision_loss, reason = "there are at most eight")]
fn usual(gaps: &[f64]) -> Option<(f64, f64)> {
    let count = gaps.len() as f64;
    if gaps.len() < 2 {
        return None;
    }
    let mean = gaps.iter().sum::<f64>() / count;
    let squares: f64 = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum();
    Some((mean, (squares / count).sqrt()))
}

fn shortly(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.1} ms")
    } else if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}

#[cfg(test)]
mod tests;
