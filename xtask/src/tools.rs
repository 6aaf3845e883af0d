//! Finding the tools that checks need, and installing them where that is simple.

mod debian;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{place, run};

pub(crate) use debian::{
    ALERTMANAGER, CHROMIUM, MANDOC, PROMETHEUS, PROMTOOL, PYTHON, SQLITE3, TMUX, Tool,
};

/// What a person is told when there is no Go.
pub(crate) const INSTALL_GO: &str = "no Go toolchain: install Go 1.19 or later \
    (on Debian: apt-get install golang-go) or name it in $GO";

/// A Go toolchain that answered.
#[derive(Clone, Debug)]
pub(crate) struct Go {
    program: PathBuf,
}

impl Go {
    /// The first of `$GO`, `go` on the path, and the usual places that works.
    pub(crate) fn find() -> Option<Self> {
        let named = std::env::var_os("GO");
        let usual = [
            "go",
            "/usr/bin/go",
            "/usr/local/go/bin/go",
            "/usr/lib/go/bin/go",
        ];
        named
            .into_iter()
            .chain(usual.map(OsString::from))
            .map(|program| Self {
                program: program.into(),
            })
            .find(|go| run::answers(&mut go.command(&["version"])))
    }

    /// Like [`Go::find`], but installs Go first if it is missing and this is
    /// root on a machine with apt.
    pub(crate) fn find_or_install() -> Option<Self> {
        if let Some(go) = Self::find() {
            return Some(go);
        }
        install("golang-go", "the interop tests");
        Self::find()
    }

    /// Where the program lies, for `$GO` of a child process.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// A command in the module of the interop programs, which needs no network.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(place::root().join("interop/go"))
            .env("CGO_ENABLED", "0")
            .env("GOTOOLCHAIN", "local")
            .env("GOPROXY", "off");
        if std::env::var_os("HOME").is_none()
            && let Ok(target) = place::target()
        {
            command.env("GOCACHE", target.join("go-cache"));
        }
        command
    }
}

/// What a person is told when there is no libfaketime.
pub(crate) const INSTALL_FAKETIME: &str = "no libfaketime: install it (on Debian: apt-get install \
    faketime) or name libfaketimeMT.so.1 in $LIBFAKETIME";

/// The library that gives a program another wall clock; installed first if it is missing and that is
/// simple.
pub(crate) fn find_or_install_faketime() -> Option<PathBuf> {
    faketime().or_else(|| {
        install("libfaketime", "the wall clock test");
        faketime()
    })
}

fn faketime() -> Option<PathBuf> {
    let named = std::env::var_os("LIBFAKETIME").map(PathBuf::from);
    let library = Path::new("faketime/libfaketimeMT.so.1");
    let usual = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    // Debian has a folder for each architecture.
    let multiarch = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten();
    let folders = usual.into_iter().chain(multiarch.map(|entry| entry.path()));
    named
        .into_iter()
        .chain(folders.map(|folder| folder.join(library)))
        .find(|path| path.is_file())
}

/// Redis, to compare with; installed first if it is missing and that is simple.
pub(crate) fn find_or_install_redis() -> bool {
    let answers = || run::answers(Command::new("redis-server").arg("--version"));
    answers() || {
        install("redis-server", "the comparison with Redis");
        answers()
    }
}

/// Valgrind, to count instructions; installed first if it is missing and that is simple.
pub(crate) fn find_or_install_valgrind() -> bool {
    let answers = || run::answers(Command::new("valgrind").arg("--version"));
    answers() || {
        install("valgrind", "counting instructions");
        answers()
    }
}

/// Installs a Debian package if this is root on a machine with apt, and says so.
fn install(package: &str, purpose: &str) {
    if !rustix::process::geteuid().is_root() || !run::answers(&mut apt(&["--version"])) {
        return;
    }
    println!("installing {package} with apt-get for {purpose}");
    // A list that cannot be refreshed may still be good enough to install from.
    run::succeeds(&mut apt(&["update"]));
    run::succeeds(&mut apt(&[
        "install",
        "-y",
        "--no-install-recommends",
        package,
    ]));
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = run::command("apt-get", arguments);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}
