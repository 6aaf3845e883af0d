//! Tells open pages that something has happened, and no more than that: they fetch what they show.
//! However many events there are, a page hears of them twice a second at most; with none at all it hears
//! every two seconds that somebody is here, as a server that hangs closes no connection.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt};

use super::super::Desk;

/// How long to wait after one message before the next.
const PAUSE: Duration = Duration::from_millis(500);

/// How often to say the same again when nothing happens. The page gives up after three times as long.
const BEAT: Duration = Duration::from_secs(2);

pub(super) async fn follow(State(desk): State<Desk>) -> Response {
    let hub = desk.driver.hub().clone();
    let beats = stream::unfold((hub, None), async |(hub, told)| {
        if told.is_some() {
            tokio::time::sleep(PAUSE).await;
        }
        let mut last = hub.last_seq();
        if told == Some(last) {
            let mut news = hub.subscribe(Some(last));
            // Whatever it is: that it happened, or did not, is enough.
            let _either = tokio::time::timeout(BEAT, news.next(1)).await;
            last = hub.last_seq();
        }
        let place = format!("{:016x}-{last}", hub.run());
        let event = Event::default().retry(Duration::from_secs(1)).data(place);
        Some((Ok::<_, Infallible>(event), (hub, Some(last))))
    });
    let beats = beats.take_until(desk.stop.cancelled_owned());
    Sse::new(beats).into_response()
}
