//! What is to be done, checked before anything is begun.

use std::time::Duration;

use anyhow::anyhow;
use carotid::Address;
use carotid::core::SessionName;

use super::args::BenchArgs;
use super::opening;
use super::wire::{Protocol, Request};
use crate::exit::Exit;

/// The method whose answer is known.
pub(super) const PING: &str = "Heartbeat.Ping";

/// Requests that are written ahead, at some hundred bytes each.
const MOST_NAMES: u64 = 8_000_000;

/// Pings that may be on their way, at two dozen bytes each.
const MOST_IN_FLIGHT: u64 = 64_000_000;

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) connections: usize,
    pub(super) in_flight: usize,
    /// On each connection.
    pub(super) names: usize,
    /// Picoseconds from one ping to the next; none is flat out.
    pub(super) period_ps: Option<u128>,
    pub(super) warm_up: Duration,
    pub(super) duration: Duration,
    pub(super) call_timeout: Duration,
    pub(super) threads: usize,
    pub(super) wording: Wording,
}

/// What is said to the server.
#[derive(Debug)]
pub(super) struct Wording {
    pub(super) protocol: Protocol,
    pub(super) method: String,
    prefix: String,
    /// What a server behind HTTP is asked first.
    pub(super) request: Option<Vec<u8>>,
}

impl Plan {
    pub(super) fn new(args: &BenchArgs) -> Result<Self, Exit> {
        let load = &args.load;
        check_size(load.connections, load.names, "names", MOST_NAMES)?;
        check_size(
            load.connections,
            load.in_flight,
            "pings in flight",
            MOST_IN_FLIGHT,
        )?;
        let request = if let Address::Http { path, .. } = &args.addr {
            Some(opening::request(path))
        } else {
            None
        };
        let wording = Wording {
            protocol: load.protocol,
            method: load.method.clone(),
            prefix: load.prefix.clone(),
            request,
        };
        let count = |number: u32| usize::try_from(number).expect("this is a machine of 32 bits");
        let (connections, names) = (count(load.connections), count(load.names));
        let longest = wording.name(connections - 1, names - 1);
        longest.parse::<SessionName>().map_err(|error| {
            Exit::settings(error)
                .context(format!("the name {longest:?} is none"))
                .advise("Choose another --prefix.")
        })?;
        Ok(Self {
            connections,
            in_flight: count(load.in_flight),
            names,
            period_ps: load.rate.map(period_ps),
            warm_up: args.warm_up.0,
            duration: args.duration.0,
            call_timeout: args.call_timeout.0,
            threads: count(args.threads).min(connections),
            wording,
        })
    }

    /// How long a name is silent between two of its pings, if that is known beforehand.
    pub(super) fn silence(&self) -> Option<Duration> {
        let names = u128::try_from(self.connections * self.names).ok()?;
        let nanos = self.period_ps?.saturating_mul(names) / 1000;
        Some(Duration::from_nanos(
            u64::try_from(nanos).unwrap_or(u64::MAX),
        ))
    }
}

impl Wording {
    /// The name that a connection's n-th pings beat.
    pub(super) fn name(&self, connection: usize, n: usize) -> String {
        format!("{}/{connection}-{n}", self.prefix)
    }

    /// The requests of a connection, in turn.
    pub(super) fn requests(&self, connection: usize, names: usize) -> Box<[Request]> {
        let request = |n| {
            self.protocol
                .request(&self.method, &self.name(connection, n))
        };
        (0..names).map(request).collect()
    }

    /// Whether answers other than Pong are wrong.
    pub(super) fn expects_pong(&self) -> bool {
        self.method == PING
    }
}

fn check_size(connections: u32, each: u32, what: &str, most: u64) -> Result<(), Exit> {
    let all = u64::from(connections) * u64::from(each);
    if all <= most {
        return Ok(());
    }
    let why = anyhow!(
        "{connections} connections with {each} {what} each are {all}, and {most} are the most that are kept in memory"
    );
    Err(Exit::settings(why)
        .advise("Take fewer of one, or run several of carotid bench with a --prefix each."))
}

/// A rate is above zero here, and far below what would round to nothing.
fn period_ps(rate: f64) -> u128 {
    let thousandths = Duration::try_from_secs_f64(1000.0 / rate);
    thousandths.unwrap_or(Duration::MAX).as_nanos().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_period() {
        assert_eq!(period_ps(1.0), 1_000_000_000_000);
        assert_eq!(period_ps(1e9), 1000);
        assert_eq!(period_ps(0.5), 2_000_000_000_000);
    }

    #[test]
    fn more_than_memory_holds_is_refused_with_the_arithmetic() {
        let refused = check_size(1_000_000, 9, "names", MOST_NAMES).unwrap_err();
        let said = format!("{refused:?}");
        assert!(
            said.contains("9000000") && said.contains("8000000"),
            "{said}"
        );
        assert!(check_size(1_000_000, 8, "names", MOST_NAMES).is_ok());
    }
}
