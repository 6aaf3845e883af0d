//! The log, on stderr.

use std::io;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::args::LogFormat;
use crate::exit::Exit;
use crate::output;

/// Lines that wait while whoever reads stderr does not; more are dropped.
const LINES_KEPT: usize = 8192;

/// Starts logging what `filter` lets through. A thread of its own writes it, so that a reader that
/// stalls holds up nothing else (I8); the log ends when the guard is dropped.
pub(crate) fn start(format: LogFormat, directives: &str) -> Result<WorkerGuard, Exit> {
    let filter = filter(directives)?;
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES_KEPT)
        .finish(io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    match format {
        LogFormat::Text => {
            let ansi = output::is_colourful(&io::stderr());
            builder.with_ansi(ansi).with_target(false).init();
        }
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(guard)
}

/// What `--log` says, understood.
pub(crate) fn filter(filter: &str) -> Result<EnvFilter, Exit> {
    let refuse = |why: anyhow::Error| why.context(format!("{filter:?} is not a log filter"));
    let advise = |why| {
        Exit::usage(why).advise(
            "Use --log error, warn, info, debug or trace, or directives such as --log info,carotid=debug.",
        )
    };
    // To the filter a misspelt level is the name of a module, and silences everything else.
    let levels = filter.split(',').filter(|part| !part.contains(['=', '[']));
    for level in levels {
        let known = !level.is_empty() && level.trim().parse::<LevelFilter>().is_ok();
        if !known {
            return Err(advise(refuse(anyhow::anyhow!("{level:?} is no level"))));
        }
    }
    EnvFilter::try_new(filter).map_err(|error| advise(refuse(error.into())))
}
