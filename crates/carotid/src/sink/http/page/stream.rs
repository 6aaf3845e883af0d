//! `/events/stream`: events as the page lists them, as they come. A browser that was cut off goes on
//! after the last one that it has; where numbers have begun anew meanwhile, it is told so.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse;
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::{Desk, refuse};
use super::asked::Asking;
use super::events::{Filter, item, many};
use super::late::journaled;
use crate::hub::{Record, Subscription};
use crate::sink::api::Event;

/// Events read from the log at once.
const AT_ONCE: usize = 1000;

/// Of so many at once each is shown; of more, the rest is counted.
const READABLE: usize = 40;

/// How long to collect when more come than can be read.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    #[serde(flatten)]
    filter: Filter,
    after: String,
}

/// Where a reader is: the log that it reads, and the last number it has of it.
fn place(text: &str) -> Option<(u64, u64)> {
    let (run, seq) = text.split_once('-')?;
    Some((u64::from_str_radix(run, 16).ok()?, seq.parse().ok()?))
}

pub(super) async fn follow(
    State(desk): State<Desk>,
    Asking(asked): Asking<Asked>,
    headers: HeaderMap,
) -> Response {
    // A browser that reconnects repeats its first address, so the header is the newer of the two.
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let Some((run, after)) = place(last_id.unwrap_or(&asked.after)) else {
        let why = "after is what the page of events has in its data-stream";
        return refuse(StatusCode::BAD_REQUEST, why);
    };
    let is_same = run == desk.driver.hub().run();
    let after = if is_same { after } else { 0 };
    let stop = desk.stop.clone();
    let reader = Reader {
        subscription: desk.driver.hub().subscribe(Some(after)),
        filter: asked.filter,
        is_flood: false,
        desk,
    };
    let greeting = (!is_same).then(|| {
        let anew = "This monitor was restarted, and its events begin anew.";
        reader.frame(
            0,
            &html! { li.anew data-key="anew" { span.text { (anew) } } },
        )
    });
    let frames = stream::iter(greeting).chain(reader.frames());
    let frames = frames
        .map(Ok::<_, Infallible>)
        .take_until(stop.cancelled_owned());
    Sse::new(frames)
        .keep_alive(KeepAlive::default())
        .into_response()
}

/// One page that is open.
struct Reader {
    desk: Desk,
    subscription: Subscription,
    filter: Filter,
    /// More came the last time than can be read.
    is_flood: bool,
}

impl Reader {
    fn frame(&self, seq: u64, markup: &Markup) -> sse::Event {
        let place = format!("{:016x}-{seq}", self.desk.driver.hub().run());
        let event = sse::Event::default().retry(Duration::from_secs(1));
        event.id(place).data(&markup.0)
    }

    fn frames(self) -> impl Stream<Item = sse::Event> {
        let batches = stream::unfold(self, async |mut reader| {
            let frames = reader.next().await;
            Some((stream::iter(frames), reader))
        });
        batches.flatten()
    }

    async fn next(&mut self) -> Vec<sse::Event> {
        if self.is_flood {
            tokio::time::sleep(PAUSE).await;
        }
        let after = self.subscription.after();
        let batch = self.subscription.next(AT_ONCE).await;
        self.is_flood = batch.records.len() > READABLE;
        let mut frames = self.missed(after, batch.missed).await;
        let wanted = batch.records.into_iter().filter(|record| {
            let name = record.what.event().map(|event| event.name.as_str());
            self.filter.accepts(record.what.as_str(), name)
        });
        frames.extend(self.told(&wanted.collect::<Vec<_>>()));
        frames
    }

    /// What the log does not have any more: from the journal as much as can be read, the rest as a number.
    async fn missed(&self, after: u64, number: u64) -> Vec<sse::Event> {
        let readable = number.min(READABLE as u64);
        let older = match number {
            0 => return Vec::new(),
            _ => journaled(&self.desk, after, readable)
                .await
                .unwrap_or_default(),
        };
        let told = older.len() as u64;
        let wanted = older
            .iter()
            .filter(|event| self.filter.accepts(&event.kind, event.name.as_deref()));
        let mut frames: Vec<_> = wanted
            .map(|event| self.frame(event.seq, &item(event)))
            .collect();
        if told < number {
            let (first, last) = (after + told + 1, after + number);
            frames.push(self.frame(last, &many(first, last, &[("not listed", number - told)])));
        }
        frames
    }

    fn told(&self, records: &[Record]) -> Vec<sse::Event> {
        let (each, rest) = records.split_at(records.len().min(READABLE));
        let each = each.iter().map(|record| {
            let event = Event::from(record.clone());
            self.frame(event.seq, &item(&event))
        });
        let mut frames: Vec<_> = each.collect();
        if let (Some(first), Some(last)) = (rest.first(), rest.last()) {
            let kinds = counted(rest);
            frames.push(self.frame(last.seq, &many(first.seq, last.seq, &kinds)));
        }
        frames
    }
}

/// How many there are of each kind.
fn counted(records: &[Record]) -> Vec<(&'static str, u64)> {
    let mut kinds: Vec<(&'static str, u64)> = Vec::new();
    for record in records {
        let kind = record.what.as_str();
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, number)) => *number += 1,
            None => kinds.push((kind, 1)),
        }
    }
    kinds
}
