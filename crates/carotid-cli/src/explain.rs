//! `carotid explain`: what the settings in force mean for each way of dying, computed and, with
//! `--measure`, done for real.

mod forecast;
mod measure;
mod report;

use std::pin::pin;
use std::process::ExitCode;

use carotid::Server;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::args::ExplainArgs;
use crate::exit::Exit;
use crate::logging;
use crate::output::{self, Format};
use crate::settings::decide;
use forecast::forecasts;
use measure::Measuring;
use report::Report;

pub(crate) async fn run(args: ExplainArgs) -> Result<ExitCode, Exit> {
    let flags = measure::flags(&args.serve);
    let decided = decide(args.serve)?;
    // What `serve` would refuse is refused here, in the same words.
    let _log = logging::start(decided.log_format, &decided.log)?;
    Server::new(decided.server.clone())
        .map_err(|error| Exit::settings(error).advise("See carotid serve --help."))?;

    let forecasts = forecasts(&decided.server.engine);
    let mut report = Report::new(&decided.server, &forecasts);
    if args.measure {
        let terms = decided.server.engine.terms;
        let stop = CancellationToken::new();
        let mut measuring = pin!(Measuring::new(flags, terms, stop.clone()).run(&forecasts));
        let outcomes = tokio::select! {
            outcomes = &mut measuring => outcomes?,
            stopped = stopped() => {
                stopped.map_err(Exit::usage)?;
                stop.cancel();
                measuring.await?;
                return Ok(ExitCode::from(130));
            }
        };
        report.add(&forecasts, outcomes);
    }
    match args.output {
        Format::Table => output::bytes(report.table().as_bytes())?,
        Format::Json => output::json(&report)?,
        Format::Ndjson => output::ndjson(&report.ways)?,
    }
    let surprises = report.surprises();
    if surprises.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let surprises = anyhow::anyhow!("{}", surprises.join("; "));
    Err(Exit::rpc(surprises)
        .context("not all that was measured is as computed")
        .advise("Measure again when this machine is idle; if it stays so, its clock, its firewall or its scheduler keeps the daemon from what the settings promise."))
}

/// Waits for a signal that asks to end, so that nothing of a measurement is left behind.
async fn stopped() -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}
