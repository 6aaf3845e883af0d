//! `cargo xtask screenshots`: the pictures in `docs/` of the live page and of `carotid top`, made anew.

use std::process::ExitCode;

use anyhow::bail;

use crate::tools::{CHROMIUM, TMUX};
use crate::{place, run};

/// Makes the pictures of the live page anew, in Chromium and of a fleet that is not quite well, and keeps
/// them as docs/page-*.png; and those of carotid top, in tmux, as docs/top*.svg. Best on a machine that has
/// nothing else to do: a daemon that is starved says so on its page.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}

/// Runs the tests that make them.
pub(crate) fn run(_: &Options) -> anyhow::Result<ExitCode> {
    let makers = [
        (CHROMIUM, "page", "pictures"),
        (TMUX, "terminal", "a_session_appears"),
    ];
    for (tool, target, name) in makers {
        let Some(program) = tool.find_or_get() else {
            bail!("{}", tool.missing);
        };
        let test = ["test", "--workspace", "--locked", "--test", target, name];
        let mut command = run::cargo(&test);
        command
            .env(tool.variable, program)
            .env("CAROTID_PICTURES", place::root().join("docs"));
        run::demand(&mut command)?;
    }
    Ok(ExitCode::SUCCESS)
}
