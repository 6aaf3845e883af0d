//! Everything a developer of carotid runs: `cargo xtask test`, `fuzz`, `bench`, `detectors`, `sim`.
//!
//! Nothing here is part of the product, and nothing outside needs `make`, a
//! shell, or a task runner of its own.

#![expect(
    clippy::print_stdout,
    reason = "a task runner's output is for the person in front of it"
)]

mod bench;
mod clock;
mod crash;
mod detectors;
mod fuzz;
mod place;
mod run;
mod screenshots;
mod sim;
mod stage;
mod tally;
mod test;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Everything a developer of carotid runs."
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every check and test, go on after a failure, and count them.
    Test(test::Options),
    /// Feed random bytes to the decoders (needs nightly and cargo-fuzz).
    Fuzz(fuzz::Options),
    /// Measure carotid beside Go's net/rpc and a raw echo, as a Markdown table.
    Bench(bench::Options),
    /// The measuring half of `bench`, run from the release build.
    #[command(hide = true)]
    Measure(bench::Measure),
    /// Compare R2Q with other detectors on simulated days, as tables and a plot.
    Detectors(detectors::Options),
    /// The comparing half of `detectors`, run from the release build.
    #[command(hide = true)]
    Compare(detectors::Options),
    /// Run the engine in simulated worlds with faults, and check all that it says.
    Sim(sim::Options),
    /// Kill the daemon in the middle of transitions, and check what it knows after that.
    Crash(crash::Options),
    /// The simulating half of `sim`, run from the release build.
    #[command(hide = true)]
    Simulate(sim::Options),
    /// Make the pictures of the live page and of top in docs anew (needs Chromium and tmux).
    Screenshots(screenshots::Options),
    /// The raw echo that `bench` compares with, in a process of its own.
    #[command(hide = true)]
    Echo(bench::echo::Options),
    /// What `bench instructions` runs under callgrind.
    #[command(hide = true)]
    Counted(bench::counted::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Measure(options) => bench::measure(&options),
        Task::Detectors(options) => detectors::run(&options),
        Task::Compare(options) => detectors::compare(&options),
        Task::Sim(options) => sim::run(&options),
        Task::Crash(options) => crash::run(&options),
        Task::Simulate(options) => sim::simulate(&options),
        Task::Screenshots(options) => screenshots::run(&options),
        Task::Echo(options) => bench::echo::run(&options),
        Task::Counted(options) => bench::counted::run(&options),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_does_not_contradict_itself() {
        Cli::command().debug_assert();
    }
}
