//! `carotid ping`: one question, one answer, one exit code.

use std::process::ExitCode;
use std::time::Duration;

use carotid::Address;
use carotid::check::{self, Answer, CheckError};

use crate::args::PingArgs;
use crate::exit::Exit;
use crate::output::{self, Format};

pub(crate) async fn run(args: PingArgs) -> Result<ExitCode, Exit> {
    let (last, others) = args
        .addr
        .split_last()
        .expect("there is a default for where there is none");
    for address in others {
        match ask(address, &args).await {
            Ok(code) => return Ok(code),
            Err(unserved) => {
                unserved.report();
            }
        }
    }
    ask(last, &args).await
}

/// Asks one server; an error if it does not serve.
async fn ask(address: &Address, args: &PingArgs) -> Result<ExitCode, Exit> {
    let answer = check::ask(address, args.timeout.0)
        .await
        .map_err(|error| explain(error, address))?;
    let printed = match args.output {
        Format::Table => output::line(&format!(
            "{} at {}, round trip {}",
            output::harmless(&answer.status.to_lowercase()),
            address,
            millis(answer.round_trip)
        )),
        Format::Json | Format::Ndjson => output::line(&json(&answer)),
    };
    if !answer.is_serving() {
        // The code says so even where nobody reads the words.
        let why = anyhow::anyhow!("{address} says {:?}", answer.status);
        return Err(Exit::unhealthy(why));
    }
    printed.map(|()| ExitCode::SUCCESS)
}

fn explain(error: CheckError, address: &Address) -> Exit {
    let doing = format!("cannot ping {address}");
    match error {
        CheckError::Connect(_) | CheckError::ConnectTimeout { .. } => {
            let exit = Exit::connect(error).context(doing);
            exit.advise("Is the server running, and is the address its RPC listener's?")
        }
        CheckError::NoAnswer { .. } => Exit::rpc(error).context(doing).advise(
            "It accepted the connection and then said nothing: it is frozen, overloaded, or no heartbeat server.",
        ),
        CheckError::Call(_) | _ => Exit::rpc(error).context(doing).advise(
            "Something listens there, but it does not answer Heartbeat.Ping. Is it the RPC port, not the HTTP one?",
        ),
    }
}

fn millis(round_trip: Duration) -> String {
    format!("{:.2} ms", round_trip.as_secs_f64() * 1000.0)
}

fn json(answer: &Answer) -> String {
    serde_json::json!({
        "status": answer.status,
        "serving": answer.is_serving(),
        "round_trip_us": u64::try_from(answer.round_trip.as_micros()).unwrap_or(u64::MAX),
    })
    .to_string()
}
