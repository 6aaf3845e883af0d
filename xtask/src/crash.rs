//! `cargo xtask crash`: the daemon killed in the middle of thousands of transitions, again and again.

use std::process::ExitCode;

use crate::run;

/// Kills a daemon with SIGKILL while sessions come and go, starts it again on its journal, and checks
/// that whatever was shown is kept, that every session has one end or is still watched, and that nobody
/// is dead because of it. The tests do it with three seeds.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many times, each with a seed of its own.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The first seed; each further round has the next.
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

/// Runs the test of the daemon with these seeds. What it finds it prints with the seed.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let last = u64::from(options.seed) + u64::from(options.rounds) - 1;
    let test = ["test", "--locked", "-p", "carotid-cli", "--test", "daemon"];
    let mut command = run::cargo(&[&test[..], &["--", "crash::", "--nocapture"]].concat());
    command.env("CRASH_SEEDS", format!("{}-{last}", options.seed));
    Ok(if run::succeeds(&mut command) {
        println!("{} rounds, and no law was broken", options.rounds);
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
