//! A peer that goes on beating while its main loop makes no progress, as far as it tells.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use carotid::core::Terms;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// It beats in JSON, as a peer in any language can.
#[derive(Debug)]
pub(super) struct Wedging {
    /// Since when its main loop makes no progress.
    stuck_since: Arc<OnceLock<Instant>>,
    beating: JoinHandle<io::Result<()>>,
}

impl Wedging {
    pub(super) async fn start(name: &str, rpc: SocketAddr, terms: Terms) -> io::Result<Self> {
        let stream = BufReader::new(TcpStream::connect(rpc).await?);
        let stuck_since = Arc::new(OnceLock::new());
        let beating = beat(stream, name.to_owned(), terms, Arc::clone(&stuck_since));
        Ok(Self {
            stuck_since,
            beating: tokio::spawn(beating),
        })
    }

    /// From now on there is no progress.
    pub(super) fn wedge(&self) {
        // It is wedged once only.
        let _earlier = self.stuck_since.set(Instant::now());
    }
}

impl Drop for Wedging {
    fn drop(&mut self) {
        self.beating.abort();
    }
}

async fn beat(
    mut stream: BufReader<TcpStream>,
    name: String,
    terms: Terms,
    stuck_since: Arc<OnceLock<Instant>>,
) -> io::Result<()> {
    let open = json!({
        "Name": name,
        "IntervalMs": ms(terms.interval()),
        "TimeoutMs": ms(terms.timeout()),
    });
    call(&mut stream, "Heartbeat.Open", open).await?;
    let mut interval = tokio::time::interval(terms.interval());
    loop {
        interval.tick().await;
        let stuck = stuck_since.get().map_or(Duration::ZERO, Instant::elapsed);
        let beat = json!({ "Name": name, "ProgressMs": ms(stuck) });
        call(&mut stream, "Heartbeat.Beat", beat).await?;
    }
}

async fn call(stream: &mut BufReader<TcpStream>, method: &str, argument: Value) -> io::Result<()> {
    let call = json!({ "method": method, "params": [argument], "id": 0 });
    stream.write_all(call.to_string().as_bytes()).await?;
    let mut answer = String::new();
    match stream.read_line(&mut answer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
