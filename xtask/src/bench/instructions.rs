//! Instructions per ping, counted by callgrind: figures that no other load on the machine changes.
//!
//! Each stage runs with few pings and with many; the difference is that of the pings alone. The
//! kernel's part is not counted.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::contender::Programs;
use super::counted::Stage;
use super::load::{Load, Shape, Talk};
use super::process::Server;
use super::table::Section;
use crate::tools;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
struct Row {
    what: &'static str,
    counted: Counted,
    in_flight: u32,
}

#[derive(Clone, Copy, Debug)]
enum Counted {
    /// A part of the way, called in a loop.
    Stage(Stage),
    /// The whole daemon, behind a socket.
    Daemon,
}

const ROWS: [Row; 7] = [
    Row {
        what: "codec, one ping at a time",
        counted: Counted::Stage(Stage::Codec),
        in_flight: 1,
    },
    Row {
        what: "codec, 32 pings in flight",
        counted: Counted::Stage(Stage::Codec),
        in_flight: 32,
    },
    Row {
        what: "codec and driver, one ping at a time",
        counted: Counted::Stage(Stage::Driver),
        in_flight: 1,
    },
    Row {
        what: "codec and driver, 32 pings in flight",
        counted: Counted::Stage(Stage::Driver),
        in_flight: 32,
    },
    Row {
        what: "engine, one beat",
        counted: Counted::Stage(Stage::Engine),
        in_flight: 1,
    },
    Row {
        what: "daemon, one ping at a time",
        counted: Counted::Daemon,
        in_flight: 1,
    },
    Row {
        what: "daemon, 32 pings in flight",
        counted: Counted::Daemon,
        in_flight: 32,
    },
];

/// Counts each row twice. `None` without valgrind.
pub(crate) fn measure(programs: &Programs, quick: bool) -> anyhow::Result<Option<Section>> {
    if !tools::find_or_install_valgrind() {
        eprintln!("no instruction counts: install valgrind");
        return Ok(None);
    }
    let mut text = String::from(
        "| user-space instructions per ping | first count | second count |\n|---|---|---|\n",
    );
    for row in &ROWS {
        let [first, second] = [
            row.per_ping(programs, quick)?,
            row.per_ping(programs, quick)?,
        ];
        eprintln!("{}: {first:.1} and {second:.1} instructions", row.what);
        writeln!(text, "| {} | {first:.1} | {second:.1} |", row.what)
            .expect("writing to a string does not fail");
    }
    Ok(Some(Section {
        name: "instructions",
        text,
        passed: true,
    }))
}

impl Row {
    fn per_ping(&self, programs: &Programs, quick: bool) -> anyhow::Result<f64> {
        let (few, many) = match (self.counted, quick) {
            (Counted::Stage(_), _) => (3_200, 35_200),
            (Counted::Daemon, true) => (3_200, 6_400),
            (Counted::Daemon, false) => (3_200, 35_200),
        };
        let less = self.count(programs, few)?;
        let more = self.count(programs, many)?;
        let extra = more.checked_sub(less).context("more pings took less")?;
        Ok(extra as f64 / f64::from(many - few))
    }

    /// Instructions of a whole run.
    fn count(&self, programs: &Programs, pings: u32) -> anyhow::Result<u64> {
        let folder = tempfile::tempdir()?;
        let report = folder.path().join("counts");
        match self.counted {
            Counted::Stage(stage) => {
                let stage = stage.to_possible_value().expect("no stage is hidden");
                let status = callgrind(&report, &programs.xtask)
                    .args(["counted", stage.get_name()])
                    .args(["--pings", &pings.to_string()])
                    .args(["--in-flight", &self.in_flight.to_string()])
                    .stderr(Stdio::null())
                    .status()?;
                if !status.success() {
                    bail!("counting {} ended with {status}", self.what);
                }
            }
            Counted::Daemon => self.run_daemon(programs, &report, pings)?,
        }
        total(&report)
    }

    fn run_daemon(&self, programs: &Programs, report: &Path, pings: u32) -> anyhow::Result<()> {
        let mut command = callgrind(report, &programs.xtask.with_file_name("carotid"));
        command.args([
            "serve",
            "--data",
            "none",
            "--listen",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
        ]);
        let server = Server::start(&mut command)?;
        let shape = Shape {
            connections: 1,
            in_flight: usize::try_from(self.in_flight)?,
        };
        let mut load = Load::connect(server.address(), shape, Talk::Gob)?;
        load.exchange(u64::from(pings / self.in_flight))?;
        drop(load);
        server.end()
    }
}

fn callgrind(report: &Path, program: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", report.display()))
        .arg(program)
        // Whoever runs this may have set what the daemon reads.
        .env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// The sum that callgrind writes at the end of its report.
fn total(report: &Path) -> anyhow::Result<u64> {
    let text = fs::read_to_string(report).context("callgrind wrote no report")?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total
        .context("callgrind's report has no total")?
        .trim()
        .parse()?)
}
