//! The event stream: server-sent events, resumable by number.

use std::convert::Infallible;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt};
use serde::{Deserialize, Serialize};

use super::{Desk, refuse, refuse_query};
use crate::hub::{Batch, Subscription};
use crate::sink::api::{AFTER_HEADER, Event, Missed, RUN_HEADER};
use crate::sink::journal::Archive;

/// Events taken from the log at once: some tens of kilobytes for each reader.
const AT_ONCE: usize = 256;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    after: Option<u64>,
}

/// Follows the log after `Last-Event-ID` or `?after=`; without either, from now on.
pub(super) async fn follow(
    State(desk): State<Desk>,
    start: Result<Query<Start>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let after = match start {
        Ok(Query(start)) => start.after,
        Err(rejection) => return refuse_query(&rejection),
    };
    // A browser that reconnects repeats its first address, so the header is the newer of the two.
    let after = match headers.get("last-event-id").map(|id| id.to_str()) {
        None => after,
        Some(Ok(id)) if id.parse::<u64>().is_ok() => id.parse().ok(),
        Some(_) => {
            let why = "Last-Event-ID is the number of an event";
            return refuse(StatusCode::BAD_REQUEST, why);
        }
    };
    let hub = desk.driver.hub();
    let subscription = hub.subscribe(after);
    // What a reader needs to go on later without a gap: the number it starts after, and whether
    // the numbers it knows are of this run.
    let place = [
        (RUN_HEADER, format!("{:016x}", hub.run())),
        (AFTER_HEADER, subscription.after().to_string()),
    ];
    let feed = Feed {
        subscription,
        archive: desk.archive,
        older: None,
    };
    let events = events(feed).take_until(desk.stop.cancelled_owned());
    let stream = Sse::new(events).keep_alive(KeepAlive::default());
    (place, stream).into_response()
}

/// A place in the log, and in the journal for what the log does not have any more.
struct Feed {
    subscription: Subscription,
    archive: Option<Archive>,
    older: Option<Older>,
}

/// Events that are read from the journal: those after a number, before the first that the log has.
struct Older {
    after: u64,
    next: Batch,
}

fn events(feed: Feed) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    let batches = stream::unfold(feed, async |mut feed| Some((feed.next().await, feed)));
    batches.flat_map(|frames| stream::iter(frames.into_iter().map(Ok)))
}

impl Feed {
    async fn next(&mut self) -> Vec<sse::Event> {
        if let (Some(older), Some(archive)) = (self.older.take(), self.archive.clone()) {
            return self.read(older, archive).await;
        }
        let after = self.subscription.after();
        let next = self.subscription.next(AT_ONCE).await;
        match self.archive.clone() {
            Some(archive) if next.missed > 0 => self.read(Older { after, next }, archive).await,
            Some(_) | None => frames(next),
        }
    }

    /// Goes on in the journal; what is not there either was missed.
    async fn read(&mut self, mut older: Older, archive: Archive) -> Vec<sse::Event> {
        let (after, end) = (older.after, older.after + older.next.missed);
        let read = archive.ask(move |reader| reader.events_after(after, AT_ONCE));
        let read = read.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "a reader of events misses some that are in the journal");
            Vec::new()
        });
        let events: Vec<_> = read.into_iter().filter(|event| event.seq <= end).collect();
        let Some((first, last)) = events.first().zip(events.last()) else {
            return frames(older.next);
        };
        let missed = first.seq - after - 1;
        older.after = last.seq;
        older.next.missed = end - last.seq;
        let mut frames: Vec<_> = missing(missed).collect();
        frames.extend(events.into_iter().map(told));
        self.older = Some(older);
        frames
    }
}

fn frames(batch: Batch) -> Vec<sse::Event> {
    let records = batch.records.into_iter();
    let records = records.map(|record| told(Event::from(record)));
    missing(batch.missed).chain(records).collect()
}

fn missing(missed: u64) -> impl Iterator<Item = sse::Event> {
    let missing = (missed > 0).then_some(Missed { missed });
    let missing = missing.into_iter();
    missing.map(|missed| frame(sse::Event::default().event("missed"), &missed))
}

fn told(event: Event) -> sse::Event {
    let begun = sse::Event::default()
        .id(event.seq.to_string())
        .event(&*event.kind);
    frame(begun, &event)
}

fn frame(begun: sse::Event, data: &impl Serialize) -> sse::Event {
    begun
        .json_data(data)
        .expect("these objects have neither maps nor fallible fields")
}
