//! How a Rust client's session ends.

use carotid::{Client, ClientState};

use super::ground::{Ground, in_time, terms};

#[tokio::test]
async fn a_closed_client_has_left() {
    let mut ground = Ground::start().await;
    let client = Client::start(ground.client("payments/7")).unwrap();
    assert_eq!(ground.event().await, "opened payments/7");
    in_time(client.close()).await;
    assert_eq!(ground.event().await, "left payments/7 goodbye");
    assert_eq!(
        ground.driver.find("payments/7").unwrap().view.connections,
        0
    );
}

#[tokio::test]
async fn a_client_that_is_closed_at_once_was_there_and_has_left() {
    let mut ground = Ground::start().await;
    for _ in 0..20 {
        in_time(Client::start(ground.client("brief")).unwrap().close()).await;
        assert_eq!(ground.event().await, "opened brief");
        assert_eq!(ground.event().await, "left brief goodbye");
    }
}

#[tokio::test]
async fn a_client_that_nobody_answers_closes_too() {
    let ground = Ground::start().await;
    let mut config = ground.client("lonely");
    ground.shutdown.cancel();
    // Nobody listens on the discard port of this host.
    config.addresses = vec!["127.0.0.1:9".parse().unwrap()];
    let client = Client::start(config).unwrap();
    let mut state = client.state();
    let waiting = state.wait_for(|state| matches!(state, ClientState::Waiting { .. }));
    assert!(in_time(waiting).await.is_some());
    in_time(client.close()).await;
}

#[tokio::test]
async fn a_disconnected_client_is_closed() {
    let mut ground = Ground::start().await;
    let client = Client::start(ground.client("payments/7")).unwrap();
    assert_eq!(ground.event().await, "opened payments/7");
    in_time(client.disconnect()).await;
    assert_eq!(ground.event().await, "suspect payments/7 closed");
}

#[tokio::test]
async fn a_dropped_client_is_closed_and_dies_of_it() {
    let mut ground = Ground::with_terms(terms(50, 200)).await;
    let mut config = ground.client("payments/7");
    config.terms = terms(50, 200);
    let client = Client::start(config).unwrap();
    assert_eq!(ground.event().await, "opened payments/7");
    drop(client);
    assert_eq!(ground.event().await, "suspect payments/7 closed");
    assert_eq!(ground.event().await, "dead payments/7 closed");
}

#[tokio::test]
async fn a_client_asks_for_terms_of_its_own_and_gets_them() {
    let mut ground = Ground::start().await;
    let mut config = ground.client("payments/7");
    config.terms = terms(50, 200);
    let client = Client::start(config).unwrap();
    in_time(client.connected()).await;
    assert_eq!(ground.event().await, "opened payments/7");
    let view = ground.driver.find("payments/7").unwrap().view;
    assert_eq!(view.terms, terms(50, 200));
    // A second connection under the same name is the same session.
    let second = Client::start(ground.client("payments/7")).unwrap();
    in_time(second.connected()).await;
    assert_eq!(
        ground.driver.find("payments/7").unwrap().view.connections,
        2
    );
}
