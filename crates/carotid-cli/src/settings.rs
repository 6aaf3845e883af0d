//! The daemon's settings: flags, then environment, then file, then defaults.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use carotid::ServerConfig;
use carotid::core::{
    self, Allowance, Breaker, BreakerConfig, Config, Engine, Suspicion, SuspicionTarget, Terms,
};

use crate::args::{
    DEFAULT_HTTP, DEFAULT_RPC, Detection, Detector, Fleet, Journal, LogFormat, MassSilence,
    OnDisconnect, ServeArgs, Settings,
};
use crate::config::check::plain;
use crate::exit::Exit;
use crate::logging;

pub(crate) mod alert;
mod data;
pub(crate) mod file;
mod service;

use file::{File, Place};
pub(crate) use service::Services;

/// Everything decided.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) listen: String,
    pub(crate) http: String,
    pub(crate) log_format: LogFormat,
    pub(crate) log: String,
    pub(crate) server: ServerConfig,
    /// The file that was read, if one was.
    pub(crate) file: Option<PathBuf>,
}

/// Strangers may connect to the daemon, and a heartbeat is small.
const MAX_MESSAGE: usize = 64 * 1024;

const DEFAULT_LOG: &str = "info";

pub(crate) fn decide(args: ServeArgs) -> Result<Decided, Exit> {
    let file = args.config.or_else(existing_file);
    let from_file = match &file {
        Some(path) => read(path).map_err(|error| {
            Exit::usage(error).advise("Correct the file, or name another one with --config.")
        })?,
        None => Settings::default(),
    };
    weigh(or(args.settings, from_file), file)
}

/// Everything that is wrong with these settings.
pub(crate) fn faults(settings: Settings) -> Vec<Exit> {
    let sessions = Config {
        max_sessions: (settings.max_sessions).unwrap_or(Config::default().max_sessions),
        ..Config::default()
    };
    let log = settings.log.as_deref().unwrap_or(DEFAULT_LOG);
    let each = [
        terms(&settings).err(),
        suspicion(&settings.detection).err(),
        allowance(&settings.fleet).err(),
        data::check(&settings.journal).err(),
        service::configs(&settings.services)
            .err()
            .map(Exit::settings),
        Engine::new(&sessions).err().map(Exit::settings),
        Breaker::new(breaker(&settings.mass_silence), 0)
            .err()
            .map(Exit::settings),
        logging::filter(log).err(),
    ];
    let mut faults: Vec<_> = each.into_iter().flatten().collect();
    if faults.is_empty() {
        faults.extend(weigh(settings, None).err());
    }
    faults
}

/// Makes of the settings what the daemon is run with.
fn weigh(settings: Settings, file: Option<PathBuf>) -> Result<Decided, Exit> {
    let defaults = Config::default();
    let engine = Config {
        terms: terms(&settings)?,
        suspicion: suspicion(&settings.detection)?,
        on_disconnect: match settings.on_disconnect {
            Some(OnDisconnect::Dead) => core::OnDisconnect::Dead,
            Some(OnDisconnect::Suspect) | None => core::OnDisconnect::Suspect,
        },
        max_sessions: settings.max_sessions.unwrap_or(defaults.max_sessions),
        ..defaults
    };
    let http_hosts = names(&settings);
    Ok(Decided {
        listen: settings.listen.unwrap_or_else(|| DEFAULT_RPC.to_owned()),
        http: listener(settings.http.as_deref().unwrap_or(DEFAULT_HTTP)),
        log_format: settings.log_format.unwrap_or(LogFormat::Text),
        log: settings.log.unwrap_or_else(|| DEFAULT_LOG.to_owned()),
        server: ServerConfig {
            engine,
            breaker: breaker(&settings.mass_silence),
            allowance: allowance(&settings.fleet)?,
            services: service::configs(&settings.services).map_err(Exit::settings)?,
            max_message: MAX_MESSAGE,
            http_hosts,
            journal: data::journal(settings.data, &settings.journal)?,
            alerts: alert::rules(&settings.alerts)?,
            ..ServerConfig::default()
        },
        file,
    })
}

fn terms(settings: &Settings) -> Result<Terms, Exit> {
    let default = Terms::default();
    let terms = Terms::new(
        settings.interval.map_or(default.interval(), |span| span.0),
        settings.timeout.map_or(default.timeout(), |span| span.0),
    );
    terms.map_err(|error| {
        Exit::settings(error).advise("Change --interval or --timeout; see carotid serve --help.")
    })
}

/// The address in what `ps` and the like take as a URL: `CAROTID_HTTP` is theirs, too.
fn listener(http: &str) -> String {
    let address = http.strip_prefix("http://").unwrap_or(http);
    address.trim_end_matches('/').to_owned()
}

/// What the HTTP listener is called, if that matters: whoever tells it to listen at a name uses that, too.
fn names(settings: &Settings) -> Vec<String> {
    let Some(names) = &settings.http_hosts else {
        return Vec::new();
    };
    let names = names.split(',').map(|name| name.trim().to_owned());
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    let own = listener(settings.http.as_deref().unwrap_or(DEFAULT_HTTP));
    let own = (!names.is_empty()).then_some(own);
    names.into_iter().chain(own).collect()
}

fn breaker(mass_silence: &MassSilence) -> BreakerConfig {
    let default = BreakerConfig::default();
    BreakerConfig {
        share: mass_silence.share.unwrap_or(default.share),
        least_sessions: mass_silence
            .least_sessions
            .unwrap_or(default.least_sessions),
        max_hold: mass_silence
            .max_hold
            .map(|span| span.0)
            .or(default.max_hold),
        releases_per_second: mass_silence
            .releases_per_second
            .unwrap_or(default.releases_per_second),
    }
}

fn allowance(fleet: &Fleet) -> Result<Allowance, Exit> {
    let default = Allowance::default();
    let allowance = Allowance {
        beats_per_second: fleet.beats_per_second.unwrap_or(default.beats_per_second),
        reconnects_per_second: fleet
            .reconnects_per_second
            .unwrap_or(default.reconnects_per_second),
    };
    allowance.check().map_err(Exit::settings)?;
    Ok(allowance)
}

/// The rule asked for; a setting of the other rule is a contradiction.
fn suspicion(detection: &Detection) -> Result<Suspicion, Exit> {
    let contradiction = |setting, rule, other| {
        let why = format!("{setting} belongs to the {rule} rule, but the rule is {other}");
        Exit::settings(anyhow!(why))
            .advise(format!("Leave out {setting}, or choose --detector {rule}."))
    };
    let implied = match detection.suspect_after {
        Some(_) => Detector::Fixed,
        None => Detector::Adaptive,
    };
    match detection.detector.unwrap_or(implied) {
        Detector::Fixed if detection.false_suspicions_per_day.is_some() => Err(contradiction(
            "false_suspicions_per_day",
            "adaptive",
            "fixed",
        )),
        Detector::Adaptive if detection.suspect_after.is_some() => {
            Err(contradiction("suspect_after", "fixed", "adaptive"))
        }
        Detector::Fixed => Ok(Suspicion::Fixed {
            intervals: detection.suspect_after.unwrap_or(Suspicion::INTERVALS),
        }),
        Detector::Adaptive => match detection.false_suspicions_per_day {
            Some(per_day) => SuspicionTarget::per_day(per_day)
                .map(Suspicion::Adaptive)
                .map_err(Exit::settings),
            None => Ok(Suspicion::Adaptive(SuspicionTarget::default())),
        },
    }
}

/// Field by field, the first of the two that is given.
fn or(first: Settings, second: Settings) -> Settings {
    Settings {
        listen: first.listen.or(second.listen),
        http: first.http.or(second.http),
        http_hosts: first.http_hosts.or(second.http_hosts),
        data: first.data.or(second.data),
        interval: first.interval.or(second.interval),
        timeout: first.timeout.or(second.timeout),
        detection: Detection {
            detector: first.detection.detector.or(second.detection.detector),
            suspect_after: (first.detection.suspect_after).or(second.detection.suspect_after),
            false_suspicions_per_day: (first.detection.false_suspicions_per_day)
                .or(second.detection.false_suspicions_per_day),
        },
        mass_silence: MassSilence {
            share: first.mass_silence.share.or(second.mass_silence.share),
            least_sessions: (first.mass_silence.least_sessions)
                .or(second.mass_silence.least_sessions),
            max_hold: first.mass_silence.max_hold.or(second.mass_silence.max_hold),
            releases_per_second: (first.mass_silence.releases_per_second)
                .or(second.mass_silence.releases_per_second),
        },
        alerts: if first.alerts.is_empty() {
            second.alerts
        } else {
            first.alerts
        },
        fleet: Fleet {
            beats_per_second: (first.fleet.beats_per_second).or(second.fleet.beats_per_second),
            reconnects_per_second: (first.fleet.reconnects_per_second)
                .or(second.fleet.reconnects_per_second),
        },
        journal: Journal {
            keep: first.journal.keep.or(second.journal.keep),
            max_mib: first.journal.max_mib.or(second.journal.max_mib),
        },
        // No flag names any.
        services: second.services,
        on_disconnect: first.on_disconnect.or(second.on_disconnect),
        max_sessions: first.max_sessions.or(second.max_sessions),
        log_format: first.log_format.or(second.log_format),
        log: first.log.or(second.log),
    }
}

/// The first of the usual files that is there.
pub(crate) fn existing_file() -> Option<PathBuf> {
    let home = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")));
    let candidates = [home, Some(PathBuf::from("/etc"))];
    let mut files = candidates
        .into_iter()
        .flatten()
        .map(|folder| folder.join("carotid/carotid.toml"));
    // One that we may not look at is there, and reading it says why we cannot.
    files.find(|path| path.try_exists().unwrap_or(true))
}

fn read(path: &Path) -> anyhow::Result<Settings> {
    let file = File::read(path)?;
    toml::from_str(&file.text).map_err(|error| {
        // Not as the parser would tell it: it repeats the line, which may have a secret in it.
        let place = error.span().map(|span| file.place(span.start));
        let place = place.map(|Place { line, column }| format!("{line}:{column}: "));
        let (path, place) = (path.display(), place.unwrap_or_default());
        anyhow!("{path}:{place}{}", plain(error.message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn args(settings: Settings, file: &str) -> (ServeArgs, tempfile::NamedTempFile) {
        let mut config = tempfile::NamedTempFile::new().unwrap();
        config.write_all(file.as_bytes()).unwrap();
        let args = ServeArgs {
            config: Some(config.path().to_owned()),
            settings,
        };
        (args, config)
    }

    #[test]
    fn flags_come_before_the_file_and_the_file_before_defaults() {
        let flags = Settings {
            interval: Some("1s".parse().unwrap()),
            ..Settings::default()
        };
        let (args, _file) = args(flags, "interval = '2s'\ntimeout = '9s'\n");
        let decided = decide(args).unwrap();
        let terms = decided.server.engine.terms;
        assert_eq!(
            (terms.interval().as_secs(), terms.timeout().as_secs()),
            (1, 9)
        );
        assert_eq!(decided.listen, DEFAULT_RPC);
    }

    #[test]
    fn keys_are_the_flags_names_with_either_dash() {
        for file in [
            "on-disconnect = 'dead'\n[detection]\nsuspect-after = 3.5",
            "on_disconnect = 'dead'\n[detection]\nsuspect_after = 3.5",
        ] {
            let (args, _file) = args(Settings::default(), file);
            let engine = decide(args).unwrap().server.engine;
            assert_eq!(engine.on_disconnect, core::OnDisconnect::Dead);
            assert_eq!(engine.suspicion, Suspicion::Fixed { intervals: 3.5 });
        }
    }

    #[test]
    fn services_have_tables_of_their_own() {
        let file = "[service.payments]\nmin_alive = 2\n[service.'客户端']\nmin-alive = 0";
        let (args, _file) = args(Settings::default(), file);
        let services = decide(args).unwrap().server.services;
        let needs = services
            .iter()
            .map(|(name, held_to)| (&**name, held_to.min_alive));
        assert_eq!(needs.collect::<Vec<_>>(), [("payments", 2), ("客户端", 0)]);
    }

    #[test]
    fn a_listener_with_names_is_called_by_its_own_too() {
        let names = |file| {
            let (args, _file) = args(Settings::default(), file);
            decide(args).unwrap().server.http_hosts
        };
        assert_eq!(names("http = 'web:80'"), [""; 0]);
        assert_eq!(names("http_hosts = ' '"), [""; 0]);
        let told = names("http = 'http://web:80/'\nhttp-hosts = 'a.example, b.example'");
        assert_eq!(told, ["a.example", "b.example", "web:80"]);
    }

    #[test]
    fn a_fault_is_told_on_one_line_without_what_stands_beside_it() {
        for (file, told) in [
            (
                "[alert.a]\nsecret = 'whsec_open'",
                ":2:1: unknown key \"secret\"",
            ),
            ("[alert.a]\nlabels = { a = 'whsec_open' b", ":2:29: "),
        ] {
            let (args, _file) = args(Settings::default(), file);
            let why = decide(args).unwrap_err().reason();
            assert!(why.contains(told), "{why}");
            assert!(!why.contains("whsec_") && !why.contains('\n'), "{why}");
        }
    }

    #[test]
    fn contradictions_and_unknown_keys_are_refused() {
        for file in [
            "timeout = '15s'",
            "[detection]\nfalse_suspicions_per_day = 5\nsuspect_after = 3.0",
            "[detection]\nfalse_suspicions_per_day = 5\ndetector = 'fixed'",
            "[mass_silence]\nshare = 'all'",
            "[fleet]\nbeats = 5",
            "[service.payments]\nmin = 2",
            "[service.'payments/7']\nmin_alive = 2",
            "[service.'']\nmin_alive = 2",
            "[service.payments]\nmin_alive = -1",
            "[detection]\ndetector = 'adaptive'\nsuspect_after = 3.0",
            "[detection]\ndetector = 'adaptive'\nfalse_suspicions_per_day = 0.0",
            "intervall = '1s'",
            "interval = 10",
            "log_format = 'xml'",
        ] {
            let (args, _file) = args(Settings::default(), file);
            assert!(decide(args).is_err(), "{file}");
        }
    }
}
