//! `carotid watch`: events as they happen.

mod sse;

use std::process::ExitCode;
use std::time::Duration;

use carotid::api::{AFTER_HEADER, Event, Missed, RUN_HEADER};
use reqwest::Response;
use reqwest::header::{HeaderMap, HeaderValue};

use crate::args::WatchArgs;
use crate::exit::Exit;
use crate::operations::Operations;
use crate::output::{self, Format};
use sse::{Frame, Frames};

/// How long to wait before asking a daemon that went away again.
const RETRY: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: WatchArgs) -> Result<ExitCode, Exit> {
    let operations = Operations::new(&args.daemon)?;
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
        self.run = run;
        let start = headers
            .get(AFTER_HEADER)
            .and_then(|after| after.to_str().ok());
        let start = start.and_then(|after| after.parse::<u64>().ok());
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
        Format::Table => output::line(&sentence(&event)),
    }
}

fn sentence(event: &Event) -> String {
    let name = event.name.as_deref().unwrap_or("(this daemon)");
    let mut text = format!(
        "{:.3}  {}  {}",
        event.at,
        output::coloured(&event.kind, 7),
        output::harmless(name)
    );
    if let Some(epoch) = event.epoch.filter(|epoch| *epoch > 1) {
        text += &format!("  epoch {epoch}");
    }
    if let Some(cause) = &event.cause {
        text += &format!("  {cause}");
    }
    if let Some(silent) = event.silent_ms.filter(|silent| *silent > 0) {
        text += &format!("  silent {}", output::roughly(silent));
    }
    if let Some(stalled) = event.stalled_ms {
        text += &format!("  did not run for {}", output::roughly(stalled));
    }
    if let Some(peer) = event.peer {
        text += &format!("  {peer}");
    }
    text
}
