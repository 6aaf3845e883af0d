//! Beats over HTTP, as scripts send them.

use std::fmt::Write as _;

use carotid::ServerConfig;
use carotid::core::{Config, Health};
use carotid::netrpc::Router;

use super::ground::{Ground, in_time, terms};
use super::http::{Answer, send};

/// Sends one request, as curl would.
async fn ask(ground: &Ground, request: &str, headers: &[&str], body: &str) -> Answer {
    let mut text = format!("{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for header in headers {
        write!(text, "{header}\r\n").unwrap();
    }
    if !body.is_empty() {
        write!(text, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    write!(text, "\r\n{body}").unwrap();
    send(ground, &text).await
}

/// The status alone.
async fn status(ground: &Ground, request: &str) -> u16 {
    ask(ground, request, &[], "").await.status
}

#[tokio::test]
async fn a_script_is_a_session_and_its_silence_is_found_out() {
    let mut ground = Ground::start().await;
    let answer = ask(
        &ground,
        "GET /beat/cron/1?interval=50ms&timeout=200ms",
        &[],
        "",
    )
    .await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
    assert!(
        answer.head.contains("cache-control: no-store"),
        "{}",
        answer.head
    );
    assert_eq!(ground.event().await, "opened cron/1");
    assert_eq!(ground.event().await, "suspect cron/1 silence");
    assert_eq!(status(&ground, "POST /beat/cron/1").await, 200);
    assert_eq!(ground.event().await, "back cron/1");
    assert_eq!(ground.event().await, "suspect cron/1 silence");
    assert_eq!(ground.event().await, "dead cron/1 silence");
    // What it asked for in its last life holds in the next.
    assert_eq!(status(&ground, "POST /beat/cron/1/start").await, 200);
    assert_eq!(ground.event().await, "opened cron/1");
    let watched = ground.driver.find("cron/1").unwrap();
    assert_eq!((watched.view.epoch, watched.view.connections), (2, 0));
    assert_eq!(watched.view.terms, terms(50, 200));
}

#[tokio::test]
async fn a_failure_is_death_at_once_and_a_goodbye_is_none() {
    let mut ground = Ground::start().await;
    assert_eq!(status(&ground, "POST /beat/job/start").await, 200);
    assert_eq!(status(&ground, "POST /beat/job/fail").await, 200);
    assert_eq!(status(&ground, "POST /beat/job").await, 200);
    assert_eq!(status(&ground, "POST /beat/job/left").await, 200);
    // It has left already, and a script need not know.
    assert_eq!(status(&ground, "POST /beat/job/left").await, 200);
    assert_eq!(status(&ground, "POST /beat/new/fail").await, 200);
    assert_eq!(status(&ground, "POST /beat/nobody/left").await, 404);
    // Who has died cannot leave any more, and is told so.
    assert_eq!(status(&ground, "POST /beat/late/fail").await, 200);
    let answer = ask(&ground, "POST /beat/late/left", &[], "").await;
    let told = (answer.status, answer.body.as_str());
    assert_eq!(told, (200, "it was dead already, and stays so\n"));
    for event in [
        "opened job",
        "dead job failed",
        "opened job",
        "left job goodbye",
        "opened new",
        "dead new failed",
    ] {
        assert_eq!(ground.event().await, event);
    }
}

#[tokio::test]
async fn who_failed_and_fails_again_is_still_dead() {
    let mut ground = Ground::start().await;
    for _night in 0..3 {
        assert_eq!(status(&ground, "POST /beat/cron/fail").await, 200);
    }
    assert_eq!(status(&ground, "POST /beat/cron").await, 200);
    for event in ["opened cron", "dead cron failed", "opened cron"] {
        assert_eq!(ground.event().await, event);
    }
}

#[tokio::test]
async fn a_json_reader_sees_the_session() {
    let ground = Ground::start().await;
    let json = ["Accept: application/json"];
    let answer = ask(&ground, "GET /beat/%E5%AE%A2/a%2Fb", &json, "").await;
    let session: carotid::api::Session = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (session.name.as_str(), &*session.health),
        ("客/a/b", "alive")
    );
    assert!(session.peer.unwrap().starts_with("127.0.0.1:"));
}

#[tokio::test]
async fn a_name_may_end_in_a_word_with_its_slash_encoded() {
    let mut ground = Ground::start().await;
    assert_eq!(status(&ground, "POST /beat/job%2Fleft").await, 200);
    assert_eq!(ground.event().await, "opened job/left");
    assert_eq!(status(&ground, "POST /beat/job%2Fleft/left").await, 200);
    assert_eq!(ground.event().await, "left job/left goodbye");
    assert_eq!(status(&ground, "POST /beat/left").await, 200);
    assert_eq!(ground.event().await, "opened left");
}

#[tokio::test]
async fn what_is_no_beat_changes_nothing_and_says_why() {
    let mut ground = Ground::start().await;
    for (request, headers, expected, why) in [
        ("HEAD /beat/a", "", 405, ""),
        ("PUT /beat/a", "", 405, "POST"),
        ("POST /beat/a?interval=10", "", 400, "10s"),
        (
            "POST /beat/a?interval=1h",
            "",
            400,
            "two intervals (2 × 3600s = 7200s)",
        ),
        ("POST /beat/a?interval=1ms&timeout=1s", "", 400, "10ms"),
        ("POST /beat/a?interval=1h&timeout=25h", "", 400, "24 hours"),
        ("POST /beat/a?every=1h", "", 400, "every"),
        ("POST /beat/a%00", "", 400, "U+0000"),
        ("POST /beat/%ff", "", 400, "UTF-8"),
        ("POST /beat//start", "", 400, "empty"),
        (
            "POST /beat/a",
            "Origin: https://elsewhere.example",
            403,
            "Origin",
        ),
        (
            "GET /beat/a",
            "Sec-Fetch-Site: cross-site",
            403,
            "Sec-Fetch-Site",
        ),
        (
            "POST /beat/a/left",
            "Sec-Fetch-Site: same-site",
            403,
            "web pages",
        ),
        (
            "GET /beat/a/fail",
            "User-Agent: Mozilla/5.0 (X11)",
            403,
            "POST",
        ),
    ] {
        let headers: Vec<_> = [headers]
            .into_iter()
            .filter(|one| !one.is_empty())
            .collect();
        let answer = ask(&ground, request, &headers, "").await;
        assert_eq!(answer.status, expected, "{request}: {}", answer.body);
        assert!(answer.body.contains(why), "{request}: {}", answer.body);
    }
    let answer = ask(&ground, "POST /beat/a", &[], &"x".repeat(20_000)).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    assert_eq!(
        ask(&ground, "POST /beat/b", &[], "all is well")
            .await
            .status,
        200
    );
    assert_eq!(ground.event().await, "opened b");
}

#[tokio::test]
async fn a_full_table_asks_to_come_later() {
    let config = ServerConfig {
        engine: Config {
            max_sessions: 1,
            ..Config::default()
        },
        ..ServerConfig::default()
    };
    let ground = Ground::with(config, Router::new()).await;
    assert_eq!(status(&ground, "POST /beat/a").await, 200);
    let answer = ask(&ground, "POST /beat/b", &[], "").await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    assert_eq!(status(&ground, "POST /beat/a").await, 200);
}

#[tokio::test]
async fn a_session_that_a_connection_carries_leaves_on_that() {
    let mut ground = Ground::start().await;
    let client = carotid::Client::start(ground.client("both")).unwrap();
    assert_eq!(ground.event().await, "opened both");
    assert_eq!(status(&ground, "POST /beat/both").await, 200);
    assert_eq!(status(&ground, "POST /beat/both/left").await, 200);
    let view = ground.driver.find("both").unwrap().view;
    assert_eq!((view.health, view.connections), (Health::Alive, 1));
    in_time(client.close()).await;
    assert_eq!(ground.event().await, "left both goodbye");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_accused_while_a_blocked_runtime_reads_nothing() {
    // The server has one thread of its own, which the application then blocks.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let mut ground = runtime.spawn(Ground::start()).await.unwrap();
    let beat = "POST /beat/script?interval=100ms&timeout=300ms";
    assert_eq!(status(&ground, beat).await, 200);
    assert_eq!(ground.event().await, "opened script");
    let (unblock, blocked) = std::sync::mpsc::channel::<()>();
    runtime.spawn(async move { blocked.recv().is_ok() });
    // Ten times its timeout, by the clock of somebody who is well.
    let witness = Ground::with_terms(terms(1000, 3000)).await;
    assert_eq!(status(&witness, "POST /beat/witness").await, 200);
    while witness.driver.find("witness").unwrap().view.health != Health::Dead {
        tokio::task::yield_now().await;
    }
    assert_ne!(
        ground.driver.find("script").unwrap().view.health,
        Health::Dead
    );
    unblock.send(()).unwrap();
    while ground.event().await != "dead script silence" {}
    runtime.shutdown_background();
}
