//! `carotid ps`: who is alive, who is not.

use std::process::ExitCode;

use carotid::api::{Session, Sessions, Stalls};

use crate::args::PsArgs;
use crate::exit::Exit;
use crate::operations::Operations;
use crate::output::{self, Format};

mod services;

const PAGE: &str = "1000";

pub(crate) async fn run(args: PsArgs) -> Result<ExitCode, Exit> {
    let operations = Operations::new(&args.daemon)?;
    if args.stalls {
        let ledger: Stalls = operations.ask(operations.get("/api/v1/stalls")).await?;
        match args.output {
            Format::Table => print_stalls(&ledger)?,
            Format::Json => output::json(&ledger)?,
            Format::Ndjson => output::ndjson(&ledger.stalls)?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    if args.services {
        services::print(&operations, &args).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut sessions = fetch(&operations, &args).await?;
    sessions.sort_by(|one, other| one.name.cmp(&other.name));
    match args.output {
        Format::Table => {
            output::table(&sessions)?;
            if sessions.is_empty() {
                output::talk(format_args!("no sessions"));
            }
        }
        Format::Json => output::json(&Sessions {
            sessions,
            next: None,
            total: None,
        })?,
        Format::Ndjson => output::ndjson(&sessions)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print_stalls(ledger: &Stalls) -> Result<(), Exit> {
    let mut text = "BEGAN                     DID NOT RUN FOR  SUSPENDED FOR\n".to_owned();
    for stall in &ledger.stalls {
        let length = output::roughly(stall.stalled_ms);
        let suspended = match stall.suspended_ms {
            0 => "-".to_owned(),
            ms => output::roughly(ms),
        };
        text += &format!("{:.3}  {length:<15}  {suspended}\n", stall.at);
    }
    output::bytes(text.as_bytes())?;
    let total = output::roughly(ledger.total_ms);
    let count = match ledger.count {
        1 => "1 stall".to_owned(),
        count => format!("{count} stalls"),
    };
    output::talk(format_args!(
        "{count}, {total} in all; no session was blamed for that"
    ));
    Ok(())
}

async fn fetch(operations: &Operations, args: &PsArgs) -> Result<Vec<Session>, Exit> {
    let mut sessions = Vec::new();
    let mut after = None;
    loop {
        let query = [
            ("limit", Some(PAGE)),
            ("health", args.health.as_deref()),
            ("service", args.service.as_deref()),
            ("after", after.as_deref()),
        ];
        let given: Vec<_> = query
            .iter()
            .filter_map(|(key, value)| value.map(|value| (key, value)))
            .collect();
        let request = operations.get("/api/v1/sessions").query(&given);
        let page: Sessions = operations.ask(request).await?;
        sessions.extend(page.sessions);
        after = page.next;
        if after.is_none() {
            return Ok(sessions);
        }
    }
}
