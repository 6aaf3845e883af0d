//! Connections served over streams in memory, in virtual time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use carotid_netrpc::codec::{CallWriter, ReplyReader};
use carotid_netrpc::{
    Answer, Argument, CallError, Client, End, Interceptor, Lost, Options, Router, Server,
    ServerError, WireError, serve_connection,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Answers pings, and allows this much silence.
#[derive(Clone, Copy, Default)]
struct Pings {
    idle: Option<Duration>,
}

impl Interceptor for Pings {
    fn call(
        &mut self,
        method: &str,
        argument: &mut Argument<'_>,
    ) -> Option<Result<Answer, ServerError>> {
        (method == "Heartbeat.Ping").then(|| {
            argument.as_str()?;
            Ok(Answer::text("Pong"))
        })
    }

    fn idle_timeout(&self) -> Option<Duration> {
        self.idle
    }
}

#[derive(Default)]
struct World {
    router: Router,
    options: Options,
    pings: Pings,
    shutdown: CancellationToken,
    buffer: Option<usize>,
}

impl World {
    /// A client of a server with these methods.
    fn called(router: Router) -> Client {
        let world = Self {
            router,
            ..Self::default()
        };
        let (near, _serving) = world.serve();
        Client::new(near)
    }

    fn serve(self) -> (DuplexStream, JoinHandle<End>) {
        let (near, far) = duplex(self.buffer.unwrap_or(64 * 1024));
        let mut pings = self.pings;
        let serving = tokio::spawn(async move {
            serve_connection(far, &self.router, &self.options, &mut pings, &self.shutdown).await
        });
        (near, serving)
    }
}

fn ping(client: &Client) -> impl Future<Output = Result<String, CallError>> {
    client.call("Heartbeat.Ping", "me")
}

#[tokio::test]
async fn errors_have_the_texts_of_go_and_the_connection_lives_on() {
    let mut router = Router::new();
    router
        .method("Arith.Double", async |n: i64| Ok::<_, ServerError>(2 * n))
        .unwrap();
    let client = World::called(router);
    for (method, text) in [
        ("Nobody.Home", "rpc: can't find service Nobody.Home"),
        ("Arith.Halve", "rpc: can't find method Arith.Halve"),
        ("Arith", "rpc: service/method request ill-formed: Arith"),
        (
            "Arith.Double",
            "gob: decoding into local type i64, received remote type string",
        ),
    ] {
        let error = client.call::<i64>(method, "x").await.unwrap_err();
        assert!(matches!(error, CallError::Server(_)));
        assert_eq!(error.to_string(), text);
    }
    assert_eq!(client.call::<i64>("Arith.Double", &21).await.unwrap(), 42);
    assert_eq!(ping(&client).await.unwrap(), "Pong");
    let error = client.call::<i64>("Heartbeat.Ping", "me").await;
    assert!(matches!(error, Err(CallError::Reply(_))));
    assert_eq!(ping(&client).await.unwrap(), "Pong");
}

#[tokio::test]
async fn a_panic_is_the_error_of_its_call_alone() {
    let mut router = Router::new();
    router
        .method(
            "Bad.Panic",
            async |now: bool| -> Result<bool, ServerError> {
                assert!(!now, "as asked");
                Ok(now)
            },
        )
        .unwrap();
    let client = World::called(router);
    let error = client.call::<bool>("Bad.Panic", &true).await.unwrap_err();
    assert_eq!(error.to_string(), "rpc: method Bad.Panic panicked");
    assert!(!client.call::<bool>("Bad.Panic", &false).await.unwrap());
}

#[tokio::test]
async fn replies_come_when_they_are_ready_and_an_abandoned_call_harms_nobody() {
    let gate = Arc::new(Notify::new());
    let mut router = Router::new();
    let waits = Arc::clone(&gate);
    router
        .method("Gate.Wait", move |name: String| {
            let waits = Arc::clone(&waits);
            async move {
                waits.notified().await;
                Ok::<_, ServerError>(name)
            }
        })
        .unwrap();
    let client = World::called(router);
    let mut first = Box::pin(client.call::<String>("Gate.Wait", "first"));
    let mut second = Box::pin(client.call::<String>("Gate.Wait", "second"));
    tokio::select! {
        biased;
        _ = &mut first => panic!("the gate is closed"),
        _ = &mut second => panic!("the gate is closed"),
        pong = ping(&client) => assert_eq!(pong.unwrap(), "Pong"),
    }
    drop(first);
    gate.notify_waiters();
    assert_eq!(second.await.unwrap(), "second");
    assert_eq!(ping(&client).await.unwrap(), "Pong");
}

#[tokio::test]
async fn running_calls_are_cancelled_when_their_connection_ends() {
    struct Flag(Arc<AtomicBool>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let entered = Arc::new(Notify::new());
    let mut router = Router::new();
    let (flag, enters) = (Arc::clone(&dropped), Arc::clone(&entered));
    router
        .method("Gate.Wait", move |_: String| {
            let flag = Flag(Arc::clone(&flag));
            enters.notify_one();
            async move {
                std::future::pending::<()>().await;
                drop(flag);
                Ok::<_, ServerError>(String::new())
            }
        })
        .unwrap();
    let (near, serving) = World {
        router,
        ..World::default()
    }
    .serve();
    let client = Client::new(near);
    let call = async { client.call::<String>("Gate.Wait", "x").await };
    let closing = async {
        entered.notified().await;
        client.close().await;
    };
    let (outcome, ()) = tokio::join!(call, closing);
    assert!(matches!(
        outcome,
        Err(CallError::ConnectionLost(Lost::ClosedHere))
    ));
    assert!(matches!(serving.await.unwrap(), End::Closed));
    tokio::task::yield_now().await;
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_call_in_time_is_closed_whatever_it_sends() {
    let begun = tokio::time::Instant::now();
    let (mut near, serving) = World::default().serve();
    // A byte a second of a request that is never whole.
    let writing = tokio::spawn(async move {
        for byte in b"{\"method\":\"Heartbeat.Ping\"," {
            if near.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    assert!(matches!(serving.await.unwrap(), End::NoFirstCall));
    assert!(begun.elapsed().abs_diff(Duration::from_millis(5250)) < Duration::from_millis(10));
    writing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_connection_after_its_idle_timeout() {
    let pings = Pings {
        idle: Some(Duration::from_secs(3)),
    };
    let (near, serving) = World {
        pings,
        ..World::default()
    }
    .serve();
    let client = Client::new(near);
    for _ in 0..5 {
        ping(&client).await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let last = tokio::time::Instant::now();
    ping(&client).await.unwrap();
    assert!(matches!(serving.await.unwrap(), End::Idle));
    assert!(last.elapsed().abs_diff(Duration::from_millis(3250)) < Duration::from_millis(10));
    assert!(matches!(client.closed().await, Lost::ClosedByPeer));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_closed_and_makes_nothing_pile_up() {
    let buffer = Some(1024);
    let (mut near, serving) = World {
        buffer,
        ..World::default()
    }
    .serve();
    let request = b"{\"method\":\"Heartbeat.Ping\",\"params\":[\"me\"],\"id\":1}\n";
    let mut taken = 0;
    while near.write_all(request).await.is_ok() {
        taken += request.len();
        assert!(taken < 8 * 1024, "input must not be taken for ever");
    }
    assert!(matches!(serving.await.unwrap(), End::WriteTimeout));
}

#[tokio::test]
async fn a_message_over_the_limit_ends_the_connection() {
    let options = Options {
        max_message: 1000,
        ..Options::default()
    };
    let (near, serving) = World {
        options,
        ..World::default()
    }
    .serve();
    let client = Client::new(near);
    let long = "x".repeat(2000);
    let error = client.call::<String>("Heartbeat.Ping", &*long).await;
    assert!(matches!(error, Err(CallError::ConnectionLost(_))));
    assert!(matches!(
        serving.await.unwrap(),
        End::Malformed(WireError::TooLong { limit: 1000, .. })
    ));
}

#[tokio::test]
async fn a_reply_over_the_limit_ends_the_connection() {
    let mut router = Router::new();
    router
        .method("Echo.Twice", async |text: String| {
            Ok::<_, ServerError>(text.repeat(2))
        })
        .unwrap();
    let (near, _serving) = World {
        router,
        ..World::default()
    }
    .serve();
    let options = Options {
        max_message: 1000,
        ..Options::default()
    };
    let client = Client::with_options(near, &options);
    let error = client.call::<String>("Echo.Twice", &*"x".repeat(900)).await;
    assert!(matches!(
        error,
        Err(CallError::ConnectionLost(Lost::Malformed(_)))
    ));
    assert!(client.is_closed());
}

#[tokio::test]
async fn a_browser_is_told_where_it_is() {
    let (mut near, serving) = World::default().serve();
    near.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut page = String::new();
    near.read_to_string(&mut page).await.unwrap();
    assert!(page.starts_with("HTTP/1.0 405 "));
    assert!(page.contains("RPC port"));
    assert!(matches!(
        serving.await.unwrap(),
        End::Malformed(WireError::NotConnect)
    ));
}

#[tokio::test]
async fn more_calls_than_may_run_wait_their_turn() {
    let options = Options {
        max_in_flight: 2,
        ..Options::default()
    };
    let mut router = Router::new();
    router
        .method("Slow.Echo", async |n: u64| {
            tokio::task::yield_now().await;
            Ok::<_, ServerError>(n)
        })
        .unwrap();
    let (mut near, _serving) = World {
        router,
        options,
        ..World::default()
    }
    .serve();
    let mut writer = CallWriter::new();
    let mut out = Vec::new();
    for n in 0..100_u64 {
        writer.call(&mut out, "Slow.Echo", n, &n).unwrap();
    }
    near.write_all(&out).await.unwrap();
    let mut reader = ReplyReader::new(1000);
    let mut seen = Vec::new();
    let mut buffer = [0; 512];
    while seen.len() < 100 {
        let read = near.read(&mut buffer).await.unwrap();
        let mut input = &buffer[..read];
        while let Some(reply) = reader.poll(&mut input).unwrap() {
            assert_eq!(reply.error, "");
            seen.push(reply.seq);
        }
    }
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..100));
}

#[tokio::test(start_paused = true)]
async fn shutdown_lets_calls_finish_and_writes_their_replies() {
    let entered = Arc::new(Notify::new());
    let mut router = Router::new();
    let enters = Arc::clone(&entered);
    router
        .method("Slow.Echo", move |n: u64| {
            enters.notify_one();
            async move {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok::<_, ServerError>(n)
            }
        })
        .unwrap();
    let shutdown = CancellationToken::new();
    let pings = Pings {
        idle: Some(Duration::from_secs(3)),
    };
    let world = World {
        router,
        pings,
        shutdown: shutdown.clone(),
        ..World::default()
    };
    let (near, serving) = world.serve();
    let client = Client::new(near);
    let stopping = async {
        entered.notified().await;
        shutdown.cancel();
    };
    let (outcome, ()) = tokio::join!(client.call::<u64>("Slow.Echo", &7_u64), stopping);
    assert_eq!(outcome.unwrap(), 7);
    assert!(matches!(serving.await.unwrap(), End::Shutdown));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_runs_longer_than_the_idle_timeout_keeps_its_connection() {
    let mut router = Router::new();
    router
        .method("Slow.Echo", async |n: u64| {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok::<_, ServerError>(n)
        })
        .unwrap();
    let pings = Pings {
        idle: Some(Duration::from_secs(3)),
    };
    let world = World {
        router,
        pings,
        ..World::default()
    };
    let (near, serving) = world.serve();
    let client = Client::new(near);
    assert_eq!(client.call::<u64>("Slow.Echo", &7_u64).await.unwrap(), 7);
    // The silence after it counts from its end.
    let answered = tokio::time::Instant::now();
    assert!(matches!(serving.await.unwrap(), End::Idle));
    assert!(answered.elapsed().abs_diff(Duration::from_millis(3250)) < Duration::from_millis(10));
}

#[tokio::test]
async fn a_server_is_called_over_tcp_plainly_and_through_http() -> io::Result<()> {
    let mut router = Router::new();
    router
        .method("Echo.Echo", async |text: String| Ok::<_, ServerError>(text))
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(Server::new(router).serve(listener, shutdown.clone()));
    let plain = Client::dial(addr).await?;
    let http = Client::dial_http(addr, carotid_netrpc::RPC_PATH).await?;
    for client in [&plain, &http] {
        let echo: String = client.call("Echo.Echo", "客户端/42").await.unwrap();
        assert_eq!(echo, "客户端/42");
    }
    let refused = Client::dial_http(addr, "/elsewhere").await.unwrap_err();
    assert!(refused.to_string().contains("404"));
    shutdown.cancel();
    serving.await?;
    assert!(matches!(plain.closed().await, Lost::ClosedByPeer));
    let error = http.call::<String>("Echo.Echo", "late").await.unwrap_err();
    assert_eq!(error.to_string(), "connection lost: closed by the peer");
    Ok(())
}
