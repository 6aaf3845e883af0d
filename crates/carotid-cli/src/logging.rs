//! The log, on stderr.

use std::fmt;
use std::io;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::reload;

use crate::args::LogFormat;
use crate::exit::Exit;
use crate::output;

/// Lines that wait while whoever reads stderr does not; more are dropped.
const LINES_KEPT: usize = 8192;

/// The log under way; it ends when this is dropped.
pub(crate) struct Log {
    _writer: WorkerGuard,
    follow: Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

impl Log {
    /// Logs what these directives let through from now on.
    pub(crate) fn follow(&self, directives: &str) -> Result<(), Exit> {
        (self.follow)(filter(directives)?).map_err(Exit::usage)
    }
}

/// Starts logging what `directives` let through. A thread of its own writes it, so that a reader that
/// stalls holds up nothing else (I8).
pub(crate) fn start(format: LogFormat, directives: &str) -> Result<Log, Exit> {
    let filter = filter(directives)?;
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES_KEPT)
        .finish(io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    let follow: Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync> = match format {
        LogFormat::Text => {
            let ansi = output::is_colourful(&io::stderr());
            let builder = builder.with_ansi(ansi).with_target(false);
            let builder = builder.with_filter_reloading();
            let handle = builder.reload_handle();
            builder.init();
            Box::new(move |filter| handle.reload(filter))
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_filter_reloading();
            let handle = builder.reload_handle();
            builder.init();
            Box::new(move |filter| handle.reload(filter))
        }
    };
    Ok(Log {
        _writer: guard,
        follow,
    })
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
