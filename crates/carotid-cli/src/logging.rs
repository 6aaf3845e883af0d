//! The log, on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::args::LogFormat;
use crate::exit::Exit;

/// Starts logging what `filter` lets through.
pub(crate) fn start(format: LogFormat, filter: &str) -> Result<(), Exit> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Exit::usage(error)
            .context(format!("{filter:?} is not a log filter"))
            .advise("Use --log info, or directives such as --log info,carotid=debug.")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    match format {
        LogFormat::Text => {
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            let ansi = io::stderr().is_terminal() && !refused;
            builder.with_ansi(ansi).with_target(false).init();
        }
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
