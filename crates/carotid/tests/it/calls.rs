//! Methods of one's own beside the heartbeat.

use std::time::Duration;

use carotid::core::Health;
use carotid::netrpc::{self, Router, ServerError};
use carotid::{Client, ServerConfig};

use super::ground::{Ground, in_time};

fn router() -> Router {
    let mut router = Router::new();
    let double = |number: i64| async move { Ok::<_, ServerError>(number * 2) };
    router.method("Math.Double", double).unwrap();
    router
}

#[tokio::test]
async fn calls_share_the_connection_with_the_beats() {
    let ground = Ground::with(ServerConfig::default(), router()).await;
    let client = Client::start(ground.client("payments/7")).unwrap();
    in_time(client.connected()).await;
    let doubled: i64 = in_time(client.call("Math.Double", &21i64)).await.unwrap();
    assert_eq!(doubled, 42);
    let view = ground.driver.find("payments/7").unwrap().view;
    assert_eq!((view.connections, view.health), (1, Health::Alive));
    assert!(view.beats >= 2, "the call is a beat too");
}

#[tokio::test]
async fn any_call_is_a_beat_of_the_sessions_that_its_connection_has_named() {
    let ground = Ground::with(ServerConfig::default(), router()).await;
    let client = netrpc::Client::dial(ground.address).await.unwrap();
    for name in ["a", "b"] {
        let pong: String = in_time(client.call("Heartbeat.Ping", name)).await.unwrap();
        assert_eq!(pong, "Pong");
    }
    let _doubled: i64 = in_time(client.call("Math.Double", &1i64)).await.unwrap();
    let unknown = in_time(client.call::<String>("Nobody.Home", "")).await;
    assert_eq!(
        unknown.unwrap_err().to_string(),
        "rpc: can't find service Nobody.Home"
    );
    for name in ["a", "b"] {
        assert_eq!(ground.driver.find(name).unwrap().view.beats, 3, "{name}");
    }
}

#[tokio::test]
async fn a_ping_without_a_name_is_named_after_its_connection() {
    let mut ground = Ground::start().await;
    let client = netrpc::Client::dial(ground.address).await.unwrap();
    for _ in 0..2 {
        let _pong: String = in_time(client.call("Heartbeat.Ping", "")).await.unwrap();
    }
    assert_eq!(ground.event().await, "opened conn/1");
    assert_eq!(ground.driver.find("conn/1").unwrap().view.beats, 2);
}

#[tokio::test]
async fn a_check_opens_no_session() {
    let ground = Ground::start().await;
    let asked = carotid::check::ask(&ground.address.into(), Duration::from_secs(30)).await;
    assert!(asked.unwrap().is_serving());
    assert_eq!(ground.driver.hub().last_seq(), 0);
}
