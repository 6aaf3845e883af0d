//! The command line.

use std::path::PathBuf;

use carotid::core::SessionName;
use carotid::{Address, SpanError};
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Deserialize;

use crate::alert::AlertArgs;
use crate::bench::BenchArgs;
use crate::config::ConfigCommand;
use crate::man::ManArgs;
use crate::output::Format;
use crate::settings::Services;
use crate::span::Span;

pub(crate) const DEFAULT_RPC: &str = "127.0.0.1:7400";
pub(crate) const DEFAULT_HTTP: &str = "127.0.0.1:7401";

/// Feel whether an RPC connection is alive, and know why you believe it.
///
/// `carotid serve` watches every peer that calls it; Go programs reach it with
/// rpc.Dial("tcp", "127.0.0.1:7400") and client.Call("Heartbeat.Ping", "payments/7", &reply).
#[derive(Debug, Parser)]
#[command(name = "carotid", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch sessions: the daemon
    Serve(Box<ServeArgs>),
    /// Be a session, until stopped or for as long as a command runs
    Beat(BeatArgs),
    /// Ask a server once whether it serves
    ///
    /// Exit codes: 0 it serves, 1 wrong usage, 2 cannot connect, 3 it does not answer as a
    /// heartbeat server, 4 it answers that it is not serving.
    Ping(PingArgs),
    /// List sessions
    Ps(PsArgs),
    /// Show services and sessions on a terminal, as they are now
    Top(TopArgs),
    /// Follow events as they happen
    Watch(WatchArgs),
    /// Tell what the belief in a session stands on
    Why(WhyArgs),
    /// Try the rules that tell people of what happens, and see how they fare
    Alert(AlertArgs),
    /// Tell how a name or a service was, and how much of its time it was up
    ///
    /// From the journal of the daemon. Time in which the daemon itself did not run is known to be unknown,
    /// and is no part of the availability.
    History(HistoryArgs),
    /// Tell how soon each way of dying is noticed, from the settings in force
    ///
    /// Takes the flags, environment and file of carotid serve, and refuses what it refuses. With
    /// --measure it does them all for real, too. Exit codes: 0, or 1 if the settings cannot be used or
    /// nothing could be started, 3 if something measured is not as computed.
    Explain(Box<ExplainArgs>),
    /// Put a heartbeat server under load and tell what it takes
    ///
    /// Any server of Go's net/rpc that answers Heartbeat.Ping will do. Flat out, every connection keeps
    /// its pings in flight and sends the next when one is answered; latency is then measured from the
    /// moment a ping was sent. With --rate pings fall due by the clock, whether the server keeps up or
    /// not, and latency is measured from the moment a ping was due: a server that stops for a second has
    /// made everybody wait who came in that second (Gil Tene, "How NOT to Measure Latency"; what forgets
    /// them is called coordinated omission). Exit codes: 0, 1 wrong usage, 2 cannot connect, 3 not all
    /// pings were answered, 4 the server answers something else than Pong, 130 interrupted.
    Bench(Box<BenchArgs>),
    /// Tell the daemon's settings, or what is wrong with them
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write manual pages
    Man(ManArgs),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ServeArgs {
    /// Configuration file [default: $XDG_CONFIG_HOME/carotid/carotid.toml (~/.config if unset), then
    /// /etc/carotid/carotid.toml, whichever exists]
    #[arg(long, env = "CAROTID_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// What the daemon can be told, by flag, by environment or in its file; each is optional in each.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Where to take RPC: HOST:PORT, where port 0 picks a free one, or unix:PATH; several with commas
    /// between them [default: 127.0.0.1:7400]
    #[arg(long, env = "CAROTID_LISTEN", value_name = "ADDR,…")]
    pub(crate) listen: Option<String>,

    /// Where to answer health, sessions and events over HTTP [default: 127.0.0.1:7401]
    #[arg(long, env = "CAROTID_HTTP", value_name = "ADDR")]
    pub(crate) http: Option<String>,

    /// Names that the HTTP listener is called by besides its address, such as a proxy's, with commas between
    /// them: on loopback it answers to addresses, localhost and these alone, as any page's name may point
    /// at this machine
    #[arg(long, env = "CAROTID_HTTP_HOSTS", value_name = "NAME,…")]
    #[serde(alias = "http-hosts")]
    pub(crate) http_hosts: Option<String>,

    /// Folder of the journal: what was concluded, and who is to be watched after a restart; none keeps
    /// everything in memory [default: $STATE_DIRECTORY, $XDG_STATE_HOME/carotid, ~/.local/state/carotid
    /// or /var/lib/carotid, the first of them that can be told]
    #[arg(long, env = "CAROTID_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// How often a peer should beat, at least 10ms [default: 10s]
    #[arg(long, env = "CAROTID_INTERVAL", value_name = "DURATION")]
    pub(crate) interval: Option<Span>,

    /// The silence after which a session is dead, at least two intervals, at most 24h [default: 60s]
    #[arg(long, env = "CAROTID_TIMEOUT", value_name = "DURATION")]
    pub(crate) timeout: Option<Span>,

    /// When silence makes a session suspect.
    #[command(flatten)]
    #[serde(default)]
    pub(crate) detection: Detection,

    /// What to do when many fall silent together.
    #[command(flatten)]
    #[serde(default, alias = "mass-silence")]
    pub(crate) mass_silence: MassSilence,

    /// How much all peers together may say.
    #[command(flatten)]
    #[serde(default)]
    pub(crate) fleet: Fleet,

    /// How much the journal keeps.
    #[command(flatten)]
    #[serde(default)]
    pub(crate) journal: Journal,

    /// What single services are held to.
    #[arg(skip)]
    #[serde(default, rename = "service")]
    pub(crate) services: Services,

    /// Who is told of what: in the file alone, the tables `[alert.NAME]`.
    #[arg(skip)]
    #[serde(default, rename = "alert")]
    pub(crate) alerts: crate::settings::alert::Tables,

    /// What a session is when its last connection is lost: suspect until its timeout, or dead
    /// [default: suspect]
    #[arg(long, env = "CAROTID_ON_DISCONNECT", value_name = "HEALTH")]
    #[serde(alias = "on-disconnect")]
    pub(crate) on_disconnect: Option<OnDisconnect>,

    /// How many sessions to hold at most; ended ones make room first [default: 1048576]
    #[arg(long, env = "CAROTID_MAX_SESSIONS", value_name = "COUNT")]
    #[serde(alias = "max-sessions")]
    pub(crate) max_sessions: Option<u32>,

    /// How to write the log to stderr [default: text]
    #[arg(long, env = "CAROTID_LOG_FORMAT", value_name = "FORMAT")]
    #[serde(alias = "log-format")]
    pub(crate) log_format: Option<LogFormat>,

    /// What to log: error, warn, info, debug, trace, or directives such as
    /// info,carotid=debug [default: info]
    #[arg(long, env = "CAROTID_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

/// In the file, the table `[detection]`.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Detection {
    /// What makes a silent session suspect [default: adaptive, or fixed with --suspect-after]
    #[arg(long, env = "CAROTID_DETECTOR", value_name = "RULE")]
    pub(crate) detector: Option<Detector>,

    /// With the fixed rule: the silence, in intervals, after which a session is suspect
    /// [default: 2.5 with that rule]
    #[arg(long, env = "CAROTID_SUSPECT_AFTER", value_name = "INTERVALS")]
    #[serde(alias = "suspect-after")]
    pub(crate) suspect_after: Option<f64>,

    /// With the adaptive rule: how often a session that is alive may be suspected in a day, from
    /// 0.1 to 864 [default: 5 with that rule]
    #[arg(long, env = "CAROTID_FALSE_SUSPICIONS_PER_DAY", value_name = "COUNT")]
    #[serde(alias = "false-suspicions-per-day")]
    pub(crate) false_suspicions_per_day: Option<f64>,
}

/// In the file, the table `[mass_silence]`.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MassSilence {
    /// Mass silence is more than this share of a service, or of all sessions, about to die within an
    /// interval; their deaths are held back. 1 switches it off [default: 0.15]
    #[arg(
        long = "mass-silence-share",
        env = "CAROTID_MASS_SILENCE_SHARE",
        value_name = "SHARE"
    )]
    pub(crate) share: Option<f64>,

    /// A service with fewer sessions is too small for a mass [default: 10]
    #[arg(
        long = "mass-silence-least-sessions",
        env = "CAROTID_MASS_SILENCE_LEAST_SESSIONS",
        value_name = "COUNT"
    )]
    #[serde(alias = "least-sessions")]
    pub(crate) least_sessions: Option<u32>,

    /// How long deaths are held back at most; after an interval in which nobody came back it is over
    /// [default: one interval]
    #[arg(
        long = "mass-silence-max-hold",
        env = "CAROTID_MASS_SILENCE_MAX_HOLD",
        value_name = "DURATION"
    )]
    #[serde(alias = "max-hold")]
    pub(crate) max_hold: Option<Span>,

    /// How many sessions may die in a second after that [default: 10000]
    #[arg(
        long = "mass-silence-releases-per-second",
        env = "CAROTID_MASS_SILENCE_RELEASES_PER_SECOND",
        value_name = "COUNT"
    )]
    #[serde(alias = "releases-per-second")]
    pub(crate) releases_per_second: Option<u32>,
}

/// In the file, the table `[journal]`.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    /// For how long the journal keeps events and ended sessions, at least 1h; the hours of services are
    /// kept for 400 days [default: 30d]
    #[arg(
        long = "journal-keep",
        env = "CAROTID_JOURNAL_KEEP",
        value_name = "DURATION"
    )]
    pub(crate) keep: Option<Span>,

    /// How large the journal's file may become, in MiB, at least 16; the oldest events go first
    /// [default: 4096]
    #[arg(
        long = "journal-max-mib",
        env = "CAROTID_JOURNAL_MAX_MIB",
        value_name = "MIB"
    )]
    #[serde(alias = "max-mib")]
    pub(crate) max_mib: Option<u32>,
}

/// In the file, the table `[fleet]`.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fleet {
    /// How many beats a second to take from all sessions that ask for terms; with more of them, longer
    /// intervals are granted [default: 50000]
    #[arg(long, env = "CAROTID_BEATS_PER_SECOND", value_name = "COUNT")]
    #[serde(alias = "beats-per-second")]
    pub(crate) beats_per_second: Option<u32>,

    /// How many peers a second are to connect anew after all have lost their connections
    /// [default: 5000]
    #[arg(long, env = "CAROTID_RECONNECTS_PER_SECOND", value_name = "COUNT")]
    #[serde(alias = "reconnects-per-second")]
    pub(crate) reconnects_per_second: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Detector {
    /// So many intervals of silence
    Fixed,
    /// A silence longer than the lateness of its beats explains
    Adaptive,
}

#[derive(Clone, Copy, Debug, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnDisconnect {
    /// Suspect until the timeout, so that a reconnect keeps the session
    Suspect,
    /// Dead at once
    Dead,
}

#[derive(Clone, Copy, Debug, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct BeatArgs {
    /// The session's name, for example payments/7
    pub(crate) name: SessionName,

    /// The server: carotid, or any that answers Heartbeat.Ping; HOST:PORT, unix:/PATH, or
    /// http://HOST:PORT behind Go's rpc.HandleHTTP. Further ones, with commas between them or given
    /// again, are tried in this order whenever those before cannot be reached
    #[arg(long, env = "CAROTID_ADDR", value_name = "ADDR", default_value = DEFAULT_RPC, value_delimiter = ',')]
    pub(crate) addr: Vec<Address>,

    /// How often to beat, at least 10ms; the server judges this session by it, not by its own
    /// setting
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub(crate) interval: Span,

    /// The silence after which the session is dead, at least two intervals, at most 24h; the server
    /// judges this session by it, not by its own setting
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    pub(crate) timeout: Span,

    /// For how long the process may stop now and then: it is not suspected within that. The timeout
    /// must leave room for it and two intervals
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub(crate) longest_stall: Span,

    /// How long to wait for a connection, and for the answer to a beat
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = some_time)]
    pub(crate) call_timeout: Span,

    /// How to print, at the end, what was counted: table says it in a line on stderr, json and ndjson
    /// print an object on stdout
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,

    /// Run this command, and be the session while it runs. If it exits with 0 the session leaves, if
    /// not it is left to its timeout. The exit code is passed on, 128+N for signal N; SIGTERM, SIGHUP
    /// and SIGQUIT are passed to the command
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<std::ffi::OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct PingArgs {
    /// The server: carotid, or any that answers Heartbeat.Ping; HOST:PORT, unix:/PATH, or
    /// http://HOST:PORT behind Go's rpc.HandleHTTP. Several, also with commas between them, are
    /// asked in this order until one serves
    #[arg(env = "CAROTID_ADDR", value_name = "ADDR", default_value = DEFAULT_RPC, value_delimiter = ',')]
    pub(crate) addr: Vec<Address>,

    /// How long to wait for a connection, and again for an answer
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = some_time)]
    pub(crate) timeout: Span,

    /// How to print the answer
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct PsArgs {
    #[command(flatten)]
    pub(crate) daemon: Daemon,

    /// Only these: alive, suspect, dead, left, wedged; several with commas between them. Of services:
    /// pass, warn, fail
    #[arg(long, value_name = "HEALTH")]
    pub(crate) health: Option<String>,

    /// Only sessions of this service
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Option<String>,

    /// Instead of sessions, the services that they are of
    #[arg(long, conflicts_with = "service")]
    pub(crate) services: bool,

    /// Instead of sessions, when the daemon itself did not run
    #[arg(long, conflicts_with_all = ["health", "service", "services"])]
    pub(crate) stalls: bool,

    /// How to print them
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    #[command(flatten)]
    pub(crate) daemon: Daemon,

    /// Begin with what has this in its name; / changes it
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) daemon: Daemon,

    /// Begin after the event with this number; 0 for all that are kept [default: what happens
    /// from now on]
    #[arg(long, value_name = "SEQ")]
    pub(crate) after: Option<u64>,

    /// How to print them; json and ndjson are the same here
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The session's name
    pub(crate) name: SessionName,

    #[command(flatten)]
    pub(crate) daemon: Daemon,

    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// A session's name such as payments/7, or a service such as payments
    #[arg(value_name = "NAME|SERVICE")]
    pub(crate) subject: String,

    /// How far to look back
    #[arg(long, value_name = "DURATION", default_value = "30d")]
    pub(crate) since: Span,

    /// How many of its last events to list
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,

    #[command(flatten)]
    pub(crate) daemon: Daemon,

    /// How to print it; ndjson prints the events
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) serve: ServeArgs,

    /// Do it for real beside: start a scratch daemon with these settings and a peer for each way of
    /// dying, let them die, and print what was measured. Takes some two intervals and the timeout. A
    /// lost host and a cut network need root and the ip command
    #[arg(long)]
    pub(crate) measure: bool,

    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Daemon {
    /// Where the daemon answers HTTP; HOST:PORT is enough
    #[arg(long, env = "CAROTID_HTTP", value_name = "URL", default_value_t = format!("http://{DEFAULT_HTTP}"))]
    pub(crate) http: String,
}

/// A duration in which something can happen.
fn some_time(text: &str) -> Result<Span, String> {
    let span: Span = text.parse().map_err(|error: SpanError| error.to_string())?;
    if span.0.is_zero() {
        return Err("nothing is answered in no time: give more than 0s".to_owned());
    }
    Ok(span)
}
