//! Minutes under a crowd of peers: does the server answer each call, and does it stay as it is?
//!
//! `churn` is all coming and going; `soak` holds many connections while others come and go. The
//! server is a process of its own; the crowd is one thread with one epoll set.

mod crowd;
mod peer;
mod replies;
mod series;
mod tally;
mod visitor;
mod warm;

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use self::crowd::{Crowd, Pace};
use self::series::Series;
use super::contender::Programs;
use super::process::Server;
use super::table::Section;
use crate::clock::settle;

/// Visitors a second when nothing else happens.
const CHURN: u32 = 500;

/// How the daemon runs: sessions end soon after their connections, and as many as are remembered
/// are soon there. A visitor's silence is no mass silence.
const SETTINGS: [&str; 10] = [
    "--interval",
    "3s",
    "--timeout",
    "12s",
    "--max-sessions",
    "65536",
    // All sessions of the warm-up at their own pace.
    "--beats-per-second",
    "100000",
    "--mass-silence-share",
    "1",
];

/// How often each steady peer pings.
const PERIOD: Duration = Duration::from_secs(3);

/// For how long, and of what.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Extent {
    /// For churn and soak: how long [default: 10 for churn, 5 for soak].
    #[arg(long)]
    minutes: Option<f64>,
    /// For soak: how many connections keep pinging.
    #[arg(long, default_value_t = 15_000)]
    connections: usize,
    /// For churn and soak: how many others connect in a second, ping, and go [default: 500 for
    /// churn, 100 for soak].
    #[arg(long, value_name = "PER_SECOND")]
    churn: Option<u32>,
}

/// One endurance run.
#[derive(Debug)]
struct Run {
    name: &'static str,
    steady: usize,
    visitors: u32,
    duration: Duration,
    samples: Duration,
}

/// Connections that come and go, and nothing else.
pub(crate) fn churn(programs: &Programs, extent: &Extent, quick: bool) -> anyhow::Result<Section> {
    let visitors = extent.churn.unwrap_or(CHURN);
    Run::new("churn", 0, visitors, extent.minutes.unwrap_or(10.0), quick).measure(programs)
}

/// Connections that stay, and others that come and go.
pub(crate) fn soak(programs: &Programs, extent: &Extent, quick: bool) -> anyhow::Result<Section> {
    let visitors = extent.churn.unwrap_or(100);
    let minutes = extent.minutes.unwrap_or(5.0);
    Run::new("soak", extent.connections, visitors, minutes, quick).measure(programs)
}

impl Run {
    fn new(name: &'static str, steady: usize, visitors: u32, minutes: f64, quick: bool) -> Self {
        let duration = if quick {
            Duration::from_millis(4500)
        } else {
            Duration::from_secs_f64(60.0 * minutes)
        };
        Self {
            name,
            steady,
            visitors,
            duration,
            samples: Duration::from_millis(if quick { 250 } else { 2000 }),
        }
    }

    fn measure(&self, programs: &Programs) -> anyhow::Result<Section> {
        let mut command = Command::new(programs.xtask.with_file_name("carotid"));
        command
            .args([
                "serve",
                "--data",
                "none",
                "--listen",
                "127.0.0.1:0",
                "--http",
                "127.0.0.1:0",
            ])
            .args(SETTINGS);
        let server = Server::start(&mut command)?;
        warm::fill(&server)?;
        settle(Duration::from_secs(1));
        let alone = server.descriptors()?;

        let pace = Pace {
            period: PERIOD,
            visitors: self.visitors,
        };
        let mut crowd = Crowd::gather(server.address(), self.steady, pace)?;
        let mut series = Series::new(self.visitors);
        let mut at = Duration::ZERO;
        series.sample(at, &server)?;
        while at < self.duration {
            let next = self.samples.min(self.duration - at);
            crowd.run(next)?;
            at += next;
            series.sample(at, &server)?;
        }
        crowd.settle()?;
        let (alive, _) = sessions(&server, "steady")?;
        let mut tally = crowd.leave();
        let left_open = descriptors_left(&server, alone)?;
        server.end()?;

        let checks = [
            (tally.is_clean(), "calls or connections were lost"),
            (
                alive == self.steady as u64,
                "a steady session was taken for dead",
            ),
            (series.is_flat(), "the server grew"),
            (left_open == 0, "descriptors are open that nobody uses"),
        ];
        let failed = checks.iter().find(|(passed, _)| !passed);
        let verdict = failed.map_or_else(
            || "passed".to_owned(),
            |(_, failure)| format!("FAILED: {failure}"),
        );
        let text = format!(
            "{}\n\n| | |\n|---|---|\n{}{}\
             | steady sessions alive at the end | {alive} of {} |\n\
             | descriptors left open after all have gone | {left_open} |\n\
             | verdict | {verdict} |\n",
            self.says(),
            tally.rows(),
            series.rows(),
            self.steady,
        );
        Ok(Section {
            name: self.name,
            text,
            passed: failed.is_none(),
        })
    }

    fn says(&self) -> String {
        let steady = match self.steady {
            0 => String::new(),
            steady => format!(
                "{steady} connections that ping every {} s, and ",
                PERIOD.as_secs()
            ),
        };
        format!(
            "{:.1} minutes of {steady}{} connections a second that ping and go \
             (`serve {}`).",
            self.duration.as_secs_f64() / 60.0,
            self.visitors,
            SETTINGS.join(" "),
        )
    }
}

/// How many sessions of a service the server believes to be alive, and how many it suspects.
fn sessions(server: &Server, service: &str) -> anyhow::Result<(u64, u64)> {
    let service = server.ask(&format!("/api/v1/services/{service}"))?;
    // A service without sessions need not be known.
    let count = |field: &str| service.get(field).and_then(Value::as_u64).unwrap_or(0);
    let suspect = count("suspect");
    Ok((count("sessions").saturating_sub(suspect), suspect))
}

/// How many more descriptors are open than before anybody connected, once no more are being closed.
fn descriptors_left(server: &Server, alone: usize) -> anyhow::Result<usize> {
    let mut left = usize::MAX;
    for _ in 0..50 {
        left = server.descriptors()?.saturating_sub(alone);
        if left == 0 {
            break;
        }
        settle(Duration::from_millis(100));
    }
    Ok(left)
}
