//! `cargo xtask fuzz`: random bytes against every decoder.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

use crate::{place, run};

const INSTALL: &str = "fuzzing needs a nightly toolchain and cargo-fuzz:\n  \
    rustup toolchain install nightly\n  \
    cargo install cargo-fuzz\n\
    Without them, `cargo xtask test` still runs the property tests over mutated streams.";

/// A decoder that reserves more than this for one message has believed a length
/// before it checked it; the daemon's own limit is 64 KiB.
const LARGEST_ALLOCATION_MB: u32 = 16;
/// The whole process, with the address sanitizer and libFuzzer's corpus in it.
const RESIDENT_LIMIT_MB: u32 = 1024;
/// No input may keep a decoder busy for longer.
const SECONDS_PER_INPUT: u32 = 10;

/// Feeds random bytes to each decoder, under a limit of memory and time.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long to run each target, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
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
        println!("\n== {target}, {} s", options.seconds);
        fs::create_dir_all(place::root().join("fuzz/corpus").join(target))?;
        if !run::succeeds(&mut session(target, options.seconds)) {
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
fn session(target: &str, seconds: u32) -> Command {
    cargo_fuzz(&[
        "run",
        target,
        &format!("fuzz/corpus/{target}"),
        &format!("fuzz/seeds/{target}"),
        "--",
        &format!("-max_total_time={seconds}"),
        &format!("-rss_limit_mb={RESIDENT_LIMIT_MB}"),
        &format!("-malloc_limit_mb={LARGEST_ALLOCATION_MB}"),
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
