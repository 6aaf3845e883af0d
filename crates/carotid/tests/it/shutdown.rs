//! The end in order.

use std::sync::Arc;
use std::time::Duration;

use carotid::ServerConfig;
use carotid::netrpc::{Client, Router, ServerError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::ground::{Ground, in_time};
use super::http::get;

/// A method that waits until it is told to go on, and one's way of telling it.
fn slow_router() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut router = Router::new();
    let (begins, waits) = (begun.clone(), go_on.clone());
    let slow = move |text: String| {
        let (begins, waits) = (begins.clone(), waits.clone());
        async move {
            begins.notify_one();
            waits.notified().await;
            Ok::<_, ServerError>(text)
        }
    };
    router.method("Slow.Echo", slow).unwrap();
    (router, begun, go_on)
}

#[tokio::test]
async fn a_call_in_flight_is_answered_before_the_end() {
    let (router, begun, go_on) = slow_router();
    let mut ground = Ground::with(ServerConfig::default(), router).await;
    let client = Client::dial(ground.address).await.unwrap();
    let call = async { client.call::<String>("Slow.Echo", "late").await };
    let stop = async {
        begun.notified().await;
        ground.shutdown.cancel();
        // The listener is gone once nobody can connect any more.
        while TcpStream::connect(ground.address).await.is_ok() {}
        let ready = get(&ground, "/readyz?verbose", &[]).await;
        assert_eq!(ready.status, 503);
        let said = "rpc: shutting down\n[+] process: ok\n[-] rpc: shutting down\n";
        assert!(ready.body.starts_with(said), "{ready:?}");
        assert_eq!(get(&ground, "/livez", &[]).await.status, 200);
        go_on.notify_one();
    };
    let (answer, ()) = in_time(async { tokio::join!(call, stop) }).await;
    assert_eq!(answer.unwrap(), "late");
    in_time(&mut ground.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_call_that_never_ends_does_not_hold_up_the_end() {
    let (router, begun, _never) = slow_router();
    let config = ServerConfig {
        drain_timeout: Duration::from_millis(50),
        ..ServerConfig::default()
    };
    let mut ground = Ground::with(config, router).await;
    let client = Client::dial(ground.address).await.unwrap();
    let stop = async {
        begun.notified().await;
        ground.shutdown.cancel();
    };
    let call = client.call::<String>("Slow.Echo", "never");
    let (answer, ()) = in_time(async { tokio::join!(call, stop) }).await;
    assert!(answer.is_err());
    in_time(&mut ground.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_reader_that_stalls_does_not_hold_up_the_end() {
    let mut ground = Ground::start().await;
    let mut half_a_request = TcpStream::connect(ground.operations).await.unwrap();
    half_a_request.write_all(b"GET / HT").await.unwrap();
    let mut follower = TcpStream::connect(ground.operations).await.unwrap();
    let request = b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    follower.write_all(request).await.unwrap();
    let mut status = [0; 12];
    in_time(follower.read_exact(&mut status)).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    ground.shutdown.cancel();
    in_time(&mut ground.served).await.unwrap().unwrap();
}
