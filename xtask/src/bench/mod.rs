//! `cargo xtask bench`: what pings, connections and sessions cost, side by side.
//!
//! The load generator and the engine's measurement must be optimised, so `bench`
//! builds everything in release and hands over to that build's `measure`.

pub(crate) mod contender;
pub(crate) mod cpu;
pub(crate) mod driver;
pub(crate) mod echo;
pub(crate) mod engine;
pub(crate) mod lateness;
pub(crate) mod load;
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod redis;
pub(crate) mod table;
pub(crate) mod wire;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::ValueEnum;
use rustix::process::{Resource, Rlimit};

use self::contender::Programs;
use self::cpu::Effort;
use self::load::Shape;
use self::table::Line;
use crate::tools::{Go, INSTALL_GO};
use crate::{place, run};

/// Idle connections of the memory row: below the 20,000 open files that many
/// systems allow a process.
const IDLE_CONNECTIONS: usize = 15_000;

/// Measures carotid beside the Go recipe and a raw echo, on this machine, in
/// one run, and prints a Markdown table.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Short and rough: to see that it works, not to quote.
    #[arg(long)]
    quick: bool,
    /// Also put the table into docs/benchmarks.md.
    #[arg(long)]
    write: bool,
    /// Measure only these.
    #[arg(value_name = "ROW")]
    rows: Vec<Row>,
}

/// The hidden subcommand that runs in release.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Measure {
    #[command(flatten)]
    options: Options,
    /// The folder of the built Go programs.
    #[arg(long)]
    go_programs: PathBuf,
}

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Row {
    /// Server CPU per ping: 64 connections, one ping at a time.
    #[value(name = "ping-64")]
    Ping64,
    /// Server CPU per ping: 1000 connections, one ping at a time.
    #[value(name = "ping-1000")]
    Ping1000,
    /// Server CPU per ping: 64 connections, 32 pings in flight on each.
    PingFlight,
    /// Server memory per idle connection.
    Memory,
    /// The engine alone: beat, table memory, lateness.
    Engine,
    /// The driver: how late it is at a million sessions.
    Lateness,
    /// Ways for beats to reach the engine from several threads.
    Driver,
}

/// Builds, and hands over to the release build.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let Some(go) = Go::find_or_install() else {
        bail!("{INSTALL_GO}")
    };
    let target = place::target()?;
    let programs = target.join("interop-go");
    fs::create_dir_all(&programs)?;
    let into = format!("{}/", programs.display());
    run::demand(&mut go.command(&["build", "-buildvcs=false", "-o", &into, "./..."]))?;
    let packages = ["-p", "xtask", "-p", "carotid-cli"];
    run::demand(run::cargo(&["build", "--release", "--locked"]).args(packages))?;

    let mut measure = Command::new(target.join("release/xtask"));
    measure.arg("measure").arg("--go-programs").arg(programs);
    if options.quick {
        measure.arg("--quick");
    }
    if options.write {
        measure.arg("--write");
    }
    for row in &options.rows {
        let row = row
            .to_possible_value()
            .expect("no row is hidden from the command line");
        measure.arg(row.get_name());
    }
    let status = measure.status().context("cannot start the release build")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Measures; runs in release.
pub(crate) fn measure(measure: &Measure) -> anyhow::Result<ExitCode> {
    allow_open_files()?;
    let options = &measure.options;
    let programs = Programs {
        go: measure.go_programs.clone(),
        xtask: std::env::current_exe()?,
    };
    let mut rows: Vec<Row> = Row::value_variants().to_vec();
    rows.retain(|row| options.rows.is_empty() || options.rows.contains(row));
    let mut lines = Vec::new();
    for row in rows {
        lines.extend(row.measure(&programs, options.quick)?);
    }
    let text = table::markdown(&machine(), &lines);
    println!("{text}");
    if options.write {
        table::replace_in(&place::root().join("docs/benchmarks.md"), &text)?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Row {
    fn measure(self, programs: &Programs, quick: bool) -> anyhow::Result<Vec<Line>> {
        let ping = |connections, in_flight| {
            let shape = Shape {
                connections,
                in_flight,
            };
            cpu::measure(programs, shape, Effort::new(quick)).map(|line| vec![line])
        };
        match self {
            Self::Ping64 => ping(64, 1),
            Self::Ping1000 => ping(1000, 1),
            Self::PingFlight => ping(64, 32),
            Self::Memory => memory::measure(programs, IDLE_CONNECTIONS).map(|line| vec![line]),
            Self::Engine => engine::measure(programs, quick),
            Self::Lateness => lateness::measure(Duration::from_secs(if quick { 2 } else { 10 })),
            Self::Driver => driver::measure(quick),
        }
    }
}

/// Raises the limit of open files as far as it goes; the servers inherit it.
fn allow_open_files() -> anyhow::Result<()> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    rustix::process::setrlimit(Resource::Nofile, raised)
        .context("cannot raise the limit of open files")
}

/// What the figures depend on, in a sentence.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let go = Go::find().map_or_else(
        || "no Go".to_owned(),
        |go| version(&mut go.command(&["version"])),
    );
    let rust = version(Command::new("rustc").arg("--version"));
    format!(
        "Measured on {cores} cores ({model}), Linux {}, {rust}, {go}.",
        kernel.trim()
    )
}

fn version(command: &mut Command) -> String {
    let output = command
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
