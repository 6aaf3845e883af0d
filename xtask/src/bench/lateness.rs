//! How late the driver is when a million sessions die on its clock, with its locks, tasks and log.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use carotid::core::{BreakerConfig, Config, EventKind, Terms};
use carotid::netrpc::Listener;
use carotid::{Driver, Server, ServerConfig, Subscription};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::table::Line;

const SESSIONS: u32 = 1_000_000;
const INTERVAL: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(15);
/// Sessions opened between two pauses.
const AT_ONCE: u32 = 1000;

/// Opens the sessions evenly over `spread`, lets them die, and reads how late each death was.
pub(crate) fn measure(spread: Duration) -> anyhow::Result<Vec<Line>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let mut late = runtime.block_on(deaths(spread))?;
    late.sort();
    let seen = late.len();
    let at = |per_mille: usize| {
        let rank = (seen * per_mille / 1000).min(seen.saturating_sub(1));
        late.get(rank).map(|late| late.as_secs_f64() * 1e3)
    };
    let seconds = spread.as_secs();
    let line = |what: &str, figure| Line {
        what: format!(
            "lateness in the driver, 1 M sessions, deadlines spread over {seconds} s, {what}"
        ),
        unit: "ms",
        carotid: figure,
        ..Line::default()
    };
    Ok(vec![
        line("median", at(500)),
        line("p99.9", at(999)),
        line("most", at(1000)),
    ])
}

async fn deaths(spread: Duration) -> anyhow::Result<Vec<Duration>> {
    let terms = Terms::new(INTERVAL, TIMEOUT)?;
    let server = Server::new(ServerConfig {
        engine: Config {
            terms,
            max_sessions: 2 * SESSIONS,
            ..Config::default()
        },
        // Not mass silence, which would hold them.
        breaker: BreakerConfig {
            share: 1.0,
            ..BreakerConfig::default()
        },
        ..ServerConfig::default()
    })?;
    let driver = server.driver().clone();
    let events = driver.hub().subscribe(Some(0));
    let shutdown = CancellationToken::new();
    let listener = Listener::bind_tcp("127.0.0.1:0")?;
    let served = tokio::spawn(server.serve([listener], None, shutdown.clone()));
    let read = tokio::spawn(read(events));
    open_all(&driver, spread).await?;
    let late = read.await.context("the reader of events failed")?;
    shutdown.cancel();
    served.await.context("the server failed")??;
    Ok(late)
}

async fn open_all(driver: &Driver, spread: Duration) -> anyhow::Result<()> {
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let start = Instant::now();
    for first in (0..SESSIONS).step_by(AT_ONCE as usize) {
        sleep_until(start + spread * first / SESSIONS).await;
        for number in first..first + AT_ONCE {
            driver.open(format!("bench/{number:08}").parse()?, None, peer)?;
        }
    }
    Ok(())
}

/// How long after its deadline each death was concluded.
async fn read(mut events: Subscription) -> Vec<Duration> {
    let mut late = Vec::with_capacity(SESSIONS as usize);
    let mut missed = 0;
    while late.len() + missed < SESSIONS as usize {
        let batch = events.next(1000).await;
        missed += usize::try_from(batch.missed).unwrap_or(usize::MAX);
        let events = batch
            .records
            .iter()
            .filter_map(|record| record.what.event());
        let dead = events.filter(|event| matches!(event.kind, EventKind::Dead { .. }));
        late.extend(dead.map(|event| event.silent.saturating_sub(TIMEOUT)));
    }
    if missed > 0 {
        eprintln!("{missed} events could not be read in time and are not counted");
    }
    late
}
