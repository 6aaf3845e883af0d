//! Connections that we end, and what that says of the session.

use carotid::core::Health;
use carotid::netrpc::Client;

use super::ground::{Ground, in_time, terms};

#[tokio::test]
async fn a_connection_that_is_silent_for_the_timeout_is_closed_and_its_session_died_of_silence() {
    let mut ground = Ground::with_terms(terms(50, 200)).await;
    let client = Client::dial(ground.address).await.unwrap();
    let _pong: String = in_time(client.call("Heartbeat.Ping", "a")).await.unwrap();
    in_time(client.closed()).await;
    assert_eq!(ground.event().await, "opened a");
    assert_eq!(ground.event().await, "suspect a silence");
    assert_eq!(ground.event().await, "dead a silence");
}

#[tokio::test]
async fn a_session_with_a_longer_timeout_keeps_its_connection_for_as_long() {
    let mut ground = Ground::with_terms(terms(50, 200)).await;
    let mut config = ground.client("patient");
    config.terms = terms(1000, 60_000);
    let patient = carotid::Client::start(config).unwrap();
    in_time(patient.connected()).await;
    assert_eq!(ground.event().await, "opened patient");
    // A short-lived one dies meanwhile, several of its own timeouts later than the first.
    for _life in 0..3 {
        let short = Client::dial(ground.address).await.unwrap();
        let _pong: String = in_time(short.call("Heartbeat.Ping", "short"))
            .await
            .unwrap();
        in_time(short.closed()).await;
    }
    let view = ground.driver.find("patient").unwrap().view;
    assert_eq!((view.health, view.connections), (Health::Alive, 1));
}
