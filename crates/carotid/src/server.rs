//! A server whose every connection is watched.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use carotid_core::{Allowance, BreakerConfig, Config, ConfigError};
use carotid_netrpc::{self as netrpc, Listener, Options, Router};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::driver::{Driver, RestoreError, ServiceConfigs};
use crate::readers::Readers;
use crate::sink::alert::{self, Alerting, Beginning, History, Rule};
use crate::sink::http::{self, Desk, Methods};
use crate::sink::journal::{self, Archive, Journal, JournalConfig, OpenJournalError};
use crate::source::http::Beats;
use crate::source::netrpc::{Calls, Reception};
use crate::vitality::{Loops, Vitality};

/// Settings of a [`Server`].
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// What is watched, and how patiently.
    pub engine: Config,
    /// What mass silence is, and what is done about it.
    pub breaker: BreakerConfig,
    /// What single services are held to. Default: nothing, one session alive is enough for each.
    pub services: ServiceConfigs,
    /// How much all peers together may say.
    pub allowance: Allowance,
    /// Where and what the journal keeps; `None` keeps everything in memory. Default: `None`.
    pub journal: Option<JournalConfig>,
    /// Who is told of what. Default: nobody.
    pub alerts: Vec<Rule>,
    /// Names that the operations listener is called by besides its address, such as a proxy's. On loopback it
    /// answers to addresses, `localhost` and these alone, elsewhere to any name if there are none of these: a
    /// page whose name points at this machine could read it through a browser otherwise. Default: none.
    pub http_hosts: Vec<String>,
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
            services: ServiceConfigs::new(),
            allowance: Allowance::default(),
            journal: None,
            alerts: Vec::new(),
            http_hosts: Vec::new(),
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
/// use carotid::netrpc::Listener;
/// use carotid::{Server, ServerConfig};
/// use tokio_util::sync::CancellationToken;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::new(ServerConfig::default())?;
/// let mut events = server.driver().hub().subscribe(Some(0));
/// let rpc = Listener::bind("127.0.0.1:7400")?;
/// tokio::spawn(server.serve([rpc], None, CancellationToken::new()));
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
    options: Options,
    config: ServerConfig,
    journal: Option<Journal>,
    vitality: Vitality,
}

/// What keeps a server from being made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Settings that contradict themselves.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The journal cannot be opened.
    #[error("cannot open the journal")]
    Journal(#[from] OpenJournalError),
    /// What the journal remembers cannot be taken up.
    #[error("cannot go on where the journal ends")]
    Restore(#[source] RestoreError),
    /// The system gives no thread to write the journal.
    #[error("cannot start the journal's thread")]
    Thread(#[source] io::Error),
}

impl From<RestoreError> for ServerError {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Config(error) => Self::Config(error),
            error @ RestoreError::Table { .. } => Self::Restore(error),
        }
    }
}

impl Server {
    /// A server with these settings and no methods but `Heartbeat`'s. With a journal it goes on where that
    /// ends, and writes it from now on.
    ///
    /// # Errors
    ///
    /// Settings that contradict themselves, or a journal that cannot be used.
    pub fn new(config: ServerConfig) -> Result<Self, ServerError> {
        let options = Options {
            max_message: config.max_message,
            first_call_timeout: config.first_call_timeout,
            write_timeout: config.write_timeout,
            ..Options::default()
        };
        let (driver, journal) = match &config.journal {
            None => (Driver::new(&config.engine, config.breaker)?, None),
            Some(settings) => {
                let opened = journal::open(settings)?;
                let driver = Driver::restored(&config.engine, config.breaker, opened.past)?;
                // Before the journal begins to account for them.
                driver.hold_to(config.services.clone());
                let journal = opened.journal.start(driver.clone());
                (driver, Some(journal.map_err(ServerError::Thread)?))
            }
        };
        driver.hold_to(config.services.clone());
        Ok(Self {
            driver,
            router: Arc::default(),
            options,
            config,
            journal,
            vitality: Vitality::default(),
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

    /// Whether it makes progress, once it serves.
    #[must_use]
    pub fn vitality(&self) -> &Vitality {
        &self.vitality
    }

    /// What the journal has; `None` without one.
    #[must_use]
    pub fn archive(&self) -> Option<&Archive> {
        self.journal.as_ref().map(Journal::archive)
    }

    /// Serves RPC on `rpc` and, where given, health, sessions and events over HTTP on `operations`.
    /// When `shutdown` is cancelled it stops accepting, lets calls in flight finish for at most
    /// [`ServerConfig::drain_timeout`], and returns.
    ///
    /// # Errors
    ///
    /// The system gives no thread or no poll set for connections.
    pub async fn serve(
        mut self,
        rpc: impl IntoIterator<Item = Listener>,
        operations: Option<TcpListener>,
        shutdown: CancellationToken,
    ) -> io::Result<()> {
        let server = netrpc::Server::new(self.router.clone()).with_options(self.options.clone());
        let readers = Arc::new(Readers::new(server.loops()));
        let calls = Arc::new(Calls::default());
        // Ends what must outlive the connections, also when this future is dropped.
        let stop = CancellationToken::new();
        let _stopped = stop.clone().drop_guard();
        let background = TaskTracker::new();
        let detection = self.detect(readers.clone(), stop.clone())?;
        let reception = Reception::new(
            self.driver.clone(),
            &self.config,
            readers.clone(),
            calls.clone(),
        );
        let observation = self.vitality.observe(Loops {
            driver: self.driver.clone(),
            readers: readers.clone(),
        })?;
        let alerting = self.alert(operations.as_ref(), stop.clone())?;
        if let Some(listener) = operations {
            let desk = Desk {
                driver: self.driver.clone(),
                archive: self.archive().cloned(),
                methods: Methods {
                    router: self.router.clone(),
                    heartbeat: calls,
                },
                connections: reception.connections(),
                vitality: self.vitality.clone(),
                alerts: alerting.board.clone(),
                shutdown: shutdown.clone(),
                stop: stop.clone(),
            };
            let beats = Beats::new(
                self.driver.clone(),
                &self.config,
                readers.clone(),
                stop.clone(),
            );
            let names = self.config.http_hosts.clone();
            background.spawn(async move { http::serve(listener, desk, beats, &names).await });
        }

        let served = server
            .with_host(Arc::new(reception))
            .serve(rpc, shutdown.clone());
        let outcome = self.drain(served, &readers, &shutdown).await;

        drop(observation);
        stop.cancel();
        detection.cancelled().await;
        alerting.ended.cancelled().await;
        background.close();
        background.wait().await;
        if let Some(journal) = self.journal.take() {
            // Nothing happens any more; what did is durable before we are gone.
            let _ended = tokio::task::spawn_blocking(move || journal.end()).await;
        }
        outcome
    }

    /// Starts to tell those who want to be told.
    fn alert(
        &self,
        operations: Option<&TcpListener>,
        stop: CancellationToken,
    ) -> io::Result<Alerting> {
        let address = operations.and_then(|listener| listener.local_addr().ok());
        let beginning = Beginning {
            rules: self.config.alerts.clone(),
            driver: self.driver.clone(),
            path: self.archive().map(|archive| archive.path().to_owned()),
            history: self.archive().cloned().map(History::of).unwrap_or_default(),
            page: address.map_or_else(String::new, |address| format!("http://{address}/")),
            settle: self.config.engine.terms.timeout(),
        };
        alert::start(beginning, stop)
    }

    /// Starts the thread that notices who is silent: methods of the application's that block its runtime
    /// must not keep us from that. What is returned is cancelled when it has ended.
    fn detect(
        &self,
        readers: Arc<Readers>,
        stop: CancellationToken,
    ) -> io::Result<CancellationToken> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        // Whoever is answered from here on is listened to.
        self.driver.begin();
        let driver = self.driver.clone();
        let ended = CancellationToken::new();
        let tell = ended.clone().drop_guard();
        let thread = std::thread::Builder::new().name("carotid-driver".to_owned());
        thread.spawn(move || {
            let _tell = tell;
            runtime.block_on(async {
                let tasks = TaskTracker::new();
                driver.attend_with(readers, &tasks, &stop);
                tasks.close();
                tasks.wait().await;
            });
        })?;
        Ok(ended)
    }

    /// Serves, and lets calls in flight at the end finish for as long as they may.
    async fn drain(
        &self,
        served: impl Future<Output = io::Result<()>>,
        readers: &Readers,
        shutdown: &CancellationToken,
    ) -> io::Result<()> {
        let drained = async {
            shutdown.cancelled().await;
            readers.dismiss();
            tokio::time::sleep(self.config.drain_timeout).await;
        };
        tokio::select! {
            outcome = served => outcome,
            () = drained => {
                tracing::warn!("some calls did not finish in time");
                Ok(())
            }
        }
    }
}
