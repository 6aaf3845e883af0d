//! `carotid config`: what the daemon's settings are, where they come from, and what is wrong with them.

pub(crate) mod check;
mod nearest;
pub(crate) mod origin;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgMatches, Args, Subcommand, ValueEnum};

use crate::args::ServeArgs;
use crate::exit::Exit;

/// What `carotid config` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Tell everything that is wrong with a configuration file
    ///
    /// The file alone, whatever flags and environment there are: syntax, unknown keys, values that cannot
    /// be, settings that contradict each other. Exit codes: 0 nothing is wrong, 1 something is.
    Check(CheckArgs),
    /// Tell every setting in force
    ///
    /// Takes the flags, environment and file of carotid serve. Exit codes: 0, or 1 if carotid serve would
    /// refuse these settings.
    Show(Box<ShowArgs>),
}

/// What `carotid config check` is told.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Configuration file [default: the one that carotid serve would read]
    #[arg(env = "CAROTID_CONFIG", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// What `carotid config show` is told.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) serve: ServeArgs,

    /// Where each comes from, too: a flag, a variable, a line of the file, or nowhere
    #[arg(long)]
    pub(crate) origin: bool,

    /// How to print them; toml is a configuration file
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: ShowFormat,
}

/// How settings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowFormat {
    /// Aligned columns for people
    Table,
    /// One JSON document
    Json,
    /// A configuration file
    Toml,
}

/// Runs it; `matches` are those of `carotid config` itself.
pub(crate) fn run(command: ConfigCommand, matches: &ArgMatches) -> Result<ExitCode, Exit> {
    match command {
        ConfigCommand::Check(args) => check::run(args),
        ConfigCommand::Show(args) => {
            let (_, matches) = matches.subcommand().expect("it was parsed as a subcommand");
            show::run(*args, matches)
        }
    }
}
