//! What a client's beats say of it, and that they come whatever its runtime does.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use carotid::core::{Config, Suspicion, Terms};
use carotid::netrpc::{self, Router};
use carotid::{Client, ClientConfig, ServerConfig};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use super::ground::{Ground, in_time, terms};

/// The server is patient, so that a busy machine suspects nobody.
async fn ground(terms: Terms) -> Ground {
    let suspicion = Suspicion::Fixed { intervals: 5.0 };
    let engine = Config {
        terms,
        suspicion,
        ..Config::default()
    };
    let config = ServerConfig {
        engine,
        ..ServerConfig::default()
    };
    Ground::with(config, Router::new()).await
}

const WORKERS: usize = 2;

/// An application with a runtime of its own.
fn application() -> Runtime {
    let mut runtime = Builder::new_multi_thread();
    runtime.worker_threads(WORKERS).enable_all();
    runtime.build().unwrap()
}

/// Blocks all workers until somebody else comes to the barrier.
async fn block(application: &Runtime) -> Arc<Barrier> {
    let barrier = Arc::new(Barrier::new(WORKERS + 1));
    let (begin, mut begun) = mpsc::channel(WORKERS);
    for _ in 0..WORKERS {
        let (barrier, begin) = (Arc::clone(&barrier), begin.clone());
        application.spawn(async move {
            begin.send(()).await.unwrap();
            barrier.wait();
        });
    }
    for _ in 0..WORKERS {
        in_time(begun.recv()).await.unwrap();
    }
    barrier
}

async fn start(application: &Runtime, config: ClientConfig) -> Client {
    let start = async move { Client::start(config).unwrap() };
    application.spawn(start).await.unwrap()
}

/// Waits for as long as the server's own terms give a silent peer to live.
async fn one_timeout(ground: &mut Ground, witness: &str) {
    let client = netrpc::Client::dial(ground.address).await.unwrap();
    let _pong: String = in_time(client.call("Heartbeat.Ping", witness))
        .await
        .unwrap();
    for kind in ["opened", "suspect", "dead"] {
        let event = ground.event().await;
        assert!(event.starts_with(&format!("{kind} {witness}")), "{event}");
    }
}

#[tokio::test]
async fn a_client_whose_runtime_is_blocked_is_alive_and_wedged() {
    let short = terms(250, 1500);
    let mut ground = ground(short).await;
    let application = application();
    let mut config = ground.client("payments/7");
    config.terms = short;
    let client = start(&application, config).await;
    assert_eq!(ground.event().await, "opened payments/7");

    let barrier = block(&application).await;
    assert_eq!(ground.event().await, "wedged payments/7");
    // Nothing else happens meanwhile: each event in between would be the witness's.
    for witness in ["one", "two", "three"] {
        one_timeout(&mut ground, witness).await;
    }
    assert!(ground.driver.find("payments/7").unwrap().view.wedged);
    barrier.wait();
    assert_eq!(ground.event().await, "unwedged payments/7");

    in_time(client.close()).await;
    assert_eq!(ground.event().await, "left payments/7 goodbye");
    application.shutdown_background();
}

#[tokio::test]
async fn a_runtime_may_be_blocked_for_the_longest_stall() {
    let mut ground = ground(terms(250, 1500)).await;
    let application = application();
    let mut config = ground.client("payments/7");
    let day = Duration::from_secs(24 * 3600);
    let terms = Terms::new(Duration::from_millis(250), day).unwrap();
    config.terms = terms.with_longest_stall(day / 2).unwrap();
    let client = start(&application, config).await;
    assert_eq!(ground.event().await, "opened payments/7");
    let barrier = block(&application).await;
    one_timeout(&mut ground, "witness").await;
    assert!(!ground.driver.find("payments/7").unwrap().view.wedged);
    barrier.wait();
    in_time(client.close()).await;
    assert_eq!(ground.event().await, "left payments/7 goodbye");
    application.shutdown_background();
}

#[tokio::test]
async fn a_runtime_that_is_not_watched_may_be_blocked() {
    let short = terms(250, 1500);
    let mut ground = ground(short).await;
    let application = application();
    let mut config = ground.client("payments/7");
    config.terms = short;
    config.watch_runtime = false;
    let client = start(&application, config).await;
    assert_eq!(ground.event().await, "opened payments/7");
    let barrier = block(&application).await;
    one_timeout(&mut ground, "witness").await;
    barrier.wait();

    // A loop of another kind has begun, and does not go on.
    let progress = client.progress();
    progress.mark();
    assert_eq!(ground.event().await, "wedged payments/7");
    progress.mark();
    assert_eq!(ground.event().await, "unwedged payments/7");
    in_time(client.disconnect()).await;
    application.shutdown_background();
}

#[tokio::test]
async fn a_client_measures_its_round_trip() {
    let ground = Ground::start().await;
    let mut config = ground.client("payments/7");
    config.terms = terms(50, 60_000);
    let _client = Client::start(config).unwrap();
    let measured = async {
        loop {
            let verdict = ground.driver.verdict("payments/7");
            if let Some(round_trip) = verdict.and_then(|verdict| verdict.watched.round_trip) {
                break round_trip;
            }
            tokio::task::yield_now().await;
        }
    };
    assert!(in_time(measured).await > Duration::ZERO);
}

#[test]
fn a_client_needs_a_runtime_only_to_watch_it() {
    let nobody = ClientConfig::new("127.0.0.1:9".parse().unwrap(), "lonely".parse().unwrap());
    let error = Client::start(nobody.clone()).unwrap_err();
    assert_eq!(error.to_string(), "there is no tokio runtime here to watch");
    let unwatched = ClientConfig {
        watch_runtime: false,
        ..nobody
    };
    let client = Client::start(unwatched).unwrap();
    Runtime::new().unwrap().block_on(in_time(client.close()));
}
