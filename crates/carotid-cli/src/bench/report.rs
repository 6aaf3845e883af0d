//! What was measured: as JSON, whose fields are a promise, and for people.

mod table;
mod whole;

use std::time::Duration;

use carotid::Address;
use hdrhistogram::Histogram;
use serde::Serialize;

use super::goodbye::Farewell;
use super::plan::Plan;
use super::process::Processes;
use super::ramp::Ramped;
use super::tally::Faults;
use super::wire::Protocol;
use super::worker::Outcome;
use whole::{Whole, percent, ratio};

/// A thread that runs, or waits for a core, for more of the time cannot be a better generator.
const BUSY: f64 = 95.0;

#[derive(Debug, Serialize)]
pub(super) struct Report {
    target: TargetSpoken,
    load: Load,
    ended: Ended,
    connecting: Connecting,
    measured_s: f64,
    throughput_per_s: f64,
    bytes_per_s: Traffic,
    latency_us: Option<Latency>,
    pings: Pings,
    errors: Vec<Fault>,
    server: Option<Server>,
    /// Why nothing is known of the server's process.
    server_unknown: Option<String>,
    generator: Generator,
    goodbye: Goodbye,
}

#[derive(Debug, Serialize)]
struct TargetSpoken {
    address: String,
    method: String,
    protocol: Protocol,
}

#[derive(Debug, Serialize)]
struct Load {
    connections: usize,
    in_flight: usize,
    names_per_connection: usize,
    /// None is flat out.
    rate_per_s: Option<f64>,
    threads: usize,
    warm_up_s: f64,
    duration_s: f64,
}

/// Why pinging ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Ended {
    /// Its time was over.
    Duration,
    Interrupted,
    /// No connection was left.
    Lost,
}

#[derive(Debug, Serialize)]
struct Connecting {
    took_ms: f64,
    retries: u64,
    /// At the end of the measurement.
    connections_left: usize,
}

#[derive(Debug, Serialize)]
struct Traffic {
    sent: f64,
    received: f64,
}

/// In microseconds.
#[derive(Debug, Serialize)]
struct Latency {
    since: Since,
    count: u64,
    mean: f64,
    min: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    p99_9: f64,
    max: f64,
}

/// From when on a ping's latency counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Since {
    Due,
    Sent,
}

/// Over the whole run, from the first connection on.
#[derive(Debug, Serialize)]
struct Pings {
    sent: u64,
    answered: u64,
    failed: u64,
    lost: u64,
    unanswered: u64,
    not_sent: u64,
}

#[derive(Debug, Serialize)]
struct Fault {
    kind: &'static str,
    count: u64,
    first: String,
    #[serde(skip)]
    words: &'static str,
}

#[derive(Debug, Serialize)]
struct Server {
    pids: Vec<u32>,
    name: String,
    cpu_us_per_ping: Option<f64>,
    cpu_percent: Option<f64>,
    resident_before_bytes: Option<u64>,
    resident_after_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Generator {
    cpu_us_per_ping: f64,
    cpu_percent: f64,
    busiest_thread_percent: f64,
    /// For how much of the time it was kept from running by others.
    busiest_thread_waited_percent: f64,
    is_bottleneck: bool,
    /// How late pings left although their connection was free; only with a rate.
    late_us: Option<Late>,
}

#[derive(Debug, Serialize)]
struct Late {
    p50: f64,
    p99: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct Goodbye {
    left: u64,
    unheard: u64,
    refusal: Option<String>,
}

/// What the server's process used between two looks at it.
#[derive(Clone, Debug)]
pub(super) struct Used {
    pub(super) processes: Processes,
    /// Processor time, the answers that came of it, and how long that took.
    pub(super) cpu: Option<(Duration, u64, Duration)>,
    pub(super) resident_before: Option<u64>,
    pub(super) resident_after: Option<u64>,
}

/// All that a report is made of.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    pub(super) target: &'a Address,
    pub(super) plan: &'a Plan,
    pub(super) rate: Option<f64>,
    pub(super) ramped: Vec<Ramped>,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) used: Result<Used, String>,
    pub(super) farewell: Farewell,
    pub(super) interrupted: bool,
}

impl Report {
    pub(super) fn new(findings: Findings<'_>) -> Self {
        let Findings { plan, .. } = findings;
        let whole = Whole::of(&findings.outcomes);
        let generator = generator(&findings, &whole);
        let (server, server_unknown) = match findings.used {
            Ok(used) => (Some(server(&used)), None),
            Err(why) => (None, Some(why)),
        };
        let ended = match (findings.interrupted, whole.up) {
            (true, _) => Ended::Interrupted,
            (false, 0) => Ended::Lost,
            (false, _) => Ended::Duration,
        };
        let since = if findings.rate.is_some() {
            Since::Due
        } else {
            Since::Sent
        };
        Self {
            target: TargetSpoken {
                address: findings.target.to_string(),
                method: plan.wording.method.clone(),
                protocol: plan.wording.protocol,
            },
            load: load(plan, findings.rate),
            ended,
            connecting: connecting(&findings.ramped, whole.up),
            measured_s: whole.measured.as_secs_f64(),
            throughput_per_s: whole.per_second(whole.window.answered),
            bytes_per_s: Traffic {
                sent: whole.per_second(whole.window.bytes_out),
                received: whole.per_second(whole.window.bytes_in),
            },
            latency_us: latency(&whole.latency, since),
            pings: Pings {
                sent: whole.counters.sent,
                answered: whole.counters.answered,
                failed: whole.counters.failed,
                lost: whole.counters.lost,
                unanswered: whole.unanswered,
                not_sent: whole.unsent,
            },
            errors: faults(&whole.faults),
            server,
            server_unknown,
            generator,
            goodbye: Goodbye {
                left: findings.farewell.left,
                unheard: findings.farewell.unheard,
                refusal: findings.farewell.refusal,
            },
        }
    }

    /// What went wrong, in a line.
    pub(super) fn failure(&self) -> Option<String> {
        let pings = &self.pings;
        let bad = pings.failed + pings.lost + pings.unanswered;
        let first = self.errors.first();
        match (first, bad) {
            (None, 0) => None,
            (None, bad) => Some(format!("{bad} of {} pings had no answer", pings.sent)),
            (Some(first), 0) => Some(format!("{} {}: {}", first.count, first.words, first.first)),
            (Some(first), bad) => Some(format!(
                "{bad} of {} pings had no good answer; the first reason: {}",
                pings.sent, first.first
            )),
        }
    }
}

fn load(plan: &Plan, rate: Option<f64>) -> Load {
    Load {
        connections: plan.connections,
        in_flight: plan.in_flight,
        names_per_connection: plan.names,
        rate_per_s: rate,
        threads: plan.threads,
        warm_up_s: plan.warm_up.as_secs_f64(),
        duration_s: plan.duration.as_secs_f64(),
    }
}

fn connecting(ramped: &[Ramped], connections_left: usize) -> Connecting {
    let took = ramped.iter().map(|ramped| ramped.took).max();
    Connecting {
        took_ms: took.unwrap_or_default().as_secs_f64() * 1e3,
        retries: ramped.iter().map(|ramped| ramped.retries).sum(),
        connections_left,
    }
}

fn latency(histogram: &Histogram<u64>, since: Since) -> Option<Latency> {
    if histogram.is_empty() {
        return None;
    }
    let at = |quantile| micros(histogram.value_at_quantile(quantile));
    Some(Latency {
        since,
        count: histogram.len(),
        mean: histogram.mean() / 1e3,
        min: micros(histogram.min()),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p99_9: at(0.999),
        max: micros(histogram.max()),
    })
}

fn faults(faults: &Faults) -> Vec<Fault> {
    let all = faults.iter().map(|(fault, count, first)| Fault {
        kind: fault.kind(),
        count,
        first: first.to_owned(),
        words: fault.words(),
    });
    all.collect()
}

fn server(used: &Used) -> Server {
    let pings = used.cpu.filter(|(_, pings, _)| *pings > 0);
    Server {
        pids: used.processes.ids().to_vec(),
        name: used.processes.name(),
        cpu_us_per_ping: pings.map(|(cpu, pings, _)| ratio(cpu.as_secs_f64() * 1e6, pings as f64)),
        cpu_percent: used.cpu.map(|(cpu, _, passed)| percent(cpu, passed)),
        resident_before_bytes: used.resident_before,
        resident_after_bytes: used.resident_after,
    }
}

fn generator(findings: &Findings<'_>, whole: &Whole) -> Generator {
    let replies = whole.window.answered + whole.window.failed;
    let late = &whole.tardiness;
    let at = |quantile| micros(late.value_at_quantile(quantile));
    Generator {
        cpu_us_per_ping: ratio(whole.cpu.as_secs_f64() * 1e6, replies as f64),
        cpu_percent: percent(whole.cpu, whole.measured),
        busiest_thread_percent: whole.busiest.running,
        busiest_thread_waited_percent: whole.busiest.waiting,
        is_bottleneck: whole.busiest.total() >= BUSY,
        late_us: findings.rate.map(|_| Late {
            p50: at(0.5),
            p99: at(0.99),
            max: micros(late.max()),
        }),
    }
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}
