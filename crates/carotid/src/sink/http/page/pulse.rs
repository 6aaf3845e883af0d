//! Tells open pages that something has happened, and no more than that: they fetch what they show.
//! However many events there are, a page hears of them twice a second at most.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};

use super::super::Desk;

/// How long to wait after one message before the next.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) async fn follow(State(desk): State<Desk>) -> Response {
    let hub = desk.driver.hub().clone();
    let beats = stream::unfold((hub, None), async |(hub, told)| {
        if told.is_some() {
            tokio::time::sleep(PAUSE).await;
        }
        let mut last = hub.last_seq();
        if told == Some(last) {
            // Whatever it is: that it happened is enough.
            hub.subscribe(Some(last)).next(1).await;
            last = hub.last_seq();
        }
        let place = format!("{:016x}-{last}", hub.run());
        let event = Event::default().retry(Duration::from_secs(1)).data(place);
        Some((Ok::<_, Infallible>(event), (hub, Some(last))))
    });
    let beats = beats.take_until(desk.stop.cancelled_owned());
    Sse::new(beats)
        .keep_alive(KeepAlive::default())
        .into_response()
}
