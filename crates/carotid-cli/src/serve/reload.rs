//! Settings read again while the daemon runs: what can change does, the rest is named.
//!
//! Everything is decided anew from the same flags, environment and file search. A file that cannot be
//! used changes nothing, and that is said where operators look: in the log and in the status.

use std::sync::{Arc, Mutex, PoisonError};

use carotid::Driver;
use clap::ArgMatches;
use tokio::signal::unix::Signal;

use super::systemd;
use crate::args::ServeArgs;
use crate::config::origin::{self, Setting};
use crate::exit::Exit;
use crate::logging::Log;
use crate::settings::file::File;
use crate::settings::{Decided, decide, existing_file};

/// Settings that can change while the daemon runs: keys, or tables with a dot at the end.
const RELOADED: [&str; 2] = ["log", "service."];

/// What is read again, and what for.
#[derive(Debug)]
pub(super) struct Reload {
    args: ServeArgs,
    matches: ArgMatches,
    /// What the daemon was started with.
    started: Vec<Setting>,
    /// What was read last.
    read: Vec<Setting>,
    log: Arc<Log>,
    driver: Driver,
    fault: Fault,
}

/// Why the settings in force are not those of the file; none if they are. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Fault(Arc<Mutex<Option<String>>>);

impl Fault {
    /// Adds it to a status.
    pub(super) fn after(&self, status: String) -> String {
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*fault {
            Some(fault) => format!("{status}; {fault}"),
            None => status,
        }
    }

    fn set(&self, fault: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

impl Reload {
    /// `args` and `matches` are what the daemon was started with.
    pub(super) fn new(args: ServeArgs, matches: ArgMatches, log: Arc<Log>, driver: Driver) -> Self {
        let file = args.config.clone().or_else(existing_file);
        // It could be read a moment ago; if it cannot now, the next reload tells more changes than there are.
        let file = file.and_then(|path| File::read(&path).ok());
        let started = origin::settings(&matches, file.as_ref());
        Self {
            read: started.clone(),
            started,
            args,
            matches,
            log,
            driver,
            fault: Fault::default(),
        }
    }

    /// Why the last reload did not take place.
    pub(super) fn fault(&self) -> Fault {
        self.fault.clone()
    }

    /// Reads them at each hangup signal, and tells `status` when that is done.
    pub(super) async fn watch(mut self, mut hangup: Signal, status: impl Fn() -> String) {
        while hangup.recv().await.is_some() {
            systemd::reloading();
            if let Err(exit) = self.reload() {
                let why = exit.reason();
                tracing::error!(
                    why,
                    "the settings were not reloaded; those from before hold on"
                );
                let fault = format!("its settings were not reloaded: {why}");
                self.fault.set(Some(fault));
            }
            systemd::ready(&status());
        }
    }

    fn reload(&mut self) -> Result<(), Exit> {
        let decided = decide(self.args.clone())?;
        let file = decided.file.as_deref().map(File::read).transpose();
        let file = file.map_err(Exit::usage)?;
        let settings = origin::settings(&self.matches, file.as_ref());
        self.apply(decided)?;
        let (changed, _) = differences(&self.read, &settings);
        let (_, waiting) = differences(&self.started, &settings);
        self.read = settings;
        self.fault.set(None);
        let changed = changed.join(", ");
        tracing::info!(changed, "the settings were reloaded");
        if !waiting.is_empty() {
            let waiting = waiting.join(", ");
            tracing::warn!(waiting, "what has changed as well needs a restart");
            self.fault
                .set(Some(format!("a restart is needed for {waiting}")));
        }
        Ok(())
    }

    fn apply(&self, decided: Decided) -> Result<(), Exit> {
        self.log.follow(&decided.log)?;
        self.driver.hold_to(decided.server.services);
        Ok(())
    }
}

/// The keys whose values differ: those that can change while the daemon runs, and the others.
fn differences(before: &[Setting], after: &[Setting]) -> (Vec<String>, Vec<String>) {
    let differs = |one: &Setting, others: &[Setting]| {
        let other = others.iter().find(|other| other.key == one.key);
        other.is_none_or(|other| !other.says_the_same(one))
    };
    let is_gone = |one: &&Setting| after.iter().all(|other| other.key != one.key);
    let gone = before.iter().filter(is_gone);
    let changed = after.iter().filter(|one| differs(one, before));
    let keys = changed.chain(gone).map(|one| one.key.clone());
    keys.partition(|key| {
        let mut reloaded = RELOADED.iter();
        reloaded.any(|known| key == known || (known.ends_with('.') && key.starts_with(known)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::origin::{Origin, Value};

    fn setting(key: &str, value: &str) -> Setting {
        Setting::new(key, Value::Literal(value.to_owned()), Origin::Default)
    }

    #[test]
    fn what_can_change_is_told_from_what_needs_a_restart() {
        let before = [
            setting("log", "'info'"),
            setting("interval", "'10s'"),
            setting("service.gone.min_alive", "1"),
            setting("logs", "1"),
            setting("listen", "'same'"),
        ];
        let after = [
            setting("log", "'debug'"),
            setting("interval", "'5s'"),
            setting("service.new.min_alive", "2"),
            setting("logs", "2"),
            setting("listen", "\"same\""),
        ];
        let (changed, waiting) = differences(&before, &after);
        assert_eq!(
            changed,
            ["log", "service.new.min_alive", "service.gone.min_alive"]
        );
        assert_eq!(waiting, ["interval", "logs"]);
    }
}
