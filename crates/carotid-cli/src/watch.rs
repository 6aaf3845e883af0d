//! `carotid watch`: events as they happen.

mod sse;

use std::process::ExitCode;
use std::time::Duration;

use carotid::api::Event;

use crate::args::WatchArgs;
use crate::exit::Exit;
use crate::operations::Operations;
use crate::output::{self, Format};
use sse::{Frame, Frames};

/// How long to wait before asking a daemon that went away again.
const RETRY: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: WatchArgs) -> Result<ExitCode, Exit> {
    let operations = Operations::new(&args.daemon)?;
    let mut after = args.after;
    // The first connection must succeed; later the daemon may come and go.
    let mut lost = follow(&operations, &mut after, args.output).await?;
    loop {
        output::talk(format_args!("{lost}; trying again"));
        tokio::time::sleep(RETRY).await;
        lost = match follow(&operations, &mut after, args.output).await {
            Ok(lost) => lost,
            Err(_) => "the daemon does not answer",
        };
    }
}

/// Prints events until the stream ends, and says how it did.
async fn follow(
    operations: &Operations,
    after: &mut Option<u64>,
    format: Format,
) -> Result<&'static str, Exit> {
    let mut request = operations.get("/api/v1/events");
    if let Some(after) = after {
        request = request.query(&[("after", *after)]);
    }
    let mut response = operations.send(request).await?;
    let mut frames = Frames::default();
    while let Ok(chunk) = response.chunk().await {
        let Some(chunk) = chunk else {
            return Ok("the daemon ended the stream");
        };
        for frame in frames.push(&chunk) {
            print(&frame, after, format)?;
        }
    }
    Ok("the connection to the daemon is lost")
}

fn print(frame: &Frame, after: &mut Option<u64>, format: Format) -> Result<(), Exit> {
    if frame.event == "missed" {
        output::talk(format_args!("too slow: {}", frame.data));
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
    let mut text = format!(
        "{:.3}  {}  {}",
        event.at,
        output::coloured(&event.kind, 7),
        event.name
    );
    if event.epoch > 1 {
        text += &format!("  epoch {}", event.epoch);
    }
    if let Some(cause) = &event.cause {
        text += &format!("  {cause}");
    }
    if event.silent_ms > 0 {
        text += &format!("  silent {}", output::roughly(event.silent_ms));
    }
    if let Some(peer) = event.peer {
        text += &format!("  {peer}");
    }
    text
}
