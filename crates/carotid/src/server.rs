//! A server whose every connection is watched.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use carotid_core::{Allowance, BreakerConfig, Config, ConfigError};
use carotid_netrpc::{self as netrpc, End, Options, Router, serve_connection};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::{ConnectionId, Stream, disconnect};
use crate::driver::Driver;
use crate::sink::http;
use crate::source::netrpc::{Heartbeat, idle_timeout};

/// Settings of a [`Server`].
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// What is watched, and how patiently.
    pub engine: Config,
    /// What mass silence is, and what is done about it.
    pub breaker: BreakerConfig,
    /// How much all peers together may say.
    pub allowance: Allowance,
    /// The longest message a peer may send, in bytes. Default: 4 MiB; heartbeats alone need 1 KiB.
    pub max_message: usize,
    /// How long a peer may take to send its first complete call. Default: 5 s.
    pub first_call_timeout: Duration,
    /// How long a peer may take to accept a reply. Default: 5 s.
    pub write_timeout: Duration,
    /// How long calls in flight may take to finish at shutdown. Default: 5 s.
    pub drain_timeout: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            engine: Config::default(),
            breaker: BreakerConfig::default(),
            allowance: Allowance::default(),
            max_message: 4 << 20,
            first_call_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(5),
        }
    }
}

/// Serves Go's `net/rpc`, the `Heartbeat` methods among it, and watches who calls.
///
/// ```no_run
/// use carotid::{Server, ServerConfig};
/// use tokio::net::TcpListener;
/// use tokio_util::sync::CancellationToken;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new(ServerConfig::default())?;
/// let mut events = server.driver().hub().subscribe(Some(0));
/// let rpc = TcpListener::bind("127.0.0.1:7400").await?;
/// tokio::spawn(server.serve(rpc, None, CancellationToken::new()));
/// for record in events.next(100).await.records {
///     let name = record.what.event().map(|event| event.name.to_string());
///     println!("{}: {}", name.unwrap_or_default(), record.what.as_str());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    driver: Driver,
    router: Arc<Router>,
    options: Arc<Options>,
    config: ServerConfig,
}

impl Server {
    /// A server with these settings and no methods but `Heartbeat`'s.
    ///
    /// # Errors
    ///
    /// Settings that contradict themselves.
    pub fn new(config: ServerConfig) -> Result<Self, ConfigError> {
        let options = Options {
            max_message: config.max_message,
            first_call_timeout: config.first_call_timeout,
            write_timeout: config.write_timeout,
            ..Options::default()
        };
        Ok(Self {
            driver: Driver::new(&config.engine, config.breaker)?,
            router: Arc::default(),
            options: Arc::new(options),
            config,
        })
    }

    /// Serves these methods too; calls of them are signs of life.
    #[must_use]
    pub fn with_router(mut self, router: Router) -> Self {
        self.router = Arc::new(router);
        self
    }

    /// The sessions and their events.
    #[must_use]
    pub fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Serves RPC on `rpc` and, where given, health, sessions and events over HTTP on `operations`.
    /// When `shutdown` is cancelled it stops accepting, lets calls in flight finish for at most
    /// [`ServerConfig::drain_timeout`], and returns.
    pub async fn serve(
        self,
        rpc: TcpListener,
        operations: Option<TcpListener>,
        shutdown: CancellationToken,
    ) {
        // Ends what must outlive the connections, also when this future is dropped.
        let stop = CancellationToken::new();
        let _stopped = stop.clone().drop_guard();
        let background = TaskTracker::new();
        self.driver.attend(&background, &stop);
        if let Some(listener) = operations {
            let served = http::serve(
                listener,
                self.driver.clone(),
                shutdown.clone(),
                stop.clone(),
            );
            background.spawn(served);
        }

        let mut connections = JoinSet::new();
        let accepted = self.accept(&rpc, &mut connections, &shutdown);
        shutdown.run_until_cancelled(accepted).await;
        drop(rpc);
        self.drain(connections).await;

        stop.cancel();
        background.close();
        background.wait().await;
    }

    async fn accept(
        &self,
        listener: &TcpListener,
        connections: &mut JoinSet<()>,
        shutdown: &CancellationToken,
    ) {
        let mut last_id = 0;
        loop {
            let (tcp, peer) = tokio::select! {
                accepted = netrpc::accept(listener) => accepted,
                // One that has ended leaves the set.
                Some(_) = connections.join_next() => continue,
            };
            last_id += 1;
            match self.attend(ConnectionId(last_id), tcp, peer, shutdown.clone()) {
                Ok(connection) => {
                    connections.spawn(connection);
                }
                Err(error) => {
                    tracing::warn!(%peer, %error, "connection refused: its socket failed")
                }
            }
        }
    }

    /// Lets calls in flight finish, for as long as they may.
    async fn drain(&self, mut connections: JoinSet<()>) {
        if !connections.is_empty() {
            tracing::info!(connections = connections.len(), "finishing calls in flight");
        }
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.config.drain_timeout, all)
            .await
            .is_err()
        {
            tracing::warn!(
                connections = connections.len(),
                "some calls did not finish in time"
            );
            connections.shutdown().await;
        }
    }

    /// One connection from its first byte to its end.
    fn attend(
        &self,
        id: ConnectionId,
        tcp: TcpStream,
        peer: SocketAddr,
        shutdown: CancellationToken,
    ) -> io::Result<impl Future<Output = ()> + use<>> {
        let config = &self.config;
        let idle_timeout = idle_timeout(config.engine.terms, &config.breaker);
        let (stream, user_timeout) = Stream::new(tcp, idle_timeout)?;
        let mut heartbeat = Heartbeat::new(self.driver.clone(), id, peer, config, user_timeout);
        let (router, options) = (self.router.clone(), self.options.clone());
        Ok(async move {
            let end = serve_connection(stream, &router, &options, &mut heartbeat, &shutdown).await;
            log_end(id, peer, &end);
            heartbeat.detach(disconnect(&end)).await;
        })
    }
}

fn log_end(connection: ConnectionId, peer: SocketAddr, end: &End) {
    if matches!(
        end,
        End::Malformed(_) | End::WriteTimeout | End::NoFirstCall
    ) {
        tracing::warn!(%peer, %connection, reason = %end, "connection ended");
    } else {
        tracing::debug!(%peer, %connection, reason = %end, "connection ended");
    }
}
