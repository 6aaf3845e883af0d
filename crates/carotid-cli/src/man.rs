//! `carotid man`: manual pages, one for each command and one for the configuration file.

mod settings;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use jiff::Timestamp;

use crate::args::Arguments;
use crate::exit::Exit;
use crate::output;

/// What `carotid man` is told.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder to write all pages to, for example /usr/local/share/man/man1; the one about the
    /// configuration file goes to man5 beside it, if there is such a folder. Without, the first page
    /// is printed
    #[arg(value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

pub(crate) fn run(args: ManArgs) -> Result<ExitCode, Exit> {
    let mut all = Arguments::command().disable_help_subcommand(true);
    all.build();
    let Some(dir) = args.dir else {
        output::bytes(&page(&all).map_err(Exit::usage)?)?;
        return Ok(ExitCode::SUCCESS);
    };
    write_all(&all, &dir).map_err(|error| {
        Exit::usage(error).advise("Name a folder that is there and that you may write to.")
    })?;
    Ok(ExitCode::SUCCESS)
}

fn write_all(all: &Command, dir: &Path) -> anyhow::Result<()> {
    for (name, page) in pages(all)? {
        write(&dir.join(format!("{name}.1")), &page)?;
    }
    // Where pages are kept by section, the fifth has files.
    let fifth = dir.parent().map(|all| all.join("man5"));
    let fifth = fifth.filter(|fifth| dir.ends_with("man1") && fifth.is_dir());
    let file = fifth.as_deref().unwrap_or(dir).join("carotid.toml.5");
    write(&file, settings::page(&date()).as_bytes())
}

fn write(path: &Path, page: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    output::talk(format_args!("{}", path.display()));
    Ok(())
}

/// The pages of a command and of those below it, by their names.
fn pages(command: &Command) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let name = command.get_display_name().unwrap_or("carotid");
    let mut pages = vec![(name.to_owned(), page(command)?)];
    let below = command.get_subcommands();
    for below in below.filter(|below| !below.is_hide_set()) {
        pages.extend(self::pages(below)?);
    }
    Ok(pages)
}

fn page(command: &Command) -> std::io::Result<Vec<u8>> {
    let name = command.get_display_name().unwrap_or("carotid");
    let mut page = Vec::new();
    Man::new(command.clone())
        .title(name.to_uppercase())
        .date(date())
        .source(concat!("carotid ", env!("CARGO_PKG_VERSION")))
        .manual("carotid")
        .render(&mut page)?;
    // What formatters complain about.
    let page = String::from_utf8_lossy(&page).replace("\n.br\n\n.br\n", "\n.sp\n");
    let lines = page.lines().map(str::trim_end);
    Ok(lines
        .flat_map(|line| [line, "\n"])
        .collect::<String>()
        .into_bytes())
}

/// The day of the pages: today, or what `$SOURCE_DATE_EPOCH` says to those who build packages that are to
/// be the same tomorrow.
fn date() -> String {
    let told = std::env::var("SOURCE_DATE_EPOCH").ok();
    let told = told.and_then(|seconds| Timestamp::from_second(seconds.parse().ok()?).ok());
    told.unwrap_or_else(Timestamp::now)
        .strftime("%F")
        .to_string()
}
