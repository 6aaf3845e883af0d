//! `cargo xtask bench`: what pings, connections and sessions cost, side by side.
//!
//! The load generator and the engine's measurement must be optimised, so `bench`
//! builds everything in release and hands over to that build's `measure`.

pub(crate) mod contender;
pub(crate) mod counted;
pub(crate) mod cpu;
pub(crate) mod driver;
pub(crate) mod echo;
pub(crate) mod endurance;
pub(crate) mod engine;
pub(crate) mod instructions;
pub(crate) mod journal;
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
use self::table::{Line, Section};
use crate::tools::{Go, INSTALL_GO};
use crate::{place, run};

/// Idle connections of the memory row: below the 20,000 open files that many
/// systems allow a process.
const IDLE_CONNECTIONS: usize = 15_000;

/// Measures carotid beside the Go recipe and a raw echo, on this machine, in
/// one run, and prints a Markdown table. Churn and soak, which take minutes, only when named.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Short and rough: to see that it works, not to quote.
    #[arg(long)]
    quick: bool,
    /// Also put the tables into docs/benchmarks.md.
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    endurance: endurance::Extent,
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
    /// Transitions into the journal, and questions to it, in a table of their own.
    Journal,
    /// Instructions per ping, in a table of their own.
    Instructions,
    /// Minutes of connections that come and go; only when named.
    Churn,
    /// Minutes of many connections that ping while others come and go; only when named.
    Soak,
}

/// Builds, and hands over to the release build.
pub(crate) fn run(_options: &Options) -> anyhow::Result<ExitCode> {
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
    // Behind `bench`, the two take the same.
    measure.args(std::env::args_os().skip(2));
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
    let mut lines = Vec::new();
    let mut sections = Vec::new();
    for row in Row::value_variants() {
        if options.measures(*row) {
            match row.measure(&programs, options)? {
                Measured::Lines(more) => lines.extend(more),
                Measured::Section(section) => sections.extend(section),
            }
        }
    }
    if !lines.is_empty() {
        let table = Section {
            name: "bench",
            text: table::markdown(&lines),
            passed: true,
        };
        sections.insert(0, table);
    }
    let machine = machine();
    for section in &mut sections {
        section.text = format!("{machine}\n\n{}", section.text);
        println!("{}", section.text);
        if options.write {
            let path = place::root().join("docs/benchmarks.md");
            table::replace_in(&path, section.name, &section.text)?;
        }
    }
    Ok(if sections.iter().all(|section| section.passed) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What became of measuring.
enum Measured {
    /// Lines of the one table.
    Lines(Vec<Line>),
    /// What stands by itself, if it could be measured.
    Section(Option<Section>),
}

impl Options {
    fn measures(&self, row: Row) -> bool {
        if self.rows.is_empty() {
            return !matches!(row, Row::Churn | Row::Soak);
        }
        self.rows.contains(&row)
    }
}

impl Row {
    fn measure(self, programs: &Programs, options: &Options) -> anyhow::Result<Measured> {
        let quick = options.quick;
        let ping = |connections, in_flight| {
            let shape = Shape {
                connections,
                in_flight,
            };
            cpu::measure(programs, shape, Effort::new(quick)).map(|line| vec![line])
        };
        let lines = match self {
            Self::Ping64 => ping(64, 1),
            Self::Ping1000 => ping(1000, 1),
            Self::PingFlight => ping(64, 32),
            Self::Memory => memory::measure(programs, IDLE_CONNECTIONS).map(|line| vec![line]),
            Self::Engine => engine::measure(programs, quick),
            Self::Lateness => lateness::measure(Duration::from_secs(if quick { 2 } else { 10 })),
            Self::Driver => driver::measure(quick),
            Self::Instructions => {
                return instructions::measure(programs, quick).map(Measured::Section);
            }
            Self::Journal => {
                let journal = journal::measure(quick)?;
                return Ok(Measured::Section(Some(journal)));
            }
            Self::Churn => {
                let churn = endurance::churn(programs, &options.endurance, quick)?;
                return Ok(Measured::Section(Some(churn)));
            }
            Self::Soak => {
                let soak = endurance::soak(programs, &options.endurance, quick)?;
                return Ok(Measured::Section(Some(soak)));
            }
        };
        lines.map(Measured::Lines)
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
