//! Programs that tests run beside carotid, as Debian packages them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{apt, install};
use crate::{place, run};

/// A program that tests run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    /// The variable of the environment that names the program, for us and for the tests.
    pub(crate) variable: &'static str,
    /// What a person is told who has none.
    pub(crate) missing: &'static str,
    program: &'static str,
    /// What makes it answer and end.
    question: &'static str,
    package: &'static str,
    purpose: &'static str,
    origin: Origin,
}

/// How the package is brought here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// It is installed.
    Install,
    /// It is unpacked into the build directory and not installed: installing it would start its service
    /// wherever services run. Its program needs nothing but the C library.
    Unpack,
}

pub(crate) const PROMETHEUS: Tool = Tool {
    variable: "PROMETHEUS",
    missing: "no Prometheus: install it (on Debian: apt-get install prometheus) or name it in \
        $PROMETHEUS",
    program: "prometheus",
    question: "--version",
    package: "prometheus",
    purpose: "the tests with Prometheus",
    origin: Origin::Unpack,
};

pub(crate) const PROMTOOL: Tool = Tool {
    variable: "PROMTOOL",
    missing: "no promtool: install it (on Debian: apt-get install prometheus) or name it in $PROMTOOL",
    program: "promtool",
    ..PROMETHEUS
};

pub(crate) const ALERTMANAGER: Tool = Tool {
    variable: "ALERTMANAGER",
    missing: "no Alertmanager: install it (on Debian: apt-get install prometheus-alertmanager) or \
        name it in $ALERTMANAGER",
    program: "prometheus-alertmanager",
    package: "prometheus-alertmanager",
    purpose: "the tests with Alertmanager",
    ..PROMETHEUS
};

pub(crate) const PYTHON: Tool = Tool {
    variable: "PYTHON",
    missing: "no Python: install it (on Debian: apt-get install python3) or name it in $PYTHON",
    program: "python3",
    question: "--version",
    package: "python3",
    purpose: "the tests with receivers that are not ours",
    origin: Origin::Install,
};

pub(crate) const CHROMIUM: Tool = Tool {
    variable: "CHROMIUM",
    missing: "no Chromium: install it (on Debian: apt-get install chromium) or name it in $CHROMIUM",
    program: "chromium",
    question: "--version",
    package: "chromium",
    purpose: "the tests of the live page",
    origin: Origin::Install,
};

pub(crate) const TMUX: Tool = Tool {
    variable: "TMUX_PROGRAM",
    missing: "no tmux: install it (on Debian: apt-get install tmux) or name it in $TMUX_PROGRAM",
    program: "tmux",
    question: "-V",
    package: "tmux",
    purpose: "the tests of carotid top",
    origin: Origin::Install,
};

pub(crate) const SQLITE3: Tool = Tool {
    variable: "SQLITE3",
    missing: "no sqlite3: install it (on Debian: apt-get install sqlite3) or name it in $SQLITE3",
    program: "sqlite3",
    question: "--version",
    package: "sqlite3",
    purpose: "the tests that read the journal as people do",
    origin: Origin::Install,
};

pub(crate) const MANDOC: Tool = Tool {
    variable: "MANDOC",
    missing: "no mandoc: install it (on Debian: apt-get install mandoc) or name it in $MANDOC",
    program: "mandoc",
    // An empty page is a page.
    question: "/dev/null",
    package: "mandoc",
    purpose: "the tests of the man pages",
    origin: Origin::Install,
};

impl Tool {
    /// The program that the environment names, the one on the path, or the one of Debian's package,
    /// which is brought first if that can be done.
    pub(crate) fn find_or_get(self) -> Option<PathBuf> {
        let named = std::env::var_os(self.variable).map(PathBuf::from);
        let usual = [PathBuf::from(self.program)];
        let known = named.into_iter().chain(usual);
        known
            .into_iter()
            .find(|program| self.answers(program))
            .or_else(|| self.get())
    }

    fn get(self) -> Option<PathBuf> {
        let program = match self.origin {
            Origin::Install => {
                install(self.package, self.purpose);
                PathBuf::from(self.program)
            }
            Origin::Unpack => {
                let folder = place::target().ok()?.join("tools").join(self.package);
                let program = folder.join("usr/bin").join(self.program);
                if !self.answers(&program) {
                    unpack(self.package, self.purpose, &folder)?;
                }
                program
            }
        };
        self.answers(&program).then_some(program)
    }

    fn answers(self, program: &Path) -> bool {
        run::answers(Command::new(program).arg(self.question))
    }
}

/// Unpacks a package, whoever this is; none of its scripts runs.
fn unpack(package: &str, purpose: &str, folder: &Path) -> Option<()> {
    if !run::answers(&mut apt(&["--version"])) {
        return None;
    }
    println!("unpacking {package} for {purpose}; it is not installed");
    fs::create_dir_all(folder).ok()?;
    let download = || run::succeeds(apt(&["download", package]).current_dir(folder));
    // Only root may refresh the lists that say where it is.
    let is_there = download() || (run::succeeds(&mut apt(&["update"])) && download());
    let downloaded = fs::read_dir(folder).ok()?.flatten();
    let mut packages = downloaded.map(|entry| entry.path());
    let archive = packages.find(|path| path.extension().is_some_and(|end| end == "deb"))?;
    let unpacked =
        is_there && run::succeeds(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(folder));
    // The next version would lie beside it.
    fs::remove_file(archive).ok()?;
    unpacked.then_some(())
}
