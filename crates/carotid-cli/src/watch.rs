//! `carotid watch`: events as they happen.

pub(crate) mod sse;

use std::process::ExitCode;
use std::time::Duration;

use carotid::api::{AFTER_HEADER, Event, Incident, Missed, Outcome, RUN_HEADER};
use reqwest::Response;
use reqwest::header::{HeaderMap, HeaderValue};

use crate::args::WatchArgs;
use crate::exit::Exit;
use crate::operations::Operations;
use crate::output::{self, Format};
use sse::{Frame, Frames};

const HEADER: &str = "SEQ      AT                        KIND               CAUSE        SILENT   EPOCH  PEER                   NAME";

/// How long to wait before asking a daemon that went away again.
const RETRY: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: WatchArgs) -> Result<ExitCode, Exit> {
    let operations = Operations::new(&args.daemon)?;
    if args.output == Format::Table {
        output::line(HEADER)?;
    }
    let mut place = Place {
        run: None,
        after: args.after,
    };
    // The first connection must succeed; later the daemon may come and go.
    let mut lost = follow(&operations, &mut place, args.output).await?;
    loop {
        output::talk(format_args!("{lost}; trying again"));
        tokio::time::sleep(RETRY).await;
        lost = match follow(&operations, &mut place, args.output).await {
            Ok(lost) => lost,
            Err(exit) if exit.is_connect() => "the daemon does not answer",
            Err(exit) => return Err(exit),
        };
    }
}

/// Where in the daemon's events we are.
#[derive(Debug)]
struct Place {
    /// The run of the daemon that the number belongs to.
    run: Option<HeaderValue>,
    after: Option<u64>,
}

impl Place {
    /// Takes the place from which a stream begins. Returns whether it is one of another run, whose
    /// first events were left out: the numbers of the last one mean nothing there.
    fn begin(&mut self, headers: &HeaderMap) -> bool {
        let run = headers.get(RUN_HEADER).cloned();
        let restarted = self.run.is_some() && self.run != run;
        if restarted {
            output::talk(format_args!(
                "the daemon was restarted: its numbers begin again at 1"
            ));
        }
        self.run = run;
        let start = headers
            .get(AFTER_HEADER)
            .and_then(|after| after.to_str().ok());
        let start = start.and_then(|after| after.parse::<u64>().ok());
        if !restarted && start < self.after {
            output::talk(format_args!(
                "the daemon has no such event yet: it begins with the first"
            ));
        }
        let skipped = restarted && start.is_some_and(|after| after > 0);
        self.after = if skipped {
            Some(0)
        } else {
            start.or(self.after)
        };
        skipped
    }
}

/// Prints events until the stream ends, and says how it did.
async fn follow(
    operations: &Operations,
    place: &mut Place,
    format: Format,
) -> Result<&'static str, Exit> {
    let mut response = request(operations, place).await?;
    if place.begin(response.headers()) {
        response = request(operations, place).await?;
        place.begin(response.headers());
    }
    let mut frames = Frames::default();
    while let Ok(chunk) = response.chunk().await {
        let Some(chunk) = chunk else {
            return Ok("the daemon ended the stream");
        };
        for frame in frames.push(&chunk) {
            print(&frame, &mut place.after, format)?;
        }
    }
    Ok("the connection to the daemon is lost")
}

async fn request(operations: &Operations, place: &Place) -> Result<Response, Exit> {
    let mut request = operations.get("/api/v1/events");
    if let Some(after) = place.after {
        request = request.query(&[("after", after)]);
    }
    operations.send(request).await
}

fn print(frame: &Frame, after: &mut Option<u64>, format: Format) -> Result<(), Exit> {
    if frame.event == "missed" {
        let missed: Missed = serde_json::from_str(&frame.data).unwrap_or_default();
        let count = missed.missed;
        output::talk(format_args!("{count} events are not kept any more"));
        return Ok(());
    }
    let event: Event = serde_json::from_str(&frame.data)
        .map_err(|error| Exit::rpc(error).context("the daemon sent what is not an event"))?;
    *after = Some(event.seq);
    match format {
        Format::Json | Format::Ndjson => output::line(&frame.data),
        Format::Table => output::line(&columns(&event)),
    }
}

/// Mass silence in a few words, where other events have a name.
fn describe(incident: &Incident) -> String {
    let (at_risk, sessions) = (incident.at_risk, incident.sessions);
    let services = match &incident.services[..] {
        [] => "no service of its own".to_owned(),
        [one] => one.clone(),
        [first, second] => format!("{first}, {second}"),
        [first, second, rest @ ..] => format!("{first}, {second} and {} more", rest.len()),
    };
    let whose = if incident.all {
        format!("all; {services}")
    } else {
        services
    };
    let held = output::roughly(incident.held_ms);
    format!("{at_risk} of {sessions} sessions ({whose}); deaths held for {held}")
}

fn conclude(outcome: Outcome) -> String {
    let (died, returned) = (outcome.died, outcome.returned);
    format!(
        "incident {}: {returned} are back or left, {died} died",
        outcome.number
    )
}

/// The event in columns; `-` where it has nothing to say.
fn columns(event: &Event) -> String {
    let incident = event.incident.as_ref().map(describe);
    let incident = incident.or_else(|| event.outcome.map(conclude));
    let name = event.name.as_deref().or(incident.as_deref());
    let name = output::harmless(name.unwrap_or("(this daemon)"));
    let epoch = event
        .epoch
        .map_or("-".to_owned(), |epoch| epoch.to_string());
    let time = (event.stuck_ms).or(event.silent_ms).or(event.stalled_ms);
    let time = time.map_or("-".to_owned(), output::roughly);
    let peer = event.peer.as_deref().unwrap_or("-");
    format!(
        "{:<7}  {:.3}  {}  {:<11}  {time:<7}  {epoch:<5}  {peer:<21}  {name}",
        event.seq,
        event.at,
        output::coloured(&event.kind, 17),
        event.cause.as_deref().unwrap_or("-"),
    )
}
