//! `carotid serve`: the daemon.

mod reload;
mod systemd;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use carotid::core::{Event, EventKind, Suspicion};
use carotid::netrpc::Listener;
use carotid::{Batch, Driver, Happening, Server, ServerError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use clap::ArgMatches;

use crate::args::ServeArgs;
use crate::exit::Exit;
use crate::settings::{Decided, decide};
use crate::{logging, output};

use reload::Reload;

pub(crate) async fn run(args: ServeArgs, matches: ArgMatches) -> Result<ExitCode, Exit> {
    let decided = decide(args.clone())?;
    let log = Arc::new(logging::start(decided.log_format, &decided.log)?);
    let server = Server::new(decided.server.clone()).map_err(cannot_start)?;
    let signals = Signals::register()?;
    let hangup = register(SignalKind::hangup())?;
    allow_many_connections();

    let rpc = decided.listen.split(',').map(|address| {
        let address = address.trim();
        Listener::bind(address).map_err(|error| cannot_listen(error, address, "--listen"))
    });
    let rpc = rpc.collect::<Result<Vec<_>, _>>()?;
    let http = TcpListener::bind(&decided.http).await;
    let http = http.map_err(|error| cannot_listen(error, &decided.http, "--http"))?;
    announce(&decided, &rpc, &http)?;

    let shutdown = CancellationToken::new();
    tokio::spawn(log_events(server.driver().clone()));
    let reload = Reload::new(args, matches, log.clone(), server.driver().clone());
    let (driver, fault) = (server.driver().clone(), reload.fault());
    let status = move || fault.after(format!("{} sessions", driver.sessions()));
    systemd::ready(&status());
    tokio::spawn(signals.watch(shutdown.clone()));
    tokio::spawn(reload.watch(hangup, status.clone()));
    let vitality = server.vitality().clone();
    tokio::spawn(systemd::attend(move || vitality.trouble(), status));
    let served = server.serve(rpc, Some(http), shutdown).await;
    served.map_err(|error| Exit::usage(error).context("cannot serve connections"))?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

fn cannot_start(error: ServerError) -> Exit {
    match error {
        ServerError::Journal(error) => {
            let advice = error.advice();
            Exit::usage(error)
                .context("cannot open the journal")
                .advise(advice)
        }
        ServerError::Restore(error) => Exit::settings(error)
            .advise("Raise --max-sessions, or name another directory with --data DIR."),
        error @ (ServerError::Config(_) | ServerError::Thread(_) | _) => {
            Exit::settings(error).advise("See carotid serve --help.")
        }
    }
}

fn cannot_listen(error: io::Error, address: &str, flag: &str) -> Exit {
    let advice = if address.starts_with("unix:") {
        format!(
            "The folder must exist, the path be short (about 100 bytes) and no other daemon listen there; see {flag}."
        )
    } else if error.kind() == io::ErrorKind::AddrInUse {
        format!(
            "Is another carotid running there? Choose another address with {flag} HOST:PORT; port 0 picks a free one."
        )
    } else {
        format!("Say where to listen with {flag} HOST:PORT, for example {flag} 127.0.0.1:0.")
    };
    let exit = Exit::usage(error).context(format!("cannot listen on {address}"));
    exit.advise(advice)
}

/// Where the daemon can be reached.
#[derive(Serialize)]
struct Bound<'a> {
    /// The first of `listen`.
    rpc: &'a str,
    http: String,
    listen: &'a [String],
}

/// The one line on stdout that scripts wait for.
fn announce(decided: &Decided, rpc: &[Listener], http: &TcpListener) -> Result<(), Exit> {
    let all = rpc.iter().map(|listener| listener.local_addr());
    let all = all.collect::<Result<Vec<_>, _>>().map_err(Exit::usage)?;
    let all: Vec<_> = all.iter().map(ToString::to_string).collect();
    let http = http.local_addr().map_err(Exit::usage)?;
    let terms = decided.server.engine.terms;
    if let Suspicion::Fixed { intervals } = decided.server.engine.suspicion
        && terms.at_risk_after() < terms.interval().mul_f64(intervals)
    {
        tracing::warn!(
            "a session will be suspect after {:?}, before {intervals} × {:?} are over: its death after {:?} must not come unannounced",
            terms.at_risk_after(),
            terms.interval(),
            terms.timeout(),
        );
    }
    if let Some(file) = &decided.file {
        tracing::info!(file = %file.display(), "configuration read");
    }
    tracing::info!(
        rpc = all.join(","),
        %http,
        interval = ?terms.interval(),
        timeout = ?terms.timeout(),
        "watching",
    );
    let bound = Bound {
        rpc: &all[0],
        http: http.to_string(),
        listen: &all,
    };
    let bound = serde_json::to_string(&bound).expect("texts are always JSON");
    if output::line(&bound).is_err() {
        tracing::warn!("nobody reads standard output");
    }
    Ok(())
}

/// Every connection is a file descriptor; take as many as the system lets us.
fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

fn register(kind: SignalKind) -> Result<Signal, Exit> {
    signal(kind).map_err(|error| Exit::usage(error).context("cannot listen for signals"))
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn register() -> Result<Self, Exit> {
        Ok(Self {
            interrupt: register(SignalKind::interrupt())?,
            terminate: register(SignalKind::terminate())?,
        })
    }

    /// The first signal asks for an end in order, the second for an end.
    async fn watch(mut self, shutdown: CancellationToken) {
        self.next().await;
        tracing::info!("stopping; once more to stop at once");
        systemd::stopping();
        shutdown.cancel();
        self.next().await;
        // The log's own thread may lose its last lines; that is what "at once" means.
        std::process::exit(130);
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// More events than this at once are counted, in one line a second, instead of listed.
const LINES_AT_ONCE: usize = 16;

/// Writes the events into the log.
async fn log_events(driver: Driver) {
    let mut subscription = driver.hub().subscribe(Some(0));
    loop {
        let batch = subscription.next(LINES_AT_ONCE + 1).await;
        if batch.records.len() <= LINES_AT_ONCE {
            batch
                .records
                .iter()
                .for_each(|record| log_one(&record.what));
            continue;
        }
        let mut counts = Counts::default();
        counts.add(&batch);
        let second = tokio::time::Instant::now() + Duration::from_secs(1);
        while let Ok(batch) = tokio::time::timeout_at(second, subscription.next(256)).await {
            counts.add(&batch);
        }
        counts.log();
    }
}

fn log_one(what: &Happening) {
    match what {
        Happening::Session(conclusion) => log_event(&conclusion.event),
        Happening::Stalled(stall) => {
            let length = rounded(stall.length);
            tracing::warn!(
                ?length,
                "this daemon did not run; no session is blamed for it"
            );
        }
        Happening::MassSilence(incident) => {
            let held = rounded(incident.held_until.since(incident.at));
            tracing::warn!(
                incident = incident.number,
                at_risk = incident.at_risk,
                sessions = incident.sessions,
                all = incident.all,
                services = incident.services.join(","),
                ?held,
                "mass silence; deaths are held back"
            );
        }
        Happening::MassSilenceOver(end) => {
            let (died, returned) = (end.died, end.returned);
            tracing::warn!(
                incident = end.number,
                died,
                returned,
                "mass silence is over"
            );
        }
        Happening::Restarted(restart) => {
            let (down, sessions) = (rounded(restart.down), restart.sessions);
            tracing::warn!(
                ?down,
                sessions,
                "back after a restart; sessions are suspect until they beat, and have their full timeout"
            );
        }
        Happening::Skipped(events) => {
            tracing::warn!(
                events,
                "suspicions and the like were not kept while the journal could not be written"
            );
        }
        _ => {}
    }
}

fn log_event(event: &Event) {
    let (name, epoch, silent) = (&event.name, event.epoch, rounded(event.silent));
    match event.kind {
        EventKind::Suspect { cause } => {
            tracing::info!(%name, epoch, cause = cause.as_str(), ?silent, "suspect");
        }
        EventKind::Dead { cause } => {
            tracing::warn!(%name, epoch, cause = cause.as_str(), ?silent, "dead");
        }
        EventKind::Back => tracing::info!(%name, epoch, ?silent, "back"),
        EventKind::Wedged { stuck } => {
            tracing::warn!(%name, epoch, ?stuck, "alive, but wedged");
        }
        kind @ (EventKind::Opened { .. } | EventKind::Left | _) => {
            tracing::info!(%name, epoch, "{}", kind.as_str());
        }
    }
}

/// To whole milliseconds: nobody reads further.
fn rounded(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// How often what happened.
#[derive(Debug, Default)]
struct Counts {
    opened: u64,
    suspect: u64,
    back: u64,
    dead: u64,
    left: u64,
    /// Or not any more.
    wedged: u64,
}

impl Counts {
    /// Counts what concerns one session, and says what concerns all.
    fn add(&mut self, batch: &Batch) {
        for record in &batch.records {
            let Some(event) = record.what.event() else {
                log_one(&record.what);
                continue;
            };
            let count = match event.kind {
                EventKind::Opened { .. } => &mut self.opened,
                EventKind::Suspect { .. } => &mut self.suspect,
                EventKind::Back => &mut self.back,
                EventKind::Dead { .. } => &mut self.dead,
                EventKind::Left => &mut self.left,
                EventKind::Wedged { .. } | EventKind::Unwedged | _ => &mut self.wedged,
            };
            *count += 1;
        }
    }

    fn log(&self) {
        let Self {
            opened,
            suspect,
            back,
            dead,
            left,
            wedged,
        } = self;
        let said = "many sessions changed at once; GET /api/v1/events lists them";
        if *dead > 0 {
            tracing::warn!(opened, suspect, back, dead, left, wedged, "{said}");
        } else {
            tracing::info!(opened, suspect, back, dead, left, wedged, "{said}");
        }
    }
}
