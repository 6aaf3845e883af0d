//! `cargo xtask detectors`: carotid's detector beside the others, on the same simulated days.
//!
//! A day of eighty sessions is seven million beats, so `detectors` builds in release and hands over
//! to that build, as `bench` does.

mod plot;
mod report;

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use carotid_core::Terms;
use carotid_sim::comparison::{SelfCalibrated, Tuned};
use carotid_sim::fleet::{self, Reading};
use carotid_sim::rival::Rule;

use crate::bench::table;
use crate::{place, run};

/// What the goals are stated for: at most so many false suspicions for each session and day.
const RATES: [f64; 2] = [24.0, 5.0];

/// Targets that R2Q is left to itself with.
const TARGETS: [f64; 6] = [2.0, 5.0, 12.0, 24.0, 60.0, 120.0];

/// How many of the seeds show what another reading of the fleet makes of them.
const REREAD_SEEDS: u64 = 2;

const INTERVAL: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(60);

/// Compares R2Q with seven other detectors on simulated days, prints Markdown tables, and writes
/// them into docs/detectors.md and a plot into docs/detectors.svg.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many days, each of a seed of its own.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// One day of six hours, and write nothing: to see that it works, not to quote.
    #[arg(long)]
    quick: bool,
}

/// What all detectors did in one reading of the fleet's description.
pub(super) struct Outcome {
    pub(super) reading: Reading,
    pub(super) tuned: Vec<Tuned>,
    pub(super) left_alone: Vec<SelfCalibrated>,
}

/// Builds, and hands over to the release build.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut arguments = ["compare", "--seeds"].map(str::to_owned).to_vec();
    arguments.push(options.seeds.to_string());
    if options.quick {
        arguments.push("--quick".to_owned());
    }
    run::in_release(&arguments)
}

/// Compares; runs in release.
pub(crate) fn compare(options: &Options) -> anyhow::Result<ExitCode> {
    let seconds = if options.quick { 6.0 } else { 24.0 } * 3600.0;
    let seeds = if options.quick { 1 } else { options.seeds };
    let usual = Outcome::of(Reading::Usual, seeds, seconds)?;
    let all = Reading::ALL
        .into_iter()
        .map(|reading| Outcome::of(reading, seeds.min(REREAD_SEEDS), seconds))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let text = report::markdown(seeds, seconds / 3600.0, &usual, &all);
    println!("{text}");
    if !options.quick {
        let docs = place::root().join("docs");
        table::replace_in(&docs.join("detectors.md"), "bench", &text)?;
        let plot = docs.join("detectors.svg");
        fs::write(&plot, plot::svg(&usual))
            .with_context(|| format!("cannot write {}", plot.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Outcome {
    fn of(reading: Reading, seeds: u64, seconds: f64) -> anyhow::Result<Self> {
        let terms = Terms::new(INTERVAL, TIMEOUT)?;
        let mut outcome = Self {
            reading,
            tuned: Rule::ALL.map(|rule| Tuned::new(rule, terms)).into(),
            left_alone: TARGETS
                .map(|target| SelfCalibrated::new(target, terms))
                .into(),
        };
        for seed in 1..=seeds {
            eprintln!("{}, seed {seed}", report::name(reading));
            let traces = fleet::traces(seed, reading, INTERVAL.as_secs_f64(), seconds);
            for tuned in &mut outcome.tuned {
                tuned.watch(&traces);
            }
            for left_alone in &mut outcome.left_alone {
                left_alone.watch(&traces)?;
            }
        }
        Ok(outcome)
    }
}
