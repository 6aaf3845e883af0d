//! What `carotid bench` is told.

use std::time::Duration;

use carotid::core::SessionName;
use carotid::{Address, SpanError};
use clap::Args;

use super::wire::Protocol;
use crate::args::DEFAULT_RPC;
use crate::output::Format;
use crate::span::Span;

/// More make the schedule's arithmetic overflow, and no machine answers them.
const MOST_PINGS_PER_SECOND: f64 = 1e9;

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// The server: HOST:PORT, unix:/PATH, or http://HOST:PORT behind Go's rpc.HandleHTTP
    #[arg(long, env = "CAROTID_ADDR", value_name = "ADDR", default_value = DEFAULT_RPC, value_parser = one_address)]
    pub(crate) addr: Address,

    /// What the connections do.
    #[command(flatten)]
    pub(crate) load: LoadArgs,

    /// How long to measure
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = some_time)]
    pub(crate) duration: Span,

    /// How long to ping before that
    #[arg(long, value_name = "DURATION", default_value = "1s")]
    pub(crate) warm_up: Span,

    /// How long to wait for a connection with its first answer, and at the end for the last answers
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = some_time)]
    pub(crate) call_timeout: Span,

    /// How many threads make the load; each has its share of the connections
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) threads: u32,

    /// The process whose CPU and memory to tell [default: on this machine, whoever serves the
    /// connections, if it may be seen]
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) server_pid: Option<u32>,

    /// How to print the report
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// How many connections to keep
    #[arg(long, value_name = "COUNT", default_value = "64", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) connections: u32,

    /// How many pings a connection has unanswered at a time, at most
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) in_flight: u32,

    /// How many names each connection beats, in turn
    #[arg(long, value_name = "COUNT", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) names: u32,

    /// How many pings a second on all connections together [default: flat out]
    #[arg(long, value_name = "PINGS/S", allow_negative_numbers = true, value_parser = some_rate)]
    pub(crate) rate: Option<f64>,

    /// What the names begin with: PREFIX/CONNECTION-NUMBER
    #[arg(long, value_name = "PREFIX", default_value = "bench")]
    pub(crate) prefix: String,

    /// What to call, with a name as its argument. Heartbeat.Ping must answer Pong, others anything
    /// but an error
    #[arg(long, value_name = "SERVICE.METHOD", default_value = super::plan::PING, value_parser = method)]
    pub(crate) method: String,

    /// Which of the protocols of net/rpc to speak
    #[arg(long, value_name = "PROTOCOL", default_value = "gob")]
    pub(crate) protocol: Protocol,
}

fn one_address(text: &str) -> Result<Address, String> {
    if text.contains(',') {
        return Err("these are several servers: give the one to put under load".to_owned());
    }
    text.parse()
        .map_err(|error: carotid::AddressError| error.to_string())
}

/// A duration in which something can happen.
fn some_time(text: &str) -> Result<Span, String> {
    let span: Span = text.parse().map_err(|error: SpanError| error.to_string())?;
    if span.0.is_zero() {
        return Err("nothing happens in no time: give more than 0s".to_owned());
    }
    if span.0 > Duration::from_secs(7 * 86_400) {
        return Err("that is more than a week: give 7d at most".to_owned());
    }
    Ok(span)
}

fn some_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text
        .parse()
        .map_err(|_| format!("{text:?} is not a number of pings a second: write 5000 or 0.5"))?;
    if rate == 0.0 {
        return Err("no pings measure nothing: give more than 0, or leave --rate out for as many as the server answers".to_owned());
    }
    if (1e-6..=MOST_PINGS_PER_SECOND).contains(&rate) {
        Ok(rate)
    } else {
        Err("a rate is between 0.000001 and 1000000000 pings a second".to_owned())
    }
}

fn method(text: &str) -> Result<String, String> {
    let named = text
        .rsplit_once('.')
        .is_some_and(|(service, method)| !service.is_empty() && !method.is_empty());
    if named && text.len() <= SessionName::MAX_BYTES {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} is not SERVICE.METHOD, for example {}",
            super::plan::PING
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_at_all_is_refused_with_a_way_out() {
        assert!(some_time("0s").unwrap_err().contains("more than 0s"));
        assert!(some_rate("0").unwrap_err().contains("leave --rate out"));
        for wrong in ["-1", "1e10", "NaN", "inf"] {
            assert!(some_rate(wrong).unwrap_err().contains("between"), "{wrong}");
        }
        assert!(some_rate("fast").unwrap_err().contains("write 5000"));
        assert_eq!(some_rate("0.5"), Ok(0.5));
        assert!(one_address("a:1,b:1").unwrap_err().contains("several"));
        assert!(method("Ping").unwrap_err().contains("Heartbeat.Ping"));
    }
}
