//! The clients against peers that do what no good server does, and Go's rules for a connection
//! that ends (`net/rpc/client.go`).

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};

use carotid_netrpc::codec::{CallId, Incoming, ServerCodec};
use carotid_netrpc::{Answer, CallError, Client, JsonClient, Lost, Options, ServerError};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf,
    duplex, split,
};
use tokio::sync::oneshot::{self, error::TryRecvError};

/// A server that speaks gob and does as it is told.
struct GobPeer {
    io: DuplexStream,
    codec: ServerCodec,
}

impl GobPeer {
    fn called() -> (Client, Self) {
        let (near, io) = duplex(64 * 1024);
        let codec = ServerCodec::new(64 * 1024);
        (Client::new(near), Self { io, codec })
    }

    /// The next `count` calls.
    async fn calls(&mut self, count: usize) -> Vec<(String, CallId)> {
        let mut calls = Vec::new();
        let mut buffer = [0; 1024];
        while calls.len() < count {
            let read = self.io.read(&mut buffer).await.expect("memory is read");
            assert!(read > 0, "the client goes away");
            let mut input = &buffer[..read];
            while let Some(Incoming::Call(call)) = self.codec.poll(&mut input).expect("good gob") {
                calls.push((call.method.into_owned(), call.id));
            }
        }
        calls
    }

    async fn reply(&mut self, (method, id): &(String, CallId), outcome: Result<u64, &str>) {
        let outcome = outcome.map(Answer::value).map_err(ServerError::from);
        let mut out = Vec::new();
        self.codec.reply(&mut out, method, id, outcome.as_ref());
        self.io.write_all(&out).await.expect("the client reads");
    }
}

/// The same with JSON, where everything can be said.
struct JsonPeer {
    lines: BufReader<ReadHalf<DuplexStream>>,
    out: WriteHalf<DuplexStream>,
}

impl JsonPeer {
    fn called() -> (JsonClient, Self) {
        let (near, far) = duplex(64 * 1024);
        (JsonClient::new(near), Self::new(far))
    }

    fn new(far: DuplexStream) -> Self {
        let (lines, out) = split(far);
        let lines = BufReader::new(lines);
        Self { lines, out }
    }

    async fn call(&mut self) -> Value {
        let mut line = String::new();
        self.lines
            .read_line(&mut line)
            .await
            .expect("memory is read");
        serde_json::from_str(&line).expect("a call is JSON")
    }

    async fn say(&mut self, text: &str) {
        let said = self.out.write_all(text.as_bytes()).await;
        said.expect("the client reads");
    }
}

#[tokio::test]
async fn calls_are_in_flight_together_and_replies_come_in_any_order() {
    let (client, mut peer) = GobPeer::called();
    let mut pending = Vec::new();
    for n in 0..5_u64 {
        pending.push(client.go::<u64>("A.B", &n).await.unwrap());
    }
    let calls = peer.calls(5).await;
    for at in [3, 0, 4, 2, 1] {
        peer.reply(&calls[at], Ok(10 * at as u64)).await;
    }
    // They may be awaited in any order, too.
    for (at, pending) in pending.into_iter().enumerate().rev() {
        assert_eq!(pending.await.unwrap(), 10 * at as u64);
    }
}

#[tokio::test]
async fn a_call_is_on_its_way_before_it_is_awaited() {
    let (client, mut peer) = JsonPeer::called();
    let pending = client.go::<u64>("A.B", &json!({"A": 7})).await.unwrap();
    let call = peer.call().await;
    assert_eq!(
        call,
        json!({"method": "A.B", "params": [{"A": 7}], "id": 0})
    );
    peer.say(r#"{"id":0,"result":56,"error":null}"#).await;
    assert_eq!(pending.await.unwrap(), 56);
}

#[tokio::test]
async fn replies_to_nothing_and_second_replies_are_ignored() {
    let (client, mut peer) = JsonPeer::called();
    let pending = client.go::<u64>("A.B", &1).await.unwrap();
    peer.call().await;
    peer.say(r#"{"id":99,"result":1,"error":null} {"id":98,"error":"no"}"#)
        .await;
    peer.say(r#"{"id":null,"result":null,"error":"what?"}"#)
        .await;
    peer.say(r#"{"id":0,"result":2,"error":null}{"id":0,"result":3,"error":null}"#)
        .await;
    assert_eq!(pending.await.unwrap(), 2);
    let next = client.go::<u64>("A.B", &1).await.unwrap();
    assert_eq!(peer.call().await["id"], 1);
    peer.say(r#"{"id":1,"result":4,"error":null}"#).await;
    assert_eq!(next.await.unwrap(), 4);

    let (client, mut peer) = GobPeer::called();
    let first = client.go::<u64>("A.B", &1_u64).await.unwrap();
    let second = client.go::<u64>("A.B", &1_u64).await.unwrap();
    let calls = peer.calls(2).await;
    for outcome in [Ok(5), Ok(6), Err("no")] {
        peer.reply(&calls[0], outcome).await;
    }
    peer.reply(&calls[1], Ok(7)).await;
    assert_eq!(first.await.unwrap(), 5);
    assert_eq!(second.await.unwrap(), 7);
}

#[tokio::test]
async fn an_error_or_a_reply_of_another_type_is_of_its_call_alone() {
    let (client, mut peer) = JsonPeer::called();
    for (reply, text) in [
        (
            r#"{"id":0,"result":null,"error":"divide by zero"}"#,
            "divide by zero",
        ),
        (r#"{"id":1,"result":null,"error":""}"#, "unspecified error"),
        (r#"{"id":2,"error":{"code":-32000,"message":"no"}}"#, "no"),
        (
            r#"{"id":3,"result":"7","error":null}"#,
            "cannot read the reply: json: invalid type",
        ),
        (
            r#"{"id":4,"result":null,"error":null}"#,
            "cannot read the reply: json: invalid type",
        ),
    ] {
        let pending = client.go::<u64>("A.B", &1).await.unwrap();
        peer.call().await;
        peer.say(reply).await;
        let error = pending.await.unwrap_err();
        assert!(error.to_string().starts_with(text), "{error}");
        assert!(error.lost().is_none());
    }
    assert!(!client.is_closed());
    let nothing = client.go::<Option<u64>>("A.B", &1).await.unwrap();
    peer.say(r#"{"id":5,"result":null,"error":null}"#).await;
    assert_eq!(nothing.await.unwrap(), None);
}

#[tokio::test]
async fn an_argument_that_cannot_be_written_sends_nothing() {
    let (client, mut peer) = JsonPeer::called();
    let no_key = std::collections::BTreeMap::from([((1, 2), 3)]);
    let error = client.call::<u64>("A.B", &no_key).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot write the argument: json: key must be a string"
    );
    assert!(error.is_unsent());
    let _pending = client.go::<u64>("A.B", &1).await.unwrap();
    assert_eq!(peer.call().await["id"], 0);
}

#[tokio::test]
async fn closing_fails_what_is_in_flight_and_refuses_what_comes_and_again_does_nothing() {
    let (client, mut peer) = GobPeer::called();
    let pending = client.go::<u64>("A.B", &1_u64).await.unwrap();
    peer.calls(1).await;
    client.close().await;
    client.close().await;
    assert!(client.is_closed());
    assert!(matches!(client.closed().await, Lost::ClosedHere));
    let error = pending.await.unwrap_err();
    assert!(matches!(error, CallError::ConnectionLost(Lost::ClosedHere)));
    assert_eq!(error.to_string(), "connection lost: closed by this side");
    assert!(!error.is_unsent());
    for _ in 0..2 {
        let error = client.call::<u64>("A.B", &1_u64).await.unwrap_err();
        assert!(matches!(error, CallError::ShutDown(Lost::ClosedHere)));
        assert_eq!(
            error.to_string(),
            "connection is shut down: closed by this side"
        );
        assert!(error.is_unsent());
    }
    assert_eq!(peer.io.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_call_made_while_closing_is_refused() {
    let (client, mut peer) = JsonPeer::called();
    let _pending = client.go::<u64>("A.B", &1).await.unwrap();
    peer.call().await;
    let mut closing = Box::pin(client.close());
    // Close has begun, and its driver has not run since.
    poll_fn(|cx| {
        assert!(closing.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    let error = client.call::<u64>("A.B", &1).await.unwrap_err();
    assert!(matches!(error, CallError::ShutDown(Lost::ClosedHere)));
    closing.await;
}

#[tokio::test]
async fn a_lost_connection_fails_what_is_in_flight_and_refuses_what_comes() {
    let (client, mut peer) = GobPeer::called();
    let pending = client.go::<u64>("A.B", &1_u64).await.unwrap();
    peer.calls(1).await;
    drop(peer);
    let error = pending.await.unwrap_err();
    assert!(matches!(
        error,
        CallError::ConnectionLost(Lost::ClosedByPeer)
    ));
    assert_eq!(error.to_string(), "connection lost: closed by the peer");
    let error = client.call::<u64>("A.B", &1_u64).await.unwrap_err();
    assert!(matches!(error, CallError::ShutDown(Lost::ClosedByPeer)));
    assert_eq!(
        error.to_string(),
        "connection is shut down: closed by the peer"
    );
    // Closing what is lost is harmless, and does not change why it was lost.
    client.close().await;
    assert!(matches!(client.closed().await, Lost::ClosedByPeer));
}

/// Looks at the client at the very moment when its call is over.
struct Watcher {
    client: Client,
    found_closed: OnceLock<bool>,
}

impl Wake for Watcher {
    fn wake(self: Arc<Self>) {
        let _ = self.found_closed.set(self.client.is_closed());
    }
}

#[tokio::test]
async fn whoever_learns_that_its_call_is_lost_finds_the_client_closed() {
    let (client, mut peer) = GobPeer::called();
    let mut pending = client.go::<u64>("A.B", &1_u64).await.unwrap();
    peer.calls(1).await;
    let watcher = Arc::new(Watcher {
        client,
        found_closed: OnceLock::new(),
    });
    let waker = Waker::from(Arc::clone(&watcher));
    let polled = Pin::new(&mut pending).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    assert!(!watcher.client.is_closed());
    drop(peer);
    watcher.client.closed().await;
    assert_eq!(watcher.found_closed.get(), Some(&true));
    assert!(matches!(pending.await, Err(CallError::ConnectionLost(_))));
}

#[tokio::test]
async fn who_waits_for_its_turn_is_refused_when_the_connection_ends() {
    let (near, far) = duplex(1024);
    let options = Options {
        max_in_flight: 1,
        ..Options::default()
    };
    let client = JsonClient::with_options(near, &options);
    let first = client.go::<u64>("A.B", &1).await.unwrap();
    let second = client.call::<u64>("A.B", &2);
    let ending = async {
        tokio::task::yield_now().await;
        drop(far);
    };
    let (second, ()) = tokio::join!(second, ending);
    assert!(matches!(second, Err(CallError::ShutDown(_))));
    assert!(matches!(first.await, Err(CallError::ConnectionLost(_))));
}

#[tokio::test]
async fn an_abandoned_call_makes_room_when_its_reply_comes_and_a_dropped_client_fails_the_rest() {
    let (near, far) = duplex(1024);
    let options = Options {
        max_in_flight: 1,
        ..Options::default()
    };
    let client = JsonClient::with_options(near, &options);
    let mut peer = JsonPeer::new(far);
    let (held, let_go) = oneshot::channel::<()>();
    let abandoned = client.go::<u64>("A.B", &1).await.unwrap();
    drop(abandoned.holding(held));
    assert_eq!(peer.call().await["id"], 0);
    let mut second = Box::pin(client.go::<u64>("A.B", &2));
    let mut let_go = Box::pin(let_go);
    poll_fn(|cx| {
        assert!(second.as_mut().poll(cx).is_pending(), "it has no room");
        assert!(let_go.as_mut().poll(cx).is_pending(), "it is held");
        Poll::Ready(())
    })
    .await;
    peer.say(r#"{"id":0,"result":1,"error":null}"#).await;
    let pending = second.await.unwrap();
    assert!(let_go.await.is_err(), "it is dropped");
    let (held, let_go) = oneshot::channel::<()>();
    let pending = pending.holding(held);
    drop(client);
    let error = pending.await.unwrap_err();
    assert!(matches!(error, CallError::ConnectionLost(Lost::ClosedHere)));
    assert!(let_go.await.is_err(), "it is dropped");
}

#[tokio::test]
async fn what_is_held_for_a_call_that_is_over_is_dropped_at_once() {
    let (client, mut peer) = JsonPeer::called();
    let first = client.go::<u64>("A.B", &1).await.unwrap();
    let second = client.go::<u64>("A.B", &1).await.unwrap();
    peer.say(r#"{"id":0,"result":1,"error":null}{"id":1,"result":1,"error":null}"#)
        .await;
    assert_eq!(second.await.unwrap(), 1);
    let (held, mut let_go) = oneshot::channel::<()>();
    let first = first.holding(held);
    assert_eq!(let_go.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(first.await.unwrap(), 1);
}

#[tokio::test]
async fn what_is_no_reply_ends_the_connection() {
    for bad in [
        "[]",
        "{}",
        "{\"id\":\"0\",\"result\":1}",
        "HTTP/1.1 400",
        "{\"id\":0,,",
    ] {
        let (client, mut peer) = JsonPeer::called();
        let pending = client.go::<u64>("A.B", &1).await.unwrap();
        peer.say(bad).await;
        let error = pending.await.unwrap_err();
        assert!(
            matches!(error, CallError::ConnectionLost(Lost::Malformed(_))),
            "{bad}"
        );
        assert_eq!(
            error.to_string(),
            "connection lost: malformed input: bad JSON message"
        );
    }
}

#[tokio::test]
async fn a_json_reply_over_the_limit_ends_the_connection() {
    let (near, mut far) = duplex(64 * 1024);
    let options = Options {
        max_message: 1000,
        ..Options::default()
    };
    let client = JsonClient::with_options(near, &options);
    let pending = client.go::<String>("A.B", &1).await.unwrap();
    let long = format!("{{\"id\":0,\"result\":\"{}\"}}", "x".repeat(1000));
    far.write_all(long.as_bytes()).await.unwrap();
    let error = pending.await.unwrap_err();
    assert!(matches!(
        error,
        CallError::ConnectionLost(Lost::Malformed(_))
    ));
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_are_dialled_in_both_protocols() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rpc");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let serving = tokio::spawn(async move {
        for _ in 0..3 {
            let (mut io, _) = listener.accept().await.unwrap();
            let mut codec = ServerCodec::new(1024);
            let mut buffer = [0; 1024];
            let mut out = Vec::new();
            'connection: loop {
                let read = io.read(&mut buffer).await.unwrap();
                let mut input = &buffer[..read];
                while let Some(incoming) = codec.poll(&mut input).unwrap() {
                    match incoming {
                        Incoming::Send(bytes) => out.extend_from_slice(bytes),
                        Incoming::Call(call) => {
                            let (method, id) = (call.method, call.id);
                            codec.reply(&mut out, &method, &id, Ok(&Answer::text("Pong")));
                        }
                    }
                }
                io.write_all(&out).await.unwrap();
                out.clear();
                if read == 0 {
                    break 'connection;
                }
            }
        }
    });
    let gob = Client::dial_unix(&path).await.unwrap();
    assert_eq!(
        gob.call::<String>("Heartbeat.Ping", "me").await.unwrap(),
        "Pong"
    );
    gob.close().await;
    let json = JsonClient::dial_unix(&path).await.unwrap();
    assert_eq!(
        json.call::<String>("Heartbeat.Ping", "me").await.unwrap(),
        "Pong"
    );
    json.close().await;
    let io = tokio::net::UnixStream::connect(&path).await.unwrap();
    let options = Options::default();
    let http = Client::over_http(io, carotid_netrpc::RPC_PATH, &options);
    let http = http.await.unwrap();
    assert_eq!(
        http.call::<String>("Heartbeat.Ping", "me").await.unwrap(),
        "Pong"
    );
    http.close().await;
    serving.await.unwrap();
}
