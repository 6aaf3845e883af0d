//! Clients of several servers.

use std::time::Duration;

use carotid::{Address, Client, ClientConfig, ClientState, StartError};

use super::ground::{Ground, in_time, terms};
use super::relay::{Relay, grown_doubtful};

/// One server under two addresses, and a client that prefers the first.
struct Pair {
    ground: Ground,
    first: Relay,
    second: Relay,
}

impl Pair {
    async fn start() -> Self {
        let ground = Ground::start().await;
        let first = Relay::to(ground.address).await;
        let second = Relay::to(ground.address).await;
        Self {
            ground,
            first,
            second,
        }
    }

    fn config(&self) -> ClientConfig {
        let config = self.ground.client("payments/7");
        let addresses = [&self.first, &self.second].map(|relay| relay.address.into());
        ClientConfig {
            addresses: addresses.into(),
            ..config
        }
    }
}

async fn reached(client: &Client, relay: &Relay) {
    let wanted = Address::from(relay.address);
    let mut state = client.state();
    let there = state.wait_for(
        |state| matches!(state, ClientState::Connected { address, .. } if *address == wanted),
    );
    in_time(there).await.unwrap();
}

#[tokio::test]
async fn the_next_server_takes_over_and_the_first_is_preferred_at_the_next_loss() {
    let mut pair = Pair::start().await;
    pair.first.shut();
    let client = Client::start(pair.config()).unwrap();
    reached(&client, &pair.second).await;
    assert_eq!(pair.ground.event().await, "opened payments/7");
    pair.first.open();
    pair.second.cut();
    reached(&client, &pair.first).await;
    let counters = client.counters();
    assert_eq!((counters.reconnects, counters.failovers), (1, 1));
    assert!(counters.since_last_pong.is_some());
    // It is one session all along.
    assert_eq!(pair.ground.event().await, "suspect payments/7 closed");
    assert_eq!(pair.ground.event().await, "back payments/7");
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_without_another_try() {
    let pair = Pair::start().await;
    let config = ClientConfig {
        terms: terms(20, 60_000),
        // Another try of the first server would take this long.
        call_timeout: Duration::from_secs(3600),
        ping_timeout: Duration::from_millis(100),
        ..pair.config()
    };
    let client = Client::start(config).unwrap();
    reached(&client, &pair.first).await;
    pair.first.swallow_all();
    grown_doubtful(&client).await;
    // The beat under way would be waited for as long as any call; one that asks makes it a ping.
    let status = in_time(client.idempotent().call::<String>("Heartbeat.Check", "")).await;
    assert_eq!(status.unwrap(), "SERVING");
    reached(&client, &pair.second).await;
    assert_eq!(client.counters().failovers, 1);
}

#[tokio::test]
async fn what_became_of_each_server_is_told() {
    let pair = Pair::start().await;
    pair.first.shut();
    pair.second.shut();
    let client = Client::start(pair.config()).unwrap();
    let mut state = client.state();
    let waiting = state.wait_for(|state| matches!(state, ClientState::Waiting { .. }));
    let ClientState::Waiting { error, .. } = in_time(waiting).await.unwrap() else {
        panic!("it was waited for");
    };
    let said = error.to_string();
    for relay in [&pair.first, &pair.second] {
        assert!(said.contains(&relay.address.to_string()), "{said}");
    }
}

#[tokio::test]
async fn a_client_needs_a_server() {
    let pair = Pair::start().await;
    let error = Client::start(ClientConfig {
        addresses: Vec::new(),
        ..pair.config()
    });
    assert!(matches!(error, Err(StartError::NoAddress)));
}
