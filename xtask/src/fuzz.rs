//! `cargo xtask fuzz`: random bytes against every decoder.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::{place, run};

const INSTALL: &str = "fuzzing needs a nightly toolchain and cargo-fuzz:\n  \
    rustup toolchain install nightly\n  \
    cargo install cargo-fuzz\n\
    Without them, `cargo xtask test` still runs the property tests over mutated streams.";

/// What a message may have at most in every target, `LIMIT` in `fuzz/lib.rs`, and so the allocation
/// that none may reach: a decoder that does has believed a length before it checked it.
const LARGEST_ALLOCATION_MB: u32 = 1;
/// The longest input: with the limit above this leaves a decoder 256 bytes of memory for each byte
/// it was sent. It needs some, since an empty struct in a list is one byte on the wire.
const LONGEST_INPUT: u32 = 4096;
/// The whole process, with the address sanitizer and libFuzzer's corpus in it.
const RESIDENT_LIMIT_MB: u32 = 1024;
/// No input may keep a decoder busy for longer.
const SECONDS_PER_INPUT: u32 = 10;

/// Feeds random bytes to each decoder, under a limit of memory and time.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long to run each target, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Run each target until it has taken this much processor time instead, in minutes: on a machine
    /// with other work to do that is longer.
    #[arg(long, conflicts_with = "seconds")]
    cpu_minutes: Option<f64>,
    /// Run only this target; every one in fuzz/fuzz_targets otherwise.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// Runs the targets one after the other; a finding in one does not stop the rest.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let known = targets(&place::root().join("fuzz/fuzz_targets"))?;
    if let Some(unknown) = options
        .targets
        .iter()
        .find(|target| !known.contains(target))
    {
        bail!(
            "there is no fuzz target {unknown}; there are: {}",
            known.join(", ")
        );
    }
    if !run::answers(&mut cargo_fuzz(&["--version"])) {
        bail!("{INSTALL}");
    }
    let chosen = if options.targets.is_empty() {
        &known
    } else {
        &options.targets
    };
    let mut found = Vec::new();
    for target in chosen {
        println!("\n== {target}");
        fs::create_dir_all(place::root().join("fuzz/corpus").join(target))?;
        // Not counted as time to fuzz, and the reason to stop at once when it fails.
        run::demand(&mut cargo_fuzz(&["build", target]))?;
        let before = children_cpu()?;
        let clean = options.run_target(target)?;
        let spent = children_cpu()?.saturating_sub(before);
        println!("{target}: {:.1} s of processor time", spent.as_secs_f64());
        if !clean {
            found.push(target.as_str());
        }
    }
    println!(
        "\n{} of {} targets without a finding",
        chosen.len() - found.len(),
        chosen.len()
    );
    if found.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "findings in {}; the inputs are in fuzz/artifacts",
        found.join(", ")
    );
    Ok(ExitCode::FAILURE)
}

impl Options {
    /// Whether nothing was found.
    fn run_target(&self, target: &str) -> anyhow::Result<bool> {
        let Some(minutes) = self.cpu_minutes else {
            return Ok(run::succeeds(&mut session(target, self.seconds)));
        };
        let goal = children_cpu()? + Duration::from_secs_f64(60.0 * minutes);
        loop {
            let missing = goal.saturating_sub(children_cpu()?);
            if missing.is_zero() {
                return Ok(true);
            }
            // libFuzzer counts time on the wall; what it found so far is kept in the corpus.
            if !run::succeeds(&mut session(target, missing.as_secs() + 1)) {
                return Ok(false);
            }
        }
    }
}

/// Processor time of all processes that this one has started and that have ended.
fn children_cpu() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may contain anything; 13 fields after it are cutime and cstime.
    let (_, fields) = stat
        .rsplit_once(')')
        .context("no name in /proc/self/stat")?;
    let ticks = fields.split_whitespace().skip(13).take(2);
    let ticks: u64 = ticks.map(str::parse::<u64>).sum::<Result<_, _>>()?;
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_secs_f64(ticks as f64 / per_second as f64))
}

fn targets(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    let entries = folder
        .read_dir()
        .with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs")
            && let Some(name) = path.file_stem()
        {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// One target's run: from what it found before, and from the seeds that are kept with it.
fn session(target: &str, seconds: u64) -> Command {
    cargo_fuzz(&[
        "run",
        target,
        &format!("fuzz/corpus/{target}"),
        &format!("fuzz/seeds/{target}"),
        "--",
        &format!("-max_total_time={seconds}"),
        &format!("-rss_limit_mb={RESIDENT_LIMIT_MB}"),
        &format!("-malloc_limit_mb={LARGEST_ALLOCATION_MB}"),
        &format!("-max_len={LONGEST_INPUT}"),
        &format!("-timeout={SECONDS_PER_INPUT}"),
    ])
}

fn cargo_fuzz(arguments: &[&str]) -> Command {
    // `cargo` here is one toolchain's own; only rustup can change toolchains.
    run::command(
        "rustup",
        &[&["run", "nightly", "cargo", "fuzz"], arguments].concat(),
    )
}
