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
    let events = events(subscription).take_until(desk.stop.cancelled_owned());
    let stream = Sse::new(events).keep_alive(KeepAlive::default());
    (place, stream).into_response()
}

fn events(subscription: Subscription) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    let batches = stream::unfold(subscription, async |mut subscription| {
        Some((subscription.next(AT_ONCE).await, subscription))
    });
    batches.flat_map(|batch| stream::iter(frames(batch).into_iter().map(Ok)))
}

fn frames(batch: Batch) -> Vec<sse::Event> {
    let mut frames = Vec::with_capacity(batch.records.len() + 1);
    if batch.missed > 0 {
        let missed = Missed {
            missed: batch.missed,
        };
        frames.push(frame(sse::Event::default().event("missed"), &missed));
    }
    for record in batch.records {
        let event = Event::from(record);
        let begun = sse::Event::default()
            .id(event.seq.to_string())
            .event(&*event.kind);
        frames.push(frame(begun, &event));
    }
    frames
}

fn frame(begun: sse::Event, data: &impl Serialize) -> sse::Event {
    begun
        .json_data(data)
        .expect("these objects have neither maps nor fallible fields")
}
