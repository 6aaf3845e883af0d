//! `cargo xtask test`: every check, counted.

use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;

use crate::clock::Stopwatch;
use crate::stage::{Outcome, Stage};
use crate::tally::Tally;
use crate::tools::Go;

/// Runs every check, goes on after a failure, and ends with the line
/// `N passed, M failed`. With CI=true in the environment, a check that could
/// not run is a failure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run only this stage; may be given more than once.
    #[arg(long, value_name = "STAGE")]
    only: Vec<Stage>,
}

struct Report {
    stage: Stage,
    outcome: Outcome,
    took: Duration,
}

/// Runs the stages and says how they went.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut stages: Vec<Stage> = Stage::value_variants().to_vec();
    stages.retain(|stage| options.only.is_empty() || options.only.contains(stage));
    stages.retain(|stage| stage.applies());

    let go = if stages.iter().any(|stage| stage.needs_go()) {
        Go::find_or_install()
    } else {
        None
    };
    let mut reports = Vec::new();
    for stage in stages {
        println!("\n== {}", stage.name());
        let watch = Stopwatch::start();
        let outcome = stage.run(go.as_ref());
        reports.push(Report {
            stage,
            outcome,
            took: watch.elapsed(),
        });
    }
    let strict = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    Ok(conclude(&reports, strict))
}

fn conclude(reports: &[Report], strict: bool) -> ExitCode {
    println!(
        "\n{:<10}{:>8}{:>8}{:>10}",
        "stage", "passed", "failed", "seconds"
    );
    let mut total = Tally::default();
    let mut skips = Vec::new();
    for report in reports {
        let name = report.stage.name();
        let tally = match report.outcome {
            Outcome::Counted(tally) => {
                if tally.skipped > 0 {
                    skips.push(format!(
                        "skipped in {name}: {} ignored tests",
                        tally.skipped
                    ));
                }
                tally
            }
            Outcome::Partly(tally, reason) => {
                skips.push(format!("skipped in {name}: {reason}"));
                tally
            }
            Outcome::Skipped(reason) => {
                skips.push(format!("skipped {name}: {reason}"));
                Tally::skip()
            }
        };
        let seconds = report.took.as_secs_f64();
        println!(
            "{name:<10}{:>8}{:>8}{seconds:>10.1}",
            tally.passed, tally.failed
        );
        total += tally;
    }
    if !skips.is_empty() {
        println!("\n{}", skips.join("\n"));
        if strict {
            println!("with CI=true a skipped check is a failure");
        }
    }
    println!("\n{total}");
    if is_good(total, strict) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A run that checked nothing has shown nothing.
fn is_good(total: Tally, strict: bool) -> bool {
    total.failed == 0 && total.passed > 0 && !(strict && total.skipped > 0)
}

#[cfg(test)]
mod tests {
    use super::is_good;
    use crate::tally::Tally;

    #[test]
    fn a_failure_or_an_empty_run_is_not_good() {
        let pass = Tally::check(true);
        let mut one_failed = pass;
        one_failed += Tally::check(false);
        assert!(is_good(pass, true));
        assert!(!is_good(one_failed, false));
        assert!(!is_good(Tally::default(), false));
    }

    #[test]
    fn a_skip_is_good_for_a_person_but_not_for_ci() {
        let mut one_skipped = Tally::check(true);
        one_skipped += Tally::skip();
        assert!(is_good(one_skipped, false));
        assert!(!is_good(one_skipped, true));
    }
}
