//! `carotid ps`: who is alive, who is not.

use std::process::ExitCode;

use carotid::api::{Session, Sessions, Stalls};
use reqwest::RequestBuilder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::args::PsArgs;
use crate::exit::Exit;
use crate::operations::Operations;
use crate::output::{self, Format};

const PAGE: &str = "1000";

pub(crate) async fn run(args: PsArgs) -> Result<ExitCode, Exit> {
    let operations = Operations::new(&args.daemon)?;
    if args.stalls {
        let ledger: Stalls = ask(&operations, operations.get("/api/v1/stalls")).await?;
        match args.output {
            Format::Table => print_stalls(&ledger)?,
            Format::Json => json(&ledger)?,
            Format::Ndjson => ndjson(&ledger.stalls)?,
        }
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
        Format::Json => json(&Sessions {
            sessions,
            next: None,
        })?,
        Format::Ndjson => ndjson(&sessions)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn json(document: &impl Serialize) -> Result<(), Exit> {
    output::line(&serde_json::to_string_pretty(document).map_err(Exit::usage)?)
}

fn ndjson(objects: &[impl Serialize]) -> Result<(), Exit> {
    let mut lines = String::new();
    for object in objects {
        lines += &serde_json::to_string(object).map_err(Exit::usage)?;
        lines.push('\n');
    }
    output::bytes(lines.as_bytes())
}

fn print_stalls(ledger: &Stalls) -> Result<(), Exit> {
    let mut text = "BEGAN                     DID NOT RUN FOR\n".to_owned();
    for stall in &ledger.stalls {
        let length = output::roughly(stall.stalled_ms);
        text += &format!("{:.3}  {length}\n", stall.at);
    }
    output::bytes(text.as_bytes())?;
    let (count, total) = (ledger.count, output::roughly(ledger.total_ms));
    output::talk(format_args!(
        "{count} stalls, {total} in all; no session was blamed for them"
    ));
    Ok(())
}

async fn ask<T: DeserializeOwned>(
    operations: &Operations,
    request: RequestBuilder,
) -> Result<T, Exit> {
    let response = operations.send(request).await?;
    response.json().await.map_err(|error| {
        Exit::rpc(error.without_url()).context("the daemon's answer is not what was asked for")
    })
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
        let page: Sessions = ask(operations, request).await?;
        sessions.extend(page.sessions);
        after = page.next;
        if after.is_none() {
            return Ok(sessions);
        }
    }
}
