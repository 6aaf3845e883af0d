//! A server and its clients, over real sockets.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, its foundations included"
)]

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use carotid_netrpc::codec::CallWriter;
use carotid_netrpc::{
    Answer, Argument, CallError, Client, End, Host, Interceptor, ListenAddr, Listener, Lost,
    Options, PeerAddr, RPC_PATH, Router, Server, ServerError, WireError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(PATIENCE, work).await;
    done.expect("it does not take this long")
}

/// Answers pings, and tells how connections end.
struct Pings {
    ends: mpsc::Sender<String>,
}

struct Connected {
    ends: mpsc::Sender<String>,
}

impl Host for Pings {
    type Interceptor = Connected;

    fn accept(self: &Arc<Self>, _: PeerAddr) -> Connected {
        Connected {
            ends: self.ends.clone(),
        }
    }
}

impl Interceptor for Connected {
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

    fn end(self, end: &End) {
        let text = if matches!(end, End::Malformed(WireError::TooLong { .. })) {
            "too long".to_owned()
        } else {
            end.to_string()
        };
        // Not every test asks.
        let _unheard = self.ends.try_send(text);
    }
}

/// A running server; stopped when dropped.
struct World {
    address: String,
    serving: JoinHandle<std::io::Result<()>>,
    shutdown: CancellationToken,
    ends: mpsc::Receiver<String>,
}

impl World {
    fn new(router: Router) -> Self {
        Self::with_options(router, Options::default())
    }

    fn with_options(router: Router, options: Options) -> Self {
        let listener = Listener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shutdown = CancellationToken::new();
        let (sender, ends) = mpsc::channel(100);
        let server = Server::new(router)
            .with_options(options)
            .with_host(Arc::new(Pings { ends: sender }))
            // More than one, so that connections are handed over.
            .with_loops(NonZeroUsize::new(2).unwrap());
        Self {
            address,
            serving: tokio::spawn(server.serve([listener], shutdown.clone())),
            shutdown,
            ends,
        }
    }

    async fn client(&self) -> Client {
        Client::dial(&*self.address).await.unwrap()
    }

    async fn stream(&self) -> TcpStream {
        TcpStream::connect(&*self.address).await.unwrap()
    }

    async fn end(&mut self) -> String {
        in_time(self.ends.recv()).await.unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn ping(client: &Client) -> impl Future<Output = Result<String, CallError>> {
    client.call("Heartbeat.Ping", "me")
}

/// A method that tells when it runs, and waits for leave to end.
fn gate() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (entered, open) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut router = Router::new();
    let (enters, opens) = (Arc::clone(&entered), Arc::clone(&open));
    router
        .method("Gate.Wait", move |name: String| {
            let (enters, opens) = (Arc::clone(&enters), Arc::clone(&opens));
            async move {
                enters.notify_one();
                opens.notified().await;
                Ok::<_, ServerError>(name)
            }
        })
        .unwrap();
    (router, entered, open)
}

#[tokio::test]
async fn errors_have_the_texts_of_go_and_the_connection_lives_on() {
    let mut router = Router::new();
    router
        .method("Arith.Double", async |n: i64| Ok::<_, ServerError>(2 * n))
        .unwrap();
    let world = World::new(router);
    let client = world.client().await;
    for (method, text) in [
        ("Nobody.Home", "rpc: can't find service Nobody.Home"),
        ("Arith.Halve", "rpc: can't find method Arith.Halve"),
        ("Arith", "rpc: service/method request ill-formed: Arith"),
        (
            "Arith.Double",
            "gob: decoding into local type *int, received remote type string",
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
    let world = World::new(router);
    let client = world.client().await;
    let error = client.call::<bool>("Bad.Panic", &true).await.unwrap_err();
    assert_eq!(error.to_string(), "rpc: method Bad.Panic panicked");
    assert!(!client.call::<bool>("Bad.Panic", &false).await.unwrap());
}

#[tokio::test]
async fn replies_come_when_they_are_ready_and_an_abandoned_call_harms_nobody() {
    let (router, entered, open) = gate();
    let world = World::new(router);
    let client = world.client().await;
    let mut first = Box::pin(client.call::<String>("Gate.Wait", "first"));
    let mut second = Box::pin(client.call::<String>("Gate.Wait", "second"));
    let both = async {
        entered.notified().await;
        entered.notified().await;
        ping(&client).await.unwrap()
    };
    tokio::select! {
        biased;
        _ = &mut first => panic!("the gate is closed"),
        _ = &mut second => panic!("the gate is closed"),
        pong = in_time(both) => assert_eq!(pong, "Pong"),
    }
    drop(first);
    open.notify_one();
    open.notify_one();
    assert_eq!(in_time(second).await.unwrap(), "second");
    assert_eq!(ping(&client).await.unwrap(), "Pong");
}

#[tokio::test]
async fn a_method_that_blocks_its_thread_delays_no_ping_of_others() {
    let mut router = Router::new();
    let (entered, open) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let (enters, opens) = (Arc::clone(&entered), Arc::clone(&open));
    router
        .method("Rude.Spin", move |n: u64| {
            let (enters, opens) = (Arc::clone(&enters), Arc::clone(&opens));
            async move {
                enters.notify_one();
                while !opens.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                Ok::<_, ServerError>(n)
            }
        })
        .unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let world = {
        let _entered = runtime.enter();
        World::new(router)
    };
    let client = world.client().await;
    let spinning = client.call::<u64>("Rude.Spin", &1_u64);
    let others = async {
        entered.notified().await;
        let pong = ping(&world.client().await).await;
        open.store(true, Ordering::SeqCst);
        pong
    };
    let (spun, pong) = in_time(async { tokio::join!(spinning, others) }).await;
    assert_eq!((spun.unwrap(), pong.unwrap()), (1, "Pong".to_owned()));
    drop(world);
    runtime.shutdown_background();
}

#[tokio::test]
async fn running_calls_are_cancelled_when_their_connection_breaks() {
    struct Flag(Arc<Notify>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (dropped, entered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut router = Router::new();
    let (drops, enters) = (Arc::clone(&dropped), Arc::clone(&entered));
    router
        .method("Gate.Wait", move |_: String| {
            let flag = Flag(Arc::clone(&drops));
            enters.notify_one();
            async move {
                std::future::pending::<()>().await;
                drop(flag);
                Ok::<_, ServerError>(String::new())
            }
        })
        .unwrap();
    let mut world = World::new(router);
    let mut stream = world.stream().await;
    let mut call = Vec::new();
    CallWriter::new()
        .call(&mut call, "Gate.Wait", 1, "x")
        .unwrap();
    stream.write_all(&call).await.unwrap();
    in_time(entered.notified()).await;
    // Closing at once, with a reset.
    stream.set_zero_linger().unwrap();
    drop(stream);
    in_time(dropped.notified()).await;
    assert!(world.end().await.starts_with("connection failed"));
}

#[tokio::test]
async fn a_peer_that_closed_its_own_side_gets_its_reply() {
    let (router, entered, open) = gate();
    let mut world = World::new(router);
    let mut stream = world.stream().await;
    let request = b"{\"method\":\"Gate.Wait\",\"params\":[\"late\"],\"id\":1}\n";
    stream.write_all(request).await.unwrap();
    stream.shutdown().await.unwrap();
    in_time(entered.notified()).await;
    open.notify_one();
    let mut reply = String::new();
    in_time(stream.read_to_string(&mut reply)).await.unwrap();
    assert_eq!(reply, "{\"id\":1,\"result\":\"late\",\"error\":null}\n");
    assert_eq!(world.end().await, "closed by the peer");
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_closed() {
    let options = Options {
        first_call_timeout: Duration::from_millis(50),
        ..Options::default()
    };
    let mut world = World::with_options(Router::new(), options);
    let mut stream = world.stream().await;
    stream.write_all(b"{").await.unwrap();
    assert_eq!(in_time(stream.read(&mut [0])).await.unwrap(), 0);
    let end = world.end().await;
    assert_eq!(end, "no whole call within the first-call timeout");
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_closed() {
    let options = Options {
        write_timeout: Duration::from_millis(50),
        ..Options::default()
    };
    let mut world = World::with_options(Router::new(), options);
    let mut stream = world.stream().await;
    let requests = b"{\"method\":\"Heartbeat.Ping\",\"params\":[\"me\"],\"id\":1}\n".repeat(1000);
    let flood = async { while stream.write_all(&requests).await.is_ok() {} };
    in_time(flood).await;
    assert_eq!(world.end().await, "the peer does not read its replies");
}

#[tokio::test]
async fn a_message_over_the_limit_ends_the_connection() {
    let options = Options {
        max_message: 1000,
        ..Options::default()
    };
    let mut world = World::with_options(Router::new(), options);
    let client = world.client().await;
    let long = "x".repeat(2000);
    let error = client.call::<String>("Heartbeat.Ping", &*long).await;
    assert!(matches!(error, Err(CallError::ConnectionLost(_))));
    assert_eq!(world.end().await, "too long");
}

#[tokio::test]
async fn a_reply_over_the_limit_ends_the_connection() {
    let mut router = Router::new();
    router
        .method("Echo.Twice", async |text: String| {
            Ok::<_, ServerError>(text.repeat(2))
        })
        .unwrap();
    let world = World::new(router);
    let options = Options {
        max_message: 1000,
        ..Options::default()
    };
    let client = Client::with_options(world.stream().await, &options);
    let error = client.call::<String>("Echo.Twice", &*"x".repeat(900)).await;
    assert!(matches!(
        error,
        Err(CallError::ConnectionLost(Lost::Malformed(_)))
    ));
    assert!(client.is_closed());
}

#[tokio::test]
async fn shutdown_lets_calls_finish_and_writes_their_replies() {
    let (router, entered, open) = gate();
    let mut world = World::new(router);
    let client = world.client().await;
    let idle = world.client().await;
    ping(&idle).await.unwrap();
    let stopping = async {
        entered.notified().await;
        world.shutdown.cancel();
        idle.closed().await;
        open.notify_one();
    };
    let call = client.call::<String>("Gate.Wait", "late");
    let (outcome, ()) = in_time(async { tokio::join!(call, stopping) }).await;
    assert_eq!(outcome.unwrap(), "late");
    in_time(&mut world.serving).await.unwrap().unwrap();
    assert_eq!(world.end().await, "shut down");
    assert!(TcpStream::connect(&*world.address).await.is_err());
}

#[tokio::test]
async fn a_dropped_server_closes_everything_at_once() {
    let (router, entered, _never) = gate();
    let world = World::new(router);
    let client = world.client().await;
    let stopping = async {
        entered.notified().await;
        world.serving.abort();
    };
    let call = client.call::<String>("Gate.Wait", "never");
    let (outcome, ()) = in_time(async { tokio::join!(call, stopping) }).await;
    assert!(matches!(outcome, Err(CallError::ConnectionLost(_))));
}

#[tokio::test]
async fn a_server_is_called_plainly_and_through_http() {
    let mut world = World::new(Router::new());
    let plain = world.client().await;
    let http = Client::dial_http(&*world.address, RPC_PATH).await.unwrap();
    for client in [&plain, &http] {
        assert_eq!(ping(client).await.unwrap(), "Pong");
    }
    let refused = Client::dial_http(&*world.address, "/elsewhere")
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("404"));
    world.shutdown.cancel();
    in_time(&mut world.serving).await.unwrap().unwrap();
    assert!(matches!(plain.closed().await, Lost::ClosedByPeer));
    let error = ping(&http).await.unwrap_err();
    assert!(matches!(error, CallError::ShutDown(Lost::ClosedByPeer)));
}

#[tokio::test]
async fn a_unix_socket_is_served_and_its_file_goes_with_the_server() {
    let folder = std::env::temp_dir().join(format!("carotid-netrpc-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("rpc.sock");
    let address = format!("unix:{}", path.display());
    // What a server leaves behind that was killed.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let listener = Listener::bind(&address).unwrap();
    assert_eq!(
        listener.local_addr().unwrap(),
        ListenAddr::Unix(path.clone())
    );
    let taken = Listener::bind(&address).unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);

    let (sender, _ends) = mpsc::channel(1);
    let server = Server::new(Router::new()).with_host(Arc::new(Pings { ends: sender }));
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(server.serve([listener], shutdown.clone()));
    let stream = UnixStream::connect(&path).await.unwrap();
    let client = Client::new(stream);
    assert_eq!(ping(&client).await.unwrap(), "Pong");
    shutdown.cancel();
    in_time(serving).await.unwrap().unwrap();
    assert!(!path.exists());
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Counts how often its only loop has kept up.
struct Attentive {
    kept_up: mpsc::Sender<()>,
}

impl Host for Attentive {
    type Interceptor = carotid_netrpc::Everything;

    fn accept(self: &Arc<Self>, _: PeerAddr) -> Self::Interceptor {
        carotid_netrpc::Everything
    }

    fn keep_up_every(&self) -> Option<Duration> {
        Some(Duration::from_millis(10))
    }

    fn kept_up(&self, _poll_loop: usize) {
        // One that nobody has looked at is enough.
        let _unseen = self.kept_up.try_send(());
    }
}

#[tokio::test]
async fn a_loop_keeps_up_and_answers_others_beside_peers_that_flood_it() {
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (kept_up, mut keeps_up) = mpsc::channel(1);
    let mut router = Router::new();
    router
        .method("Echo.Echo", async |n: u64| Ok::<_, ServerError>(n))
        .unwrap();
    let server = Server::new(router)
        .with_host(Arc::new(Attentive { kept_up }))
        .with_loops(NonZeroUsize::MIN);
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(server.serve([listener], shutdown.clone()));
    let mut floods = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(&*address).await.unwrap();
        floods.spawn(async move {
            // Nothing of it is answered, so nothing slows it down.
            let notification = br#"{"jsonrpc":"2.0","method":"No.Body"}"#.repeat(10_000);
            while stream.write_all(&notification).await.is_ok() {}
        });
    }
    let client = Client::dial(&*address).await.unwrap();
    for n in 0..50_u64 {
        assert_eq!(
            in_time(client.call::<u64>("Echo.Echo", &n)).await.unwrap(),
            n
        );
        in_time(keeps_up.recv()).await.unwrap();
    }
    shutdown.cancel();
    in_time(serving).await.unwrap().unwrap();
}
