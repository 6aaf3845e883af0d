//! How calls of a client end when connections do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use carotid::netrpc::{Router, ServerError};
use carotid::{Client, ClientCallError, ClientConfig, ClientState, ServerConfig};
use tokio::sync::{Semaphore, mpsc};

use super::ground::{Ground, in_time, terms};
use super::relay::{self, Relay, grown_doubtful};

const HOUR: Duration = Duration::from_secs(3600);

/// A server whose `Slow.Wait` waits until it is let go, and tells that it was called.
struct Slow {
    ground: Ground,
    relay: Relay,
    called: mpsc::Receiver<()>,
    go: Arc<Semaphore>,
    calls: Arc<AtomicU32>,
}

impl Slow {
    async fn start() -> Self {
        let (tell, called) = mpsc::channel(1000);
        let go = Arc::new(Semaphore::new(0));
        let calls = Arc::new(AtomicU32::new(0));
        let (going, counted) = (Arc::clone(&go), Arc::clone(&calls));
        let mut router = Router::new();
        let wait = move |number: i64| {
            let (tell, going) = (tell.clone(), Arc::clone(&going));
            counted.fetch_add(1, Ordering::Relaxed);
            async move {
                tell.try_send(()).unwrap();
                let _gone = going.acquire().await;
                Ok::<_, ServerError>(number)
            }
        };
        router.method("Slow.Wait", wait).unwrap();
        let ground = Ground::with(ServerConfig::default(), router).await;
        let relay = Relay::to(ground.address).await;
        Self {
            ground,
            relay,
            called,
            go,
            calls,
        }
    }

    /// Patient, so that whatever ends sooner does not end by its own timeout.
    fn config(&self) -> ClientConfig {
        let mut config = self.ground.client("payments/7");
        config.addresses = vec![self.relay.address.into()];
        config.call_timeout = HOUR;
        config
    }

    async fn client(&self) -> Client {
        connected(self.config()).await
    }

    async fn called(&mut self) {
        in_time(self.called.recv()).await.unwrap();
    }

    fn let_go(&self) {
        self.go.add_permits(Semaphore::MAX_PERMITS / 2);
    }
}

async fn connected(config: ClientConfig) -> Client {
    let client = Client::start(config).unwrap();
    in_time(client.connected()).await;
    client
}

#[tokio::test]
async fn a_call_in_flight_fails_at_once_when_its_connection_is_lost() {
    let mut slow = Slow::start().await;
    let client = slow.client().await;
    let losing = async {
        slow.called().await;
        slow.relay.cut();
    };
    let call = client.call::<i64>("Slow.Wait", &7i64);
    let (lost, ()) = in_time(async { tokio::join!(call, losing) }).await;
    let lost = lost.unwrap_err();
    assert!(
        matches!(lost, ClientCallError::ConnectionLost { .. }),
        "{lost}"
    );
    assert!(!lost.is_unsent());
    let address = slow.relay.address;
    let said = lost.to_string();
    assert!(
        said.contains(&format!("connection to {address} lost: closed by the peer")),
        "{said}"
    );
    let counters = client.counters();
    assert_eq!((counters.calls, counters.calls_failed), (1, 1));
    assert_eq!(counters.calls_retried, 0);
}

#[tokio::test]
async fn an_idempotent_call_in_flight_is_made_again_on_the_next_connection() {
    let mut slow = Slow::start().await;
    let client = slow.client().await;
    let losing = async {
        slow.called().await;
        slow.relay.cut();
        slow.called().await;
        slow.let_go();
    };
    let call = client.idempotent();
    let call = call.call::<i64>("Slow.Wait", &7i64);
    let (answer, ()) = in_time(async { tokio::join!(call, losing) }).await;
    assert_eq!(answer.unwrap(), 7);
    assert_eq!(slow.calls.load(Ordering::Relaxed), 2);
    let counters = client.counters();
    assert_eq!((counters.calls_retried, counters.calls_failed), (1, 0));
    assert_eq!((counters.reconnects, counters.failovers), (1, 0));
}

#[tokio::test]
async fn an_idempotent_call_that_was_sent_once_and_never_answered_may_have_been_carried_out() {
    let mut slow = Slow::start().await;
    let client = slow.client().await;
    let losing = async {
        slow.called().await;
        slow.relay.shut();
    };
    let call = client.idempotent().within(Duration::from_millis(300));
    let call = call.call::<i64>("Slow.Wait", &7i64);
    let (outcome, ()) = in_time(async { tokio::join!(call, losing) }).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, ClientCallError::Timeout { .. }), "{error}");
    assert!(!error.is_unsent());
}

#[tokio::test]
async fn without_a_connection_nothing_is_sent_and_the_error_says_why() {
    let slow = Slow::start().await;
    slow.relay.shut();
    let client = Client::start(slow.config()).unwrap();
    let mut state = client.state();
    let waiting = state.wait_for(|state| matches!(state, ClientState::Waiting { .. }));
    in_time(waiting).await.unwrap();
    let error = in_time(client.call::<i64>("Slow.Wait", &7i64)).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, ClientCallError::NotConnected { .. }),
        "{error}"
    );
    assert!(error.is_unsent());
    let patient = client.idempotent().within(Duration::from_millis(20));
    let error = in_time(patient.call::<i64>("Slow.Wait", &7i64)).await;
    let error = error.unwrap_err();
    assert!(matches!(error, ClientCallError::Unsent { .. }), "{error}");
    assert!(error.is_unsent());
    assert_eq!(slow.calls.load(Ordering::Relaxed), 0);

    slow.relay.open();
    slow.let_go();
    let answer = in_time(client.idempotent().call::<i64>("Slow.Wait", &7i64)).await;
    assert_eq!(answer.unwrap(), 7, "it waits for a connection");
}

#[tokio::test]
async fn a_call_has_the_time_it_is_given_and_leaves_the_connection_alone() {
    let mut slow = Slow::start().await;
    let client = slow.client().await;
    let brief = Duration::from_millis(20);
    let error = in_time(client.within(brief).call::<i64>("Slow.Wait", &7i64)).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, ClientCallError::Timeout { after } if after == brief),
        "{error}"
    );
    slow.called().await;
    slow.let_go();
    let answer = in_time(client.call::<i64>("Slow.Wait", &8i64)).await;
    assert_eq!(answer.unwrap(), 8, "a late reply is nobody else's");
    assert_eq!(client.counters().reconnects, 0);
}

/// Far longer than a busy machine takes for an answer, far shorter than the patience of a call.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// A client that hears so often that a moment of silence is suspicious to it.
async fn wary(slow: &Slow) -> Client {
    let mut config = slow.config();
    config.terms = terms(20, 60_000);
    config.ping_timeout = PING_TIMEOUT;
    connected(config).await
}

#[tokio::test]
async fn a_dead_connection_costs_the_time_of_one_ping_and_no_call_is_sent() {
    let slow = Slow::start().await;
    let client = wary(&slow).await;
    slow.relay.swallow();
    grown_doubtful(&client).await;
    let calls = (0..20).map(|_| client.call::<i64>("Slow.Wait", &7i64));
    let errors = in_time(futures_util::future::join_all(calls)).await;
    for error in errors {
        let error = error.unwrap_err();
        assert!(error.is_unsent(), "{error}");
        let said = error.to_string();
        assert!(said.contains("no answer to a beat within 1s"), "{said}");
    }
    assert_eq!(client.counters().missed_pongs, 1, "they share it");
    assert_eq!(slow.calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_idempotent_call_moves_on_from_a_dead_connection_after_the_time_of_a_ping() {
    let slow = Slow::start().await;
    let client = wary(&slow).await;
    slow.relay.swallow();
    grown_doubtful(&client).await;
    slow.let_go();
    let answer = in_time(client.idempotent().call::<i64>("Slow.Wait", &7i64)).await;
    assert_eq!(answer.unwrap(), 7);
    assert_eq!(slow.calls.load(Ordering::Relaxed), 1);
    // Another one may be lost if the machine is that busy.
    assert!(client.counters().reconnects >= 1);
}

#[tokio::test]
async fn a_call_in_flight_on_a_connection_that_is_given_up_fails_with_it() {
    let mut slow = Slow::start().await;
    let client = wary(&slow).await;
    let first = async {
        let lost = client.call::<i64>("Slow.Wait", &7i64).await;
        lost.unwrap_err()
    };
    let second = async {
        slow.called().await;
        slow.relay.swallow();
        grown_doubtful(&client).await;
        let unsent = client.call::<i64>("Slow.Wait", &8i64).await;
        unsent.unwrap_err()
    };
    let (first, second) = in_time(async { tokio::join!(first, second) }).await;
    assert!(
        matches!(first, ClientCallError::ConnectionLost { .. }),
        "{first}"
    );
    assert!(second.is_unsent(), "{second}");
}

#[tokio::test]
async fn calls_leave_room_for_beats() {
    let slow = Slow::start().await;
    let mut config = slow.config();
    config.terms = terms(20, 60_000);
    let client = connected(config).await;
    let calls = (0..300).map(|_| client.call::<i64>("Slow.Wait", &7i64));
    let calls = futures_util::future::join_all(calls);
    let beats = async {
        while slow.calls.load(Ordering::Relaxed) < 240 {
            tokio::task::yield_now().await;
        }
        let before = client.counters().beats_sent;
        while client.counters().beats_sent < before + 5 {
            tokio::task::yield_now().await;
        }
        assert_eq!(slow.calls.load(Ordering::Relaxed), 240);
        slow.let_go();
    };
    let (answers, ()) = in_time(async { tokio::join!(calls, beats) }).await;
    assert!(answers.iter().all(Result::is_ok));
    let counters = client.counters();
    assert_eq!((counters.missed_pongs, counters.reconnects), (0, 0));
    assert!(counters.round_trip.unwrap().p50 <= counters.round_trip.unwrap().p99);
}

/// Makes calls, and waits for none of their replies.
async fn give_up_as_many_as_there_is_room_for(client: &Client, slow: &Slow) {
    let brief = client.within(Duration::from_millis(300));
    while slow.calls.load(Ordering::Relaxed) < 240 {
        let calls = (0..150).map(|_| brief.call::<i64>("Slow.Wait", &7i64));
        let outcomes = futures_util::future::join_all(calls).await;
        assert!(outcomes.iter().all(Result::is_err));
    }
}

#[tokio::test]
async fn calls_that_were_given_up_leave_room_for_beats_until_they_are_answered() {
    let slow = Slow::start().await;
    let mut config = slow.config();
    config.terms = terms(20, 60_000);
    let client = connected(config).await;
    in_time(give_up_as_many_as_there_is_room_for(&client, &slow)).await;
    let before = client.counters().beats_sent;
    let beats = async {
        while client.counters().beats_sent < before + 5 {
            tokio::task::yield_now().await;
        }
    };
    in_time(beats).await;
    let brief = client.within(Duration::from_millis(50));
    let error = in_time(brief.call::<i64>("Slow.Wait", &7i64)).await;
    assert!(error.unwrap_err().is_unsent(), "there is no room");
    assert_eq!(slow.calls.load(Ordering::Relaxed), 240);
    slow.let_go();
    let answer = in_time(client.call::<i64>("Slow.Wait", &8i64)).await;
    assert_eq!(answer.unwrap(), 8, "answers make room");
    let counters = client.counters();
    assert_eq!((counters.missed_pongs, counters.reconnects), (0, 0));
}

#[tokio::test]
async fn calls_that_a_lost_connection_never_answered_take_no_room_on_the_next() {
    let mut slow = Slow::start().await;
    let client = slow.client().await;
    in_time(give_up_as_many_as_there_is_room_for(&client, &slow)).await;
    for _ in 0..240 {
        slow.called().await;
    }
    let call = client.idempotent();
    let call = call.call::<i64>("Slow.Wait", &8i64);
    let losing = async {
        // The call waits for room by now, or will find the connection lost.
        tokio::task::yield_now().await;
        slow.relay.cut();
        slow.called().await;
        slow.let_go();
    };
    let (answer, ()) = in_time(async { tokio::join!(call, losing) }).await;
    assert_eq!(answer.unwrap(), 8);
}

#[tokio::test]
async fn a_call_that_makes_the_server_hang_up_is_made_twice_and_not_for_ever() {
    let config = ServerConfig {
        max_message: 64 * 1024,
        ..ServerConfig::default()
    };
    let ground = Ground::with(config, Router::new()).await;
    let mut config = ground.client("payments/7");
    config.call_timeout = HOUR;
    let client = connected(config).await;
    let long = "x".repeat(100 * 1024);
    let call = client.idempotent();
    let error = in_time(call.call::<String>("Heartbeat.Ping", long.as_str())).await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, ClientCallError::ConnectionLost { .. }),
        "{error}"
    );
    let counters = client.counters();
    assert_eq!((counters.calls_retried, counters.calls_failed), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_code_calls_with_a_runtime_and_without() {
    let slow = Slow::start().await;
    slow.let_go();
    let client = Arc::new(slow.client().await);
    let answer = client.call_blocking::<i64>("Slow.Wait", &7i64);
    assert_eq!(answer.unwrap(), 7, "within async code");
    let caller = Arc::clone(&client);
    let other = std::thread::spawn(move || {
        let answer = caller.idempotent().call_blocking::<i64>("Slow.Wait", &8i64);
        assert_eq!(answer.unwrap(), 8);
        // No budget of a runtime ends a long row of them.
        for number in 0..300 {
            let answer = caller.call_blocking::<i64>("Slow.Wait", &number);
            assert_eq!(answer.unwrap(), number);
        }
        drop(caller);
    });
    other.join().unwrap();
    let client = Arc::into_inner(client).unwrap();
    client.close_blocking();
}

#[tokio::test]
async fn a_blocking_call_that_waits_for_its_own_thread_ends_with_its_timeout() {
    let slow = Slow::start().await;
    let client = slow.client().await;
    // The relay runs on this thread.
    let brief = Duration::from_millis(50);
    let error = client
        .within(brief)
        .call_blocking::<i64>("Slow.Wait", &7i64);
    let error = error.unwrap_err();
    assert!(matches!(error, ClientCallError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn a_server_is_called_behind_http_and_over_a_unix_socket_too() {
    let slow = Slow::start().await;
    slow.let_go();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rpc.sock");
    relay::from_unix(&path, slow.ground.address);
    let http = format!("http://{}", slow.ground.address);
    let unix = format!("unix:{}", path.display());
    for (address, has_socket) in [(http, true), (unix, false)] {
        let mut config = slow.config();
        config.addresses = vec![address.parse().unwrap()];
        let client = connected(config).await;
        let answer = in_time(client.call::<i64>("Slow.Wait", &7i64)).await;
        assert_eq!(answer.unwrap(), 7, "{address}");
        let ClientState::Connected { server, .. } = client.state().now() else {
            panic!("{address} is connected");
        };
        assert_eq!(server.is_some(), has_socket);
        in_time(client.close()).await;
    }
}
