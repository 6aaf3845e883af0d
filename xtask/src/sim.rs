//! `cargo xtask sim`: the engine in worlds that fail, judged by what truly happened.
//!
//! Ten thousand worlds are some million sessions, so `sim` builds in release and hands over to that
//! build, as `bench` does. Every world comes from a seed, and a seed replays it.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use carotid_sim::history::Listening;
use carotid_sim::world::{self, Outcome};

use crate::bench::process::thread_cpu;
use crate::run;

/// The goal for a thousand sessions on one core.
const CROWD: usize = 1000;
const CROWD_RUNS_FOR: Duration = Duration::from_secs(6 * 3600);

/// In one of so many worlds it is checked that the clock on the wall makes no difference, which means
/// to run it twice.
const TWICE_EVERY: u64 = 16;

/// So many broken worlds are told in full; of the others only their number.
const TOLD: usize = 3;

/// Runs the engine in simulated worlds with faults, and checks what it says against what truly
/// happened. Fails at a violation, and says how to replay it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many worlds, of the seeds from 1 on.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Only the world of this seed, and print everything that happens in it.
    #[arg(long)]
    seed: Option<u64>,
}

/// Sums over worlds.
#[derive(Debug, Default)]
struct Sum {
    worlds: u64,
    sessions: u64,
    events: u64,
    incidents: u64,
    simulated: Duration,
    spent: Duration,
    broken: Vec<u64>,
}

/// Builds, and hands over to the release build.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut arguments = ["simulate", "--seeds"].map(str::to_owned).to_vec();
    arguments.push(options.seeds.to_string());
    if let Some(seed) = options.seed {
        arguments.extend(["--seed".to_owned(), seed.to_string()]);
    }
    run::in_release(&arguments)
}

/// Simulates; runs in release.
pub(crate) fn simulate(options: &Options) -> anyhow::Result<ExitCode> {
    if let Some(seed) = options.seed {
        return Ok(replay(seed));
    }
    let mut sum = run_all(options.seeds)?;
    sum.broken.sort_unstable();
    for seed in sum.broken.iter().take(TOLD) {
        tell(*seed);
    }
    println!(
        "{} worlds, {} sessions, {} events, {} incidents of mass silence, {:.1} simulated days",
        sum.worlds,
        sum.sessions,
        sum.events,
        sum.incidents,
        sum.simulated.as_secs_f64() / 86_400.0,
    );
    println!(
        "speed: {:.0} simulated seconds in a second of CPU",
        sum.simulated.as_secs_f64() / sum.spent.as_secs_f64(),
    );
    measure_crowd()?;
    if sum.broken.is_empty() {
        println!("no law was broken");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} worlds are broken: seeds {:?}",
        sum.broken.len(),
        sum.broken
    );
    Ok(ExitCode::FAILURE)
}

/// Runs the worlds of seeds 1 to `seeds` on all cores.
fn run_all(seeds: u64) -> anyhow::Result<Sum> {
    let next = AtomicU64::new(1);
    let sum = Mutex::new(Sum::default());
    let work = || -> anyhow::Result<()> {
        let before = thread_cpu()?;
        let mut mine = Sum::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seeds < seed {
                break;
            }
            mine.add(seed, &run_one(seed));
            if seed.is_multiple_of(1000) {
                eprintln!("{seed} of {seeds} worlds");
            }
        }
        mine.spent = thread_cpu()?.saturating_sub(before);
        sum.lock()
            .expect("no thread panics while it adds")
            .merge(mine);
        Ok(())
    };
    let cores = std::thread::available_parallelism()?;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores.get()).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| {
            let done = thread.join();
            done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })?;
    Ok(sum.into_inner().expect("no thread panics while it adds"))
}

fn run_one(seed: u64) -> Outcome {
    if seed.is_multiple_of(TWICE_EVERY) {
        world::run_with_and_without_jumps(seed)
    } else {
        world::run(seed, Listening::Nothing)
    }
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: &Outcome) {
        self.worlds += 1;
        self.sessions += outcome.sessions;
        self.events += outcome.events;
        self.incidents += outcome.incidents;
        self.simulated += outcome.simulated;
        if outcome.violation.is_some() {
            self.broken.push(seed);
        }
    }

    fn merge(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.sessions += other.sessions;
        self.events += other.events;
        self.incidents += other.incidents;
        self.simulated += other.simulated;
        self.spent += other.spent;
        self.broken.extend(other.broken);
    }
}

/// Says which law a world broke, what its session went through, and how to see it again.
fn tell(seed: u64) {
    let Some(violation) = run_one(seed).violation else {
        return;
    };
    println!("\nseed {seed} broke a law: {violation}");
    let again = world::run(seed, Listening::Last(violation.name));
    println!("what led to it:");
    for line in &again.trace {
        println!("  {line}");
    }
    println!("replay: cargo xtask sim --seed {seed}\n");
}

/// Prints everything that happens in one world.
fn replay(seed: u64) -> ExitCode {
    let outcome = world::run(seed, Listening::Everything);
    for line in &outcome.trace {
        println!("{line}");
    }
    println!(
        "\n{} sessions, {} events, {} incidents, {:.3} simulated seconds, hash {:016x}",
        outcome.sessions,
        outcome.events,
        outcome.incidents,
        outcome.simulated.as_secs_f64(),
        outcome.hash,
    );
    // The trace is of one run; what needs two may be wrong all the same.
    match outcome.violation.or_else(|| run_one(seed).violation) {
        Some(violation) => {
            println!("seed {seed} broke a law: {violation}");
            ExitCode::FAILURE
        }
        None => {
            println!("no law was broken");
            ExitCode::SUCCESS
        }
    }
}

/// How fast a thousand sessions with the recipe's terms are simulated.
fn measure_crowd() -> anyhow::Result<()> {
    let before = thread_cpu()?;
    let outcome = world::run_crowd(CROWD, CROWD_RUNS_FOR);
    let spent = thread_cpu()?.saturating_sub(before);
    if let Some(violation) = outcome.violation {
        anyhow::bail!("the crowd that speed is measured with broke a law: {violation}");
    }
    println!(
        "1,000 sessions on one core: {:.0} × real time",
        outcome.simulated.as_secs_f64() / spent.as_secs_f64(),
    );
    Ok(())
}
