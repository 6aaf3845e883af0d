//! Many sessions over a few connections.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use carotid::core::{BreakerConfig, Config, Health};
use carotid::netrpc::{Client, Router};
use carotid::{Cursor, Driver, ServerConfig};
use tokio::task::JoinSet;

use super::ground::{Ground, in_time, terms};

const CONNECTIONS: usize = 4;
const SESSIONS: usize = 100_000;

/// Calls under way on each connection.
const DEPTH: usize = 64;

async fn name_all(address: SocketAddr) -> Vec<Arc<Client>> {
    let mut clients = Vec::new();
    let mut tasks = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let client = Arc::new(Client::dial(address).await.unwrap());
        clients.push(client.clone());
        for lane in 0..DEPTH {
            let client = client.clone();
            let first = connection * DEPTH + lane;
            tasks.spawn(async move {
                for index in (first..SESSIONS).step_by(CONNECTIONS * DEPTH) {
                    let name = format!("fleet/{index}");
                    let pong: String = client.call("Heartbeat.Ping", &name).await.unwrap();
                    assert_eq!(pong, "Pong");
                }
            });
        }
    }
    in_time(tasks.join_all()).await;
    clients
}

async fn count(driver: &Driver, health: Health) -> usize {
    let (mut total, mut cursor) = (0, Cursor::default());
    loop {
        let wanted = |view: &carotid::core::SessionView| view.health == health;
        let (page, next) = driver.list(cursor, 1000, wanted).await;
        total += page.len();
        match next {
            Some(next) => cursor = next,
            None => return total,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_silent_sessions_are_an_incident_and_each_die_exactly_once() {
    let terms = terms(2000, 8000);
    let config = ServerConfig {
        engine: Config {
            terms,
            ..Config::default()
        },
        breaker: BreakerConfig {
            releases_per_second: 100_000,
            ..BreakerConfig::default()
        },
        ..ServerConfig::default()
    };
    let mut ground = Ground::with(config, Router::new()).await;
    let (address, driver) = (ground.address, ground.driver.clone());
    let naming = tokio::spawn(name_all(address));
    let mut lives: HashMap<String, Vec<&str>> = HashMap::with_capacity(SESSIONS);
    let mut dead = 0;
    while dead < SESSIONS {
        for event in ground.events().await {
            let kind = event.kind.as_str();
            if kind == "dead" {
                dead += 1;
                assert!(terms.timeout() <= event.silent, "{event:?} is early");
            }
            lives.entry(event.name.to_string()).or_default().push(kind);
        }
    }
    let clients = naming.await.unwrap();
    // A busy machine may take longer to name them than the first are held for.
    let incidents = ground.incidents();
    assert!(!incidents.is_empty());
    assert_eq!(*incidents[0].services, ["fleet".into()]);
    assert_eq!(lives.len(), SESSIONS);
    for (name, life) in lives {
        assert_eq!(life, ["opened", "suspect", "dead"], "{name}");
    }
    assert_eq!(count(&driver, Health::Dead).await, SESSIONS);
    drop(clients);
}
