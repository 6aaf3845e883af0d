//! `carotid ps`: who is alive, who is not.

use std::process::ExitCode;

use carotid::api::{Session, Sessions};

use crate::args::PsArgs;
use crate::exit::Exit;
use crate::operations::Operations;
use crate::output::{self, Format};

const PAGE: &str = "1000";

pub(crate) async fn run(args: PsArgs) -> Result<ExitCode, Exit> {
    let mut sessions = fetch(&args).await?;
    sessions.sort_by(|one, other| one.name.cmp(&other.name));
    match args.output {
        Format::Table => {
            output::table(&sessions)?;
            if sessions.is_empty() {
                output::talk(format_args!("no sessions"));
            }
        }
        Format::Json => {
            let all = Sessions {
                sessions,
                next: None,
            };
            output::line(&serde_json::to_string_pretty(&all).map_err(Exit::usage)?)?;
        }
        Format::Ndjson => {
            let mut lines = String::new();
            for session in &sessions {
                lines += &serde_json::to_string(session).map_err(Exit::usage)?;
                lines.push('\n');
            }
            output::bytes(lines.as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn fetch(args: &PsArgs) -> Result<Vec<Session>, Exit> {
    let operations = Operations::new(&args.daemon)?;
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
        let response = operations.send(request).await?;
        let page: Sessions = response.json().await.map_err(|error| {
            Exit::rpc(error.without_url()).context("the daemon's answer is not a list of sessions")
        })?;
        sessions.extend(page.sessions);
        after = page.next;
        if after.is_none() {
            return Ok(sessions);
        }
    }
}
