//! What strangers send. Each case ends at most its own connection: a peer that was there before is
//! answered throughout.

use std::net::SocketAddr;
use std::time::Duration;

use carotid::ServerConfig;
use carotid::netrpc::{CallError, Client, Router};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::ground::{Ground, in_time};

async fn ground() -> (Ground, Client) {
    let config = ServerConfig {
        max_message: 64 * 1024,
        first_call_timeout: Duration::from_millis(300),
        ..ServerConfig::default()
    };
    let ground = Ground::with(config, Router::new()).await;
    let witness = Client::dial(ground.address).await.unwrap();
    assert_unharmed(&witness).await;
    (ground, witness)
}

async fn assert_unharmed(witness: &Client) {
    let pong: String = in_time(witness.call("Heartbeat.Ping", "witness"))
        .await
        .unwrap();
    assert_eq!(pong, "Pong");
}

/// Sends `bytes` and returns what comes back until the server closes.
async fn send(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may have closed before all was sent.
    let _refused = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _reset = in_time(stream.read_to_end(&mut answer)).await;
    answer
}

/// A generator whose every number follows from the first (xorshift, G. Marsaglia 2003).
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[tokio::test]
async fn random_bytes_end_their_own_connection() {
    let (ground, witness) = ground().await;
    for seed in 1..200 {
        send(ground.address, &noise(seed, 300)).await;
        assert_unharmed(&witness).await;
    }
}

#[tokio::test]
async fn a_length_of_two_to_the_62_is_refused_at_once() {
    let (ground, witness) = ground().await;
    let mut bytes = vec![0xF8];
    bytes.extend((1u64 << 62).to_be_bytes());
    bytes.extend([0xFF, 0x81]);
    assert_eq!(send(ground.address, &bytes).await, b"");
    assert_unharmed(&witness).await;
}

#[tokio::test]
async fn a_json_line_of_ten_megabytes_is_refused() {
    let (ground, witness) = ground().await;
    let mut line = br#"{"method":"Heartbeat.Ping","id":1,"params":[""#.to_vec();
    line.resize(10 << 20, b'x');
    let answer = send(ground.address, &line).await;
    assert!(answer.len() < 1000, "{} bytes of answer", answer.len());
    assert_unharmed(&witness).await;
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_not_kept() {
    let (ground, witness) = ground().await;
    assert_eq!(send(ground.address, b"").await, b"");
    assert_eq!(send(ground.address, b"{\"meth").await, b"");
    assert_unharmed(&witness).await;
}

#[tokio::test]
async fn http_on_the_rpc_port_is_told_where_it_is() {
    let (ground, witness) = ground().await;
    let answer = send(ground.address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 405"), "{answer}");
    assert_unharmed(&witness).await;
}

#[tokio::test]
async fn names_that_forge_log_lines_are_refused_and_the_connection_lives_on() {
    let (ground, witness) = ground().await;
    let long = "x".repeat(129);
    for name in ["a\nb", "\x1b[2J", "a\u{202e}b", " padded", &long] {
        let refusal = in_time(witness.call::<String>("Heartbeat.Ping", name)).await;
        match refusal {
            Err(CallError::Server(error)) => {
                assert!(error.text().starts_with("carotid: session name"), "{error}");
                assert!(!error.text().contains(name), "the refusal repeats {name:?}");
            }
            other => panic!("{name:?} gave {other:?}"),
        }
        assert_unharmed(&witness).await;
    }
    assert_eq!(
        ground.driver.hub().last_seq(),
        1,
        "only the witness was opened"
    );
}
