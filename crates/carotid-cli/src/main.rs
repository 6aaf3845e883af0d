//! The carotid daemon and command line.

mod alert;
mod args;
mod beat;
mod bench;
mod config;
mod exit;
mod explain;
mod history;
mod logging;
mod man;
mod operations;
mod output;
mod ping;
mod ps;
mod serve;
mod settings;
mod span;
mod top;
mod variables;
mod watch;
mod why;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use args::{Arguments, Command};
use exit::Exit;

fn main() -> ExitCode {
    // Whoever speaks HTTPS here does it with this; only the first to say so is heard.
    let _others = rustls::crypto::ring::default_provider().install_default();
    let mut command = variables::without_empty(Arguments::command());
    let parsed = command.try_get_matches_from_mut(std::env::args_os());
    let parsed = parsed.and_then(|matches| {
        let arguments = Arguments::from_arg_matches(&matches);
        Ok((
            arguments.map_err(|error| error.format(&mut command))?,
            matches,
        ))
    });
    let (arguments, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are answers, not errors; what cannot be printed is not read either.
            let _closed = error.print();
            if let Some(variable) = variables::culprit(&error, &command) {
                output::talk(format_args!("The value comes from ${variable}."));
            }
            return if error.use_stderr() {
                ExitCode::from(Exit::USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match run(arguments.command, &matches) {
        Ok(code) => code,
        Err(exit) => exit.report(),
    }
}

fn run(command: Command, matches: &ArgMatches) -> Result<ExitCode, Exit> {
    match command {
        Command::Man(args) => man::run(args),
        Command::Config(command) => config::run(command, below(matches)),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "carotid", &mut script);
            output::bytes(&script)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve(args) => on_runtime(true, serve::run(*args, below(matches).clone())),
        Command::Beat(args) => on_runtime(false, beat::run(args)),
        Command::Ping(args) => on_runtime(false, ping::run(args)),
        Command::Ps(args) => on_runtime(false, ps::run(args)),
        Command::Top(args) => on_runtime(false, top::run(args)),
        Command::Watch(args) => on_runtime(false, watch::run(args)),
        Command::Why(args) => on_runtime(false, why::run(args)),
        Command::Alert(args) => on_runtime(false, alert::run(args)),
        Command::History(args) => on_runtime(false, history::run(args)),
        Command::Bench(args) => on_runtime(false, bench::run(*args)),
        Command::Explain(args) => on_runtime(false, explain::run(*args)),
    }
}

/// What was parsed for a subcommand.
fn below(matches: &ArgMatches) -> &ArgMatches {
    let (_, matches) = matches
        .subcommand()
        .expect("there is no command without one");
    matches
}

/// The daemon uses every core; what a person types needs one.
fn on_runtime(
    every_core: bool,
    work: impl Future<Output = Result<ExitCode, Exit>>,
) -> Result<ExitCode, Exit> {
    let mut builder = if every_core {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = builder.enable_all().build();
    let runtime = runtime.map_err(|error| Exit::usage(error).context("cannot start"))?;
    runtime.block_on(work)
}
