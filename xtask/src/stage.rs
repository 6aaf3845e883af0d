//! The stages of `cargo xtask test`.

use std::path::Path;
use std::process::Command;

use clap::ValueEnum;

use crate::tally::Tally;
use crate::tools::{
    ALERTMANAGER, CHROMIUM, Go, INSTALL_FAKETIME, INSTALL_GO, MANDOC, PROMETHEUS, PROMTOOL, PYTHON,
    SQLITE3, TMUX, Tool, find_or_install_faketime,
};
use crate::{place, run};

/// One group of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// Formatting, with rustfmt.
    Fmt,
    /// Lints, warnings denied.
    Clippy,
    /// The documentation builds without a warning.
    Doc,
    /// Unit, property and integration tests, and the examples in the docs.
    Unit,
    /// The simulation finds an engine that was broken on purpose.
    Mutants,
    /// The daemon and the client against real Go programs.
    Interop,
    /// The daemon under a wall clock that jumps.
    Wallclock,
    /// The daemon as a real Prometheus and Alertmanager see it, and what is shipped for them.
    Monitors,
    /// The live page in a real browser.
    Page,
    /// `carotid top` on a real terminal.
    Terminal,
    /// `go vet` of those programs.
    Vet,
    /// Licences, bans and sources, where cargo-deny is installed.
    Deny,
}

/// How a stage went.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// It ran.
    Counted(Tally),
    /// It ran without some of its checks, and why.
    Partly(Tally, &'static str),
    /// It could not run, and why.
    Skipped(&'static str),
}

impl Stage {
    /// The name, as `--only` takes it.
    pub(crate) fn name(self) -> String {
        let value = self
            .to_possible_value()
            .expect("no stage is hidden from the command line");
        value.get_name().to_owned()
    }

    /// Whether the stage cannot do without Go.
    pub(crate) fn needs_go(self) -> bool {
        matches!(self, Self::Interop | Self::Vet)
    }

    /// Whether the stage is part of the run on this machine. cargo-deny is a
    /// guest: the checks are complete without it.
    pub(crate) fn applies(self) -> bool {
        self != Self::Deny || run::answers(&mut run::cargo(&["deny", "--version"]))
    }

    /// Runs the stage; a failure is counted, never returned.
    pub(crate) fn run(self, go: Option<&Go>) -> Outcome {
        let tally = match (self, go) {
            (Self::Fmt, _) => check(&["fmt", "--all", "--check"]),
            (Self::Clippy, _) => clippy(),
            (Self::Doc, _) => doc(),
            (Self::Unit, _) => return unit(),
            (Self::Mutants, _) => mutants(),
            (Self::Deny, _) => check(&["deny", "check", "bans", "licenses", "sources"]),
            (Self::Wallclock, _) => match find_or_install_faketime() {
                Some(library) => wallclock(&library),
                None => return Outcome::Skipped(INSTALL_FAKETIME),
            },
            (Self::Monitors, _) => {
                return target("monitors", &[PROMETHEUS, PROMTOOL, ALERTMANAGER, PYTHON]);
            }
            (Self::Page, _) => return target("page", &[CHROMIUM]),
            (Self::Terminal, _) => return target("terminal", &[TMUX]),
            (Self::Interop, Some(go)) => interop(go),
            (Self::Vet, Some(go)) => {
                Tally::check(run::succeeds(&mut go.command(&["vet", "./..."])))
            }
            (Self::Interop | Self::Vet, None) => return Outcome::Skipped(INSTALL_GO),
        };
        Outcome::Counted(tally)
    }
}

fn check(arguments: &[&str]) -> Tally {
    Tally::check(run::succeeds(&mut run::cargo(arguments)))
}

fn clippy() -> Tally {
    let deny = ["--locked", "--", "-D", "warnings"];
    let all = [&["clippy", "--workspace", "--all-targets"][..], &deny].concat();
    // `--all-targets` leaves out a target with `test = false`.
    let tests = [
        "clippy",
        "--workspace",
        "--test",
        "interop",
        "--test",
        "wallclock",
        "--test",
        "monitors",
        "--test",
        "terminal",
    ];
    let named = [&tests[..], &deny].concat();
    let clean = run::succeeds(&mut run::cargo(&all));
    Tally::check(run::succeeds(&mut run::cargo(&named)) && clean)
}

fn doc() -> Tally {
    let mut command = run::cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    Tally::check(run::succeeds(command.env("RUSTDOCFLAGS", "-D warnings")))
}

fn unit() -> Outcome {
    let test = ["test", "--workspace", "--locked", "--no-fail-fast"];
    let mut command = run::cargo(&test);
    // What these read is checked without them, too.
    match lend(&mut command, &[SQLITE3, MANDOC]) {
        Ok(()) => Outcome::Counted(run::count(&mut command)),
        Err(missing) => {
            let mut tally = run::count(&mut command);
            tally += Tally::skip();
            Outcome::Partly(tally, missing)
        }
    }
}

/// A test target that runs other programs.
fn target(name: &str, tools: &[Tool]) -> Outcome {
    // The whole workspace, see the interop stage.
    let test = ["test", "--workspace", "--locked", "--test", name];
    let mut command = run::cargo(&test);
    match lend(&mut command, tools) {
        Ok(()) => Outcome::Counted(run::count(&mut command)),
        Err(missing) => Outcome::Skipped(missing),
    }
}

/// Tells a command where these programs are; the error is what a person should know who has not got
/// all of them.
fn lend(command: &mut Command, tools: &[Tool]) -> Result<(), &'static str> {
    let mut outcome = Ok(());
    for tool in tools {
        match tool.find_or_get() {
            Some(program) => drop(command.env(tool.variable, program)),
            None => outcome = Err(tool.missing),
        }
    }
    outcome
}

/// What the core can leave out, see its `carotid_break`.
const BREAKAGES: [&str; 3] = ["refile", "credit", "breaker"];

fn mutants() -> Tally {
    let Ok(target) = place::target() else {
        return Tally::check(false);
    };
    // A build directory of its own: other flags would invalidate everything in the usual one.
    let target = target.join("mutants");
    let mut tally = Tally::default();
    for breakage in BREAKAGES {
        let test = ["test", "--locked", "-p", "carotid-sim", "--test", "mutants"];
        // The test says which seed found it and what law was broken.
        let mut command = run::cargo(&[&test[..], &["--", "--nocapture"]].concat());
        command
            .env("CARGO_TARGET_DIR", target.join(breakage))
            .env("RUSTFLAGS", format!("--cfg carotid_break=\"{breakage}\""));
        tally += run::count(&mut command);
    }
    tally
}

fn interop(go: &Go) -> Tally {
    // The whole workspace, so that features unify as in the unit stage and
    // nothing is built a second time; only one crate has a target of that name.
    let test = ["test", "--workspace", "--locked", "--test", "interop"];
    // Two at a time: they assert how late the daemon is, and share the machine with it.
    let mut command = run::cargo(&[&test[..], &["--", "--test-threads=2"]].concat());
    run::count(command.env("GO", go.program()))
}

fn wallclock(library: &Path) -> Tally {
    let test = ["test", "--workspace", "--locked", "--test", "wallclock"];
    run::count(run::cargo(&test).env("LIBFAKETIME", library))
}
