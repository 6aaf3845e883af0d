//! How a Rust client's session ends.

use carotid::Client;

use super::ground::{Ground, in_time, terms};

#[tokio::test]
async fn a_closed_client_has_left() {
    let mut ground = Ground::start().await;
    let client = Client::start(ground.client("payments/7"));
    assert_eq!(ground.event().await, "opened payments/7");
    in_time(client.close()).await;
    assert_eq!(ground.event().await, "left payments/7 goodbye");
    assert_eq!(
        ground.driver.find("payments/7").unwrap().view.connections,
        0
    );
}

#[tokio::test]
async fn a_dropped_client_is_closed_and_dies_of_it() {
    let mut ground = Ground::with_terms(terms(50, 200)).await;
    let mut config = ground.client("payments/7");
    config.terms = terms(50, 200);
    let client = Client::start(config);
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
    let client = Client::start(config);
    in_time(client.connected()).await;
    assert_eq!(ground.event().await, "opened payments/7");
    let view = ground.driver.find("payments/7").unwrap().view;
    assert_eq!(view.terms, terms(50, 200));
    // A second connection under the same name is the same session.
    let second = Client::start(ground.client("payments/7"));
    in_time(second.connected()).await;
    assert_eq!(
        ground.driver.find("payments/7").unwrap().view.connections,
        2
    );
}
