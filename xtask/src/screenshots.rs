//! `cargo xtask screenshots`: the pictures of the live page in `docs/`, made anew.

use std::process::ExitCode;

use anyhow::bail;

use crate::tools::CHROMIUM;
use crate::{place, run};

/// Makes the pictures of the live page anew, in Chromium and of a fleet that is not quite well, and keeps
/// them as docs/page-*.png. Best on a machine that has nothing else to do: a daemon that is starved says
/// so on its page.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}

/// Runs the one test that makes them.
pub(crate) fn run(_: &Options) -> anyhow::Result<ExitCode> {
    let Some(chromium) = CHROMIUM.find_or_get() else {
        bail!("{}", CHROMIUM.missing);
    };
    let test = [
        "test",
        "--workspace",
        "--locked",
        "--test",
        "page",
        "pictures",
    ];
    let mut command = run::cargo(&test);
    command
        .env(CHROMIUM.variable, chromium)
        .env("CAROTID_PICTURES", place::root().join("docs"));
    run::demand(&mut command)?;
    Ok(ExitCode::SUCCESS)
}
