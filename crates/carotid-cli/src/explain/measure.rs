//! Each way to die, done for real against a scratch daemon, and timed.

mod network;
mod peer;
mod scratch;
mod wedging;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use carotid::core::{EventKind, Terms};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::forecast::{Finding, Forecast, Way};
use crate::args::ServeArgs;
use crate::exit::Exit;
use crate::output;
use network::Network;
use peer::Peer;
use scratch::{Scratch, Sighting};

/// How far what is measured may lie outside of what is computed: as much lateness as a daemon does
/// not count as a stall of its own.
pub(super) const TOLERANCE: Duration = Duration::from_millis(250);

/// How long a peer may take to start and connect.
const START: Duration = Duration::from_secs(10);

/// How long after its latest time an event is still waited for.
const GRACE: Duration = Duration::from_secs(5);

/// What came of one way to die.
#[derive(Debug)]
pub(super) enum Outcome {
    /// For each of its findings; `None` if the event did not come.
    Measured(Vec<Option<Measured>>),
    /// Why it was not done.
    NotMeasured(String),
}

/// One event that was waited for.
#[derive(Debug)]
pub(super) struct Measured {
    /// How long after the deed.
    pub(super) after: Duration,
    pub(super) cause: Option<String>,
    /// How long the scratch daemon did not run since the peer's last beat.
    pub(super) stalled: Duration,
}

/// How a measurement is to be done.
#[derive(Clone, Debug)]
pub(super) struct Measuring {
    flags: Arc<[OsString]>,
    terms: Terms,
    is_watched: bool,
    stop: CancellationToken,
}

impl Measuring {
    pub(super) fn new(flags: Vec<OsString>, terms: Terms, stop: CancellationToken) -> Self {
        Self {
            flags: flags.into(),
            terms,
            is_watched: io::stderr().is_terminal(),
            stop,
        }
    }

    /// Does them all, side by side, until it is told to stop. It leaves nothing behind, dropped in the
    /// middle or not.
    pub(super) async fn run(self, forecasts: &[Forecast]) -> Result<Vec<Outcome>, Exit> {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let shared = Scratch::start(&self.flags, loopback).await;
        let shared = Arc::new(shared.map_err(|error| {
            Exit::usage(error)
                .context("cannot start a scratch daemon")
                .advise("Without --measure nothing is started.")
        })?);
        self.announce(forecasts);
        let mut running = JoinSet::new();
        for (index, forecast) in forecasts.iter().enumerate() {
            let measuring = self.clone();
            let (shared, forecast) = (Arc::clone(&shared), forecast.clone());
            running.spawn(async move { (index, measuring.one(&forecast, &shared).await) });
        }
        let failed = || Outcome::NotMeasured("its measurement failed".to_owned());
        let mut outcomes: Vec<_> = forecasts.iter().map(|_| failed()).collect();
        while let Some(done) = running.join_next().await {
            // A measurement that panicked has said so.
            if let Ok((index, outcome)) = done {
                outcomes[index] = outcome;
            }
        }
        if let Ok(shared) = Arc::try_unwrap(shared) {
            shared.end().await;
        }
        Ok(outcomes)
    }

    fn announce(&self, forecasts: &[Forecast]) {
        let latest = forecasts.iter().flat_map(|forecast| &forecast.findings);
        let latest = latest.map(|finding| finding.latest).max();
        let latest = latest.unwrap_or_default();
        let begin = self.beginning();
        self.tell(format_args!(
            "waiting for the first beats of each peer, at most {begin:?}; then for their deaths, at most {:?}",
            latest + GRACE
        ));
    }

    /// How long the two first beats may take, and the wait for a point between two.
    fn beginning(&self) -> Duration {
        START + 3 * self.terms.interval()
    }

    /// Talk for whoever waits at a terminal.
    fn tell(&self, text: std::fmt::Arguments<'_>) {
        if self.is_watched {
            output::talk(text);
        }
    }

    async fn one(&self, forecast: &Forecast, shared: &Scratch) -> Outcome {
        let way = forecast.way;
        let tried = match way {
            // Its network is removed last.
            Way::HostGone | Way::NetworkCut => match self.remote().await {
                Ok((network, scratch)) => {
                    let tried = self.with(forecast, &scratch, Some(&network)).await;
                    scratch.end().await;
                    tried
                }
                Err(why) => Err(why),
            },
            Way::Goodbye | Way::Exit | Way::Kill | Way::Frozen | Way::Wedged => {
                self.with(forecast, shared, None).await
            }
        };
        match tried {
            Ok(measured) => Outcome::Measured(measured),
            Err(why) => {
                self.tell(format_args!("{}: not measured: {why}", way.what()));
                Outcome::NotMeasured(why)
            }
        }
    }

    /// A network of its own, and a daemon that can be reached from it.
    async fn remote(&self) -> Result<(Network, Scratch), String> {
        let network = Network::create().await?;
        let scratch = Scratch::start(&self.flags, IpAddr::V4(network.host()))
            .await
            .map_err(|error| format!("cannot start a scratch daemon there: {error:#}"))?;
        Ok((network, scratch))
    }

    async fn with(
        &self,
        forecast: &Forecast,
        scratch: &Scratch,
        network: Option<&Network>,
    ) -> Result<Vec<Option<Measured>>, String> {
        let way = forecast.way;
        let name = format!("explain/{}", way.as_str());
        let mut peer = Peer::start(way, &name, scratch.rpc, self.terms, network)
            .await
            .map_err(|error| format!("cannot start a peer: {error}"))?;
        let watched = self.watch(forecast, scratch, &name, &mut peer, network);
        let tried = self.stop.run_until_cancelled(watched).await;
        peer.end().await;
        tried.unwrap_or_else(|| Err("stopped".to_owned()))
    }

    /// Lets it die between two beats, and waits for what comes of it.
    async fn watch(
        &self,
        forecast: &Forecast,
        scratch: &Scratch,
        name: &str,
        peer: &mut Peer,
        network: Option<&Network>,
    ) -> Result<Vec<Option<Measured>>, String> {
        self.first_beats(scratch, name).await?;
        tokio::time::sleep(self.terms.interval().mul_f64(rand::random())).await;
        // The deed takes a moment; what is measured is counted from its beginning.
        let struck = Instant::now();
        peer.die(network)
            .await
            .map_err(|error| format!("cannot do it: {error}"))?;
        self.tell(format_args!("{}: done", forecast.way.what()));
        Ok(self.follow(forecast, scratch, name, struck).await)
    }

    /// Waits until two beats have come.
    async fn first_beats(&self, scratch: &Scratch, name: &str) -> Result<(), String> {
        let patience = START + 2 * self.terms.interval();
        let pause = (self.terms.interval() / 10).clamp(POLL_LEAST, POLL_MOST);
        let beaten = async {
            while scratch.beats(name).await < 2 {
                tokio::time::sleep(pause).await;
            }
        };
        let beaten = tokio::time::timeout(patience, beaten).await;
        beaten.map_err(|_| {
            format!("its peer did not beat twice on the scratch daemon within {patience:?}")
        })
    }

    /// Waits for what is to be found, one after the other.
    async fn follow(
        &self,
        forecast: &Forecast,
        scratch: &Scratch,
        name: &str,
        struck: Instant,
    ) -> Vec<Option<Measured>> {
        let mut sightings = scratch.sightings();
        for finding in &forecast.findings {
            let until = struck + finding.latest + TOLERANCE + GRACE;
            let came = sightings.wait_for(|all| sighting(all, name, finding).is_some());
            let event = finding.kind.as_str();
            let what = forecast.way.what();
            if timeout_at(until, came).await.is_ok_and(|came| came.is_ok()) {
                let after = struck.elapsed();
                self.tell(format_args!("{what}: {event} after {after:.1?}"));
            } else {
                self.tell(format_args!("{what}: {event} did not come"));
            }
        }
        // A beat on its way may have taken a suspicion back that was there at first.
        let all = sightings.borrow();
        let measured = forecast.findings.iter().map(|finding| {
            let seen = sighting(&all, name, finding)?;
            let evidence = seen.event.evidence.as_ref();
            let stalled = evidence.map_or(0, |evidence| evidence.stalled_ms);
            Some(Measured {
                after: seen.at.saturating_duration_since(struck),
                cause: seen.event.cause.as_deref().map(str::to_owned),
                stalled: Duration::from_millis(stalled),
            })
        });
        measured.collect()
    }
}

const POLL_LEAST: Duration = Duration::from_millis(20);
const POLL_MOST: Duration = Duration::from_millis(500);

/// The last event of the kind that was not taken back.
fn sighting<'a>(all: &'a [Sighting], name: &str, finding: &Finding) -> Option<&'a Sighting> {
    let kind = finding.kind.as_str();
    let back = EventKind::Back.as_str();
    let mut of_it = all.iter().rev();
    let last = of_it.find(|seen| {
        seen.event.name.as_deref() == Some(name)
            && (seen.event.kind == kind || seen.event.kind == back)
    });
    last.filter(|seen| seen.event.kind == kind)
}

/// The flags with which the scratch daemon has the same settings. It finds the same file.
pub(super) fn flags(args: &ServeArgs) -> Vec<OsString> {
    let settings = &args.settings;
    let mut flags: Vec<OsString> = Vec::new();
    let mut give = |flag: &str, value: Option<OsString>| {
        if let Some(value) = value {
            flags.extend([flag.into(), value]);
        }
    };
    let text = |value: String| Some(OsString::from(value));
    let nanos = |span: &crate::span::Span| format!("{}ns", span.0.as_nanos()).into();
    give("--config", args.config.clone().map(Into::into));
    give("--interval", settings.interval.as_ref().map(nanos));
    give("--timeout", settings.timeout.as_ref().map(nanos));
    let detection = &settings.detection;
    let rule = detection
        .detector
        .as_ref()
        .and_then(clap::ValueEnum::to_possible_value);
    give("--detector", rule.map(|rule| rule.get_name().into()));
    let number = |number: f64| number.to_string().into();
    give("--suspect-after", detection.suspect_after.map(number));
    give(
        "--false-suspicions-per-day",
        detection.false_suspicions_per_day.map(number),
    );
    let lost = settings
        .on_disconnect
        .as_ref()
        .and_then(clap::ValueEnum::to_possible_value);
    give(
        "--on-disconnect",
        lost.map(|health| health.get_name().into()),
    );
    // A handful of peers that die together are no fleet, and no mass.
    give("--mass-silence-share", text("1".to_owned()));
    give("--beats-per-second", text(u32::MAX.to_string()));
    give("--max-sessions", text("1000".to_owned()));
    give("--log", text("error".to_owned()));
    flags
}

/// What a listener in this place is told to listen on.
fn any_port(ip: IpAddr) -> SocketAddr {
    SocketAddr::new(ip, 0)
}
