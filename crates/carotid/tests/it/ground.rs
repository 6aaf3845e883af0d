//! A server on a port of its own, and its events.

use std::net::SocketAddr;
use std::time::Duration;

use carotid::core::{Config, Event, Incident, Terms};
use carotid::netrpc::{Listener, Router};
use carotid::{ClientConfig, Driver, Happening, Server, ServerConfig, Subscription};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; stopped when dropped.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) address: SocketAddr,
    pub(crate) operations: SocketAddr,
    pub(crate) driver: Driver,
    pub(crate) shutdown: CancellationToken,
    pub(crate) served: JoinHandle<std::io::Result<()>>,
    events: Subscription,
    incidents: Vec<Incident>,
}

/// Patient enough for a busy machine, short enough to wait for.
pub(crate) fn terms(interval_ms: u64, timeout_ms: u64) -> Terms {
    let ms = Duration::from_millis;
    Terms::new(ms(interval_ms), ms(timeout_ms)).unwrap()
}

impl Ground {
    pub(crate) async fn start() -> Self {
        Self::with(ServerConfig::default(), Router::new()).await
    }

    pub(crate) async fn with_terms(terms: Terms) -> Self {
        let engine = Config {
            terms,
            ..Config::default()
        };
        let config = ServerConfig {
            engine,
            ..ServerConfig::default()
        };
        Self::with(config, Router::new()).await
    }

    pub(crate) async fn with(config: ServerConfig, router: Router) -> Self {
        let server = Server::new(config).unwrap().with_router(router);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listener = Listener::try_from(listener).unwrap();
        let operations = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let operations_address = operations.local_addr().unwrap();
        let driver = server.driver().clone();
        let shutdown = CancellationToken::new();
        let events = driver.hub().subscribe(Some(0));
        Self {
            address,
            driver,
            served: tokio::spawn(server.serve([listener], Some(operations), shutdown.clone())),
            operations: operations_address,
            shutdown,
            events,
            incidents: Vec::new(),
        }
    }

    /// Settings of a client for this server.
    pub(crate) fn client(&self, name: &str) -> ClientConfig {
        ClientConfig::new(self.address.into(), name.parse().unwrap())
    }

    /// The next event of a session: kind, name and cause.
    pub(crate) async fn event(&mut self) -> String {
        let event = loop {
            let batch = in_time(self.events.next(1)).await;
            // A busy machine may stall us.
            if let Some(event) = batch.records[0].what.event() {
                break event.clone();
            }
        };
        let cause = event.kind.cause().map_or("", |cause| cause.as_str());
        let text = format!("{} {} {cause}", event.kind.as_str(), event.name);
        text.trim_end().to_owned()
    }

    /// The incidents among the events that were taken.
    pub(crate) fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// As many of the next events as there are.
    pub(crate) async fn events(&mut self) -> Vec<Event> {
        let batch = in_time(self.events.next(10_000)).await;
        assert_eq!(batch.missed, 0);
        let happened = batch.records.iter().map(|record| &record.what);
        let incidents = happened.filter_map(Happening::incident).cloned();
        self.incidents.extend(incidents);
        let records = batch.records.iter();
        records
            .filter_map(|record| record.what.event())
            .cloned()
            .collect()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Waits, and gives up rather than hang.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.expect("it does not take this long")
}
