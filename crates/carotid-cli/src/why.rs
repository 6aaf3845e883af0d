//! `carotid why`: what the belief in a session stands on, as a person would tell it.

use std::process::ExitCode;

use carotid::api::Verdict;

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

fn tell(verdict: &Verdict) -> String {
    let session = &verdict.session;
    let name = output::harmless(&session.name);
    let mut text = match &*session.health {
        "alive" => format!("{name} is alive."),
        "left" => format!("{name} left at {:.3}: it said goodbye.", session.since),
        health => format!("{name} is {health} since {:.3}.", session.since),
    };
    let moment = if session.health == "alive" {
        "ago"
    } else {
        "earlier"
    };
    text += &format!(" Last beat {} {moment}", roughly(verdict.silent_ms));
    if let Some(peer) = session.peer {
        text += &format!(" on {peer}");
    }
    if let Some((mean, deviation)) = usual(&verdict.gaps_ms) {
        let (mean, deviation) = (shortly(mean), shortly(deviation));
        text += &format!("; beats usually came every {mean} ± {deviation}");
    }
    let (suspicion, timeout) = (
        roughly(verdict.suspect_after_ms),
        roughly(session.timeout_ms),
    );
    text += &format!("; a silence of {suspicion} is suspect, one of {timeout} is death");
    text += match session.cause.as_deref() {
        Some("silence") => "; the connection was still open",
        Some("closed") => "; its connection was closed",
        Some("reset") => "; its connection was reset",
        Some("unreachable") => "; its host did not answer any more",
        _ => "",
    };
    if verdict.stalled_ms == 0 {
        text + "; this daemon did not stall."
    } else {
        let stalled = roughly(verdict.stalled_ms);
        text + &format!("; this daemon did not run for {stalled}, which is not counted.")
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
    if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(health: &str, cause: Option<&str>, stalled_ms: u64) -> Verdict {
        let session = serde_json::json!({
            "name": "payments/7", "service": "payments", "health": health, "cause": cause,
            "epoch": 1, "since": "2026-11-23T12:03:11Z", "last_beat_ms": 61_000, "beats": 9,
            "connections": 1, "peer": "10.0.0.7:4711", "interval_ms": 10_000,
            "timeout_ms": 60_000,
        });
        let verdict = serde_json::json!({
            "session": session, "last_beat": "2026-11-23T12:02:11Z", "silent_ms": 60_000,
            "gaps_ms": [9_960.0, 10_040.0, 9_960.0, 10_040.0], "suspect_after_ms": 25_000,
            "spread_ms": 500.0, "stalled_ms": stalled_ms,
        });
        serde_json::from_value(verdict).unwrap()
    }

    #[test]
    fn a_verdict_reads_like_a_sentence() {
        assert_eq!(
            tell(&verdict("dead", Some("silence"), 0)),
            "payments/7 is dead since 2026-11-23T12:03:11.000Z. Last beat 1m00s earlier on \
             10.0.0.7:4711; beats usually came every 10.0 s ± 40 ms; a silence of 25.0s is \
             suspect, one of 1m00s is death; the connection was still open; this daemon did not \
             stall."
        );
        assert!(tell(&verdict("alive", None, 0)).starts_with("payments/7 is alive. Last beat"));
        let stalled = tell(&verdict("suspect", Some("closed"), 2500));
        assert!(stalled.contains("its connection was closed"), "{stalled}");
        assert!(
            stalled.ends_with("did not run for 2.5s, which is not counted."),
            "{stalled}"
        );
    }
}
