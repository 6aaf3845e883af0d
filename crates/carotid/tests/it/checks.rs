//! Health as monitors outside ask for it.

use carotid::core::{Config, Vitals};
use carotid::netrpc::{PeerAddr, Router};
use carotid::{ServerConfig, SessionKey};
use std::time::Duration;

use super::ground::{Ground, terms};
use super::http::{Answer, get};

const JSON: &str = "Accept: application/health+json";

async fn with_two_needed() -> Ground {
    let mut config = ServerConfig {
        engine: Config {
            terms: terms(50, 200),
            ..Config::default()
        },
        ..ServerConfig::default()
    };
    let needs = config.services.entry("payments".into()).or_default();
    needs.min_alive = 2;
    Ground::with(config, Router::new()).await
}

/// A session with patience.
fn open(ground: &Ground, name: &str) -> SessionKey {
    let peer = PeerAddr::Unix { pid: None };
    let patient = Some(terms(60_000, 600_000));
    let opened = ground.driver.open(name.parse().unwrap(), patient, peer);
    opened.unwrap().0
}

async fn is(ground: &Ground, path: &str, status: u16, text: &str) -> Answer {
    let answer = get(ground, path, &[]).await;
    assert_eq!((answer.status, &*answer.body), (status, text), "{path}");
    assert!(
        answer.head.contains("cache-control: no-store"),
        "{answer:?}"
    );
    assert!(
        answer.head.contains("content-type: text/plain"),
        "{answer:?}"
    );
    answer
}

#[tokio::test]
async fn a_service_is_as_well_as_enough_of_its_sessions_are() {
    let mut ground = with_two_needed().await;
    is(
        &ground,
        "/health/payments",
        503,
        "fail: 0 of the 2 needed alive\n",
    )
    .await;
    let _one = open(&ground, "payments/1");
    let two = open(&ground, "payments/2");
    is(&ground, "/health/payments", 200, "pass: 2 alive\n").await;
    // A third that is suspect is a warning, and only a strict one is refused.
    let peer = PeerAddr::Unix { pid: None };
    let third = "payments/3".parse().unwrap();
    ground
        .driver
        .open(third, Some(terms(50, 60_000)), peer)
        .unwrap();
    for event in [
        "opened payments/1",
        "opened payments/2",
        "opened payments/3",
    ] {
        assert_eq!(ground.event().await, event);
    }
    assert_eq!(ground.event().await, "suspect payments/3 silence");
    let said = "warn: 2 of 3 alive; 1 suspect\n";
    is(&ground, "/health/payments", 200, said).await;
    is(&ground, "/health/payments?strict", 503, said).await;
    ground.driver.close(two).unwrap();
    let said = "fail: 1 of the 2 needed alive; 1 suspect\n";
    is(&ground, "/health/payments", 503, said).await;
}

#[tokio::test]
async fn a_session_is_judged_by_itself() {
    let mut ground = with_two_needed().await;
    let key = open(&ground, "shop/front/7");
    let answer = get(&ground, "/health/shop/front/7", &[]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.starts_with("pass: alive since "), "{answer:?}");
    assert_eq!(
        get(&ground, "/health/shop%2Ffront%2F7", &[]).await.status,
        200
    );
    // It beats and does nothing else.
    let stuck = Vitals {
        progress: Some(Duration::from_secs(3600)),
    };
    let beats = ground.driver.find("shop/front/7").unwrap().view.beats;
    ground.driver.revise(key, terms(10, 60_000)).unwrap();
    while !ground.driver.find("shop/front/7").unwrap().view.wedged {
        ground.driver.beat(key, stuck, None).unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(beats < ground.driver.find("shop/front/7").unwrap().view.beats);
    let answer = get(&ground, "/health/shop/front/7", &[]).await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.body.starts_with("fail: alive, but wedged"),
        "{answer:?}"
    );
    // The service says the same.
    assert_eq!(get(&ground, "/health/shop", &[]).await.status, 503);
    let peer = PeerAddr::Unix { pid: None };
    ground
        .driver
        .open("shop/8".parse().unwrap(), None, peer)
        .unwrap();
    while ground.event().await != "dead shop/8 silence" {}
    let answer = get(&ground, "/health/shop/8", &[]).await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.starts_with("fail: dead since "), "{answer:?}");
    assert!(answer.body.ends_with(" UTC, silence\n"), "{answer:?}");
}

#[tokio::test]
async fn whoever_asks_for_json_gets_that_of_the_draft() {
    let ground = with_two_needed().await;
    let _one = open(&ground, "payments/1");
    let answer = get(&ground, "/health/payments", &[JSON]).await;
    assert_eq!(answer.status, 503);
    assert!(
        answer
            .head
            .contains("content-type: application/health+json"),
        "{answer:?}"
    );
    assert!(answer.head.contains("vary: accept"), "{answer:?}");
    let check: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(check["status"], "fail");
    assert_eq!(check["serviceId"], "payments");
    assert_eq!(check["output"], "1 of the 2 needed alive");
    let alive = &check["checks"]["sessions:alive"][0];
    assert_eq!(
        (&alive["observedValue"], &alive["status"]),
        (&1.into(), &"fail".into())
    );
    let answer = get(&ground, "/health/payments/1", &[JSON]).await;
    let check: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (&check["status"], &check["version"]),
        (&"pass".into(), &"1".into())
    );
    assert!(check.get("output").is_none() && check["notes"][0].is_string());
    assert_eq!(check["checks"]["beats:silence"][0]["observedUnit"], "ms");
}

#[tokio::test]
async fn whoever_is_not_known_is_not_found() {
    let ground = Ground::start().await;
    for path in ["/health/nobody", "/health/nobody/1"] {
        assert_eq!(get(&ground, path, &[]).await.status, 404, "{path}");
    }
    assert_eq!(get(&ground, "/health/%FF", &[]).await.status, 400);
}

#[tokio::test]
async fn a_badge_is_a_picture_that_is_asked_for_anew_each_time() {
    let ground = with_two_needed().await;
    let unknown = get(&ground, "/badge/nobody.svg", &[]).await;
    assert_eq!(unknown.status, 200);
    assert!(
        unknown.body.contains("<title>nobody: unknown</title>"),
        "{unknown:?}"
    );
    let failing = get(&ground, "/badge/payments.svg", &[]).await;
    assert!(failing.body.contains(">fail 0/2</text>"), "{failing:?}");
    assert!(
        failing.head.contains("content-type: image/svg+xml"),
        "{failing:?}"
    );
    assert!(
        failing.head.contains("cache-control: no-cache"),
        "{failing:?}"
    );
    let tag = failing
        .head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .unwrap();
    let known = format!("If-None-Match: {tag}");
    let same = get(&ground, "/badge/payments.svg", &[&known]).await;
    assert_eq!((same.status, &*same.body), (304, ""));
    let _sessions = ["payments/1", "payments/2"].map(|name| open(&ground, name));
    let passing = get(&ground, "/badge/payments.svg", &[&known]).await;
    assert_eq!(passing.status, 200);
    assert!(passing.body.contains(">pass</text>"), "{passing:?}");
    assert_eq!(get(&ground, "/badge/payments.png", &[]).await.status, 404);
}
