//! A client in front of a server that grants what the test wants and keeps what it is told.

use std::net::SocketAddr;
use std::time::Duration;

use carotid_core::Terms;
use carotid_netrpc::{
    Answer, Argument, Host, Interceptor, Listener, PeerAddr, Router, Server, ServerError,
};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::*;
use crate::source::messages::{BEAT, BeatArgs, BeatReply, OPEN, OpenArgs, OpenReply};

/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// An interval in which no beat comes within the patience of a test.
const ENDLESS_MS: i64 = 3_600_000;

/// What the server heard.
#[derive(Debug)]
enum Heard {
    Open(OpenArgs),
    Beat(BeatArgs),
}

/// A server that says what the test wants, to one connection at a time.
struct Scripted {
    address: SocketAddr,
    heard: mpsc::Receiver<Heard>,
    lose: Arc<Notify>,
}

#[derive(Clone)]
struct Script {
    grant: OpenReply,
    answer: BeatReply,
    tell: mpsc::Sender<Heard>,
}

impl Interceptor for Script {
    fn call(
        &mut self,
        method: &str,
        argument: &mut Argument<'_>,
    ) -> Option<Result<Answer, ServerError>> {
        let (heard, answer) = match method {
            OPEN => (
                Heard::Open(argument.decode().unwrap()),
                Answer::value(self.grant.clone()),
            ),
            BEAT => (
                Heard::Beat(argument.decode().unwrap()),
                Answer::value(self.answer.clone()),
            ),
            _ => return None,
        };
        // The test may have heard enough.
        let _unheard = self.tell.try_send(heard);
        Some(Ok(answer))
    }
}

impl Host for Script {
    type Interceptor = Self;

    fn accept(self: &Arc<Self>, _: PeerAddr) -> Self {
        Self::clone(self)
    }
}

impl Scripted {
    async fn start(grant: OpenReply, answer: BeatReply) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, heard) = mpsc::channel(1000);
        let script = Arc::new(Script {
            grant,
            answer,
            tell,
        });
        let lose = Arc::new(Notify::new());
        let lost = Arc::clone(&lose);
        tokio::spawn(async move {
            loop {
                // The port stays, whatever becomes of the server.
                let listener = Listener::try_from(listener.try_clone().unwrap()).unwrap();
                let server = Server::new(Router::new()).with_host(Arc::clone(&script));
                tokio::select! {
                    served = server.serve([listener], CancellationToken::new()) => served.unwrap(),
                    () = lost.notified() => {}
                }
            }
        });
        Self {
            address,
            heard,
            lose,
        }
    }

    fn config(&self) -> ClientConfig {
        ClientConfig::new(self.address.into(), "payments/7".parse().unwrap())
    }

    async fn heard(&mut self) -> Heard {
        let heard = timeout(PATIENCE, self.heard.recv()).await;
        heard.expect("it does not take this long").unwrap()
    }

    async fn opened(&mut self) -> OpenArgs {
        match self.heard().await {
            Heard::Open(args) => args,
            Heard::Beat(args) => panic!("{args:?} instead of an introduction"),
        }
    }

    /// Skips what was still said on the last connection.
    async fn introduced_anew(&mut self) {
        while !matches!(self.heard().await, Heard::Open(_)) {}
    }

    async fn beaten(&mut self) -> BeatArgs {
        match self.heard().await {
            Heard::Beat(args) => args,
            Heard::Open(args) => panic!("{args:?} instead of a beat"),
        }
    }
}

fn grant(interval_ms: i64, first_beat_ms: i64) -> OpenReply {
    OpenReply {
        epoch: 1,
        interval_ms,
        timeout_ms: 4 * interval_ms,
        first_beat_ms,
        ..OpenReply::default()
    }
}

fn unrevised() -> BeatReply {
    BeatReply {
        epoch: 1,
        ..BeatReply::default()
    }
}

async fn shown(client: &Client, wanted: impl FnMut(&ClientState) -> bool) -> ClientState {
    let mut state = client.state();
    let found = timeout(PATIENCE, state.wait_for(wanted)).await;
    found.expect("it does not take this long").unwrap()
}

fn interval_of(state: &ClientState) -> Option<Duration> {
    match state {
        ClientState::Connected { terms, .. } => Some(terms.interval()),
        ClientState::Connecting | ClientState::Waiting { .. } | ClientState::Closed => None,
    }
}

#[tokio::test]
async fn the_first_beat_comes_when_the_server_wants_it() {
    let mut server = Scripted::start(grant(ENDLESS_MS, 20), unrevised()).await;
    let mut config = server.config();
    let ms = Duration::from_millis;
    config.terms = Terms::new(ms(1000), ms(9000)).unwrap();
    config.terms = config.terms.with_longest_stall(ms(5000)).unwrap();
    let client = Client::start(config).unwrap();
    let asked = server.opened().await;
    assert_eq!((asked.interval_ms, asked.timeout_ms), (1000, 9000));
    assert_eq!(asked.longest_stall_ms, 5000);
    let beat = server.beaten().await;
    assert_eq!(beat.name, "payments/7");
    assert_eq!(beat.round_trip_us, 0, "nothing was measured yet");
    let connected = shown(&client, |state| interval_of(state).is_some()).await;
    assert_eq!(
        interval_of(&connected),
        Some(ms(ENDLESS_MS.unsigned_abs())),
        "the state shows what was granted, not what was asked for"
    );
}

#[tokio::test]
async fn revised_terms_hold_from_the_next_beat_on() {
    let revision = BeatReply {
        epoch: 1,
        interval_ms: 20,
        timeout_ms: 80,
    };
    let mut server = Scripted::start(grant(ENDLESS_MS, 20), revision).await;
    let client = Client::start(server.config()).unwrap();
    server.opened().await;
    for _ in 0..3 {
        server.beaten().await;
    }
    let connected = shown(&client, |state| interval_of(state).is_some()).await;
    assert_eq!(interval_of(&connected), Some(Duration::from_millis(20)));
}

#[tokio::test]
async fn a_beat_tells_how_long_the_answer_to_the_last_one_took() {
    let mut server = Scripted::start(grant(20, 20), unrevised()).await;
    let _client = Client::start(server.config()).unwrap();
    server.opened().await;
    assert_eq!(server.beaten().await.round_trip_us, 0);
    let round_trip = server.beaten().await.round_trip_us;
    let second = Duration::from_secs(1).as_micros();
    assert!((1..60 * second).contains(&u128::from(round_trip.unsigned_abs())));
}

#[tokio::test]
async fn a_lost_client_comes_back_within_its_slot() {
    let granted = OpenReply {
        spread_ms: 20,
        ..grant(20, 20)
    };
    let mut server = Scripted::start(granted, unrevised()).await;
    let _client = Client::start(ClientConfig {
        // Without a slot it would hardly come back at all.
        min_backoff: Duration::from_secs(3600),
        max_backoff: Duration::from_secs(3600),
        ..server.config()
    })
    .unwrap();
    server.opened().await;
    // A connection that has carried two beats has had an answer to one.
    server.beaten().await;
    server.beaten().await;
    server.lose.notify_one();
    server.introduced_anew().await;
}

#[tokio::test]
async fn progress_is_watched_between_beats_too() {
    let mut server = Scripted::start(grant(100, 100), unrevised()).await;
    let client = Client::start(ClientConfig {
        watch_runtime: false,
        ..server.config()
    })
    .unwrap();
    server.opened().await;
    assert_eq!(server.beaten().await.progress_ms, 0, "nobody has told yet");
    client.progress().mark();
    // Of a gap between two looks at most half an interval counts.
    let mut before = server.beaten().await.progress_ms;
    let whole = async {
        loop {
            let now = server.beaten().await.progress_ms;
            if 75 <= now - before {
                break;
            }
            before = now;
        }
    };
    let seen = timeout(PATIENCE, whole).await;
    seen.expect("beats tell of the whole time between them");
}

#[tokio::test]
async fn the_hearts_own_thread_says_goodbye_without_waiting_for_itself() {
    let mut server = Scripted::start(grant(ENDLESS_MS, ENDLESS_MS), unrevised()).await;
    let client = Client::start(server.config()).unwrap();
    server.opened().await;
    let mut state = client.state();
    let heart = client.heart.runtime().clone();
    let closing = heart.spawn(async move { client.close_blocking() });
    timeout(PATIENCE, closing).await.unwrap().unwrap();
    let closed = state.wait_for(|state| matches!(state, ClientState::Closed));
    let closed = timeout(PATIENCE, closed).await.unwrap();
    assert!(closed.is_some(), "the goodbye was not cut off");
}

#[tokio::test]
async fn nobody_waits_for_a_task_that_has_ended() {
    let server = Scripted::start(grant(ENDLESS_MS, ENDLESS_MS), unrevised()).await;
    let client = Client::start(server.config()).unwrap();
    // As a panic in it would.
    client.beating.abort();
    timeout(PATIENCE, client.connected()).await.unwrap();
    while !client.beating.is_finished() {
        tokio::task::yield_now().await;
    }
    let patient = client.idempotent().within(PATIENCE * 2);
    let call = patient.call::<i64>("Shop.Stock", "apples");
    let error = timeout(PATIENCE, call).await.unwrap().unwrap_err();
    assert!(error.is_unsent(), "{error}");
    assert_eq!(client.counters().calls_retried, 0);
}
