//! `/events`: what happened, newest first, and what happens.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::Desk;
use super::asked::Asking;
use super::frame::{Leaf, Place};
use super::late::{AT_MOST, Late, latest};
use super::sentence;
use super::words::{clock, count, mark, query, session_link, spoken};
use crate::sink::api::Event;

/// Events on one page.
const ROWS: usize = 100;

/// The groups of kinds that the filter has.
pub(super) const TROUBLE: [&str; 8] = [
    "suspect",
    "dead",
    "wedged",
    "stalled",
    "mass_silence",
    "mass_silence_over",
    "restarted",
    "skipped",
];
const KINDS: [&str; 13] = [
    "opened",
    "suspect",
    "back",
    "dead",
    "left",
    "wedged",
    "unwedged",
    "revised",
    "stalled",
    "mass_silence",
    "mass_silence_over",
    "restarted",
    "skipped",
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    fragment: Option<String>,
    #[serde(flatten)]
    pub(super) filter: Filter,
    before: Option<u64>,
}

/// Which events are wanted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    pub(super) service: String,
    pub(super) kind: String,
}

impl Filter {
    /// Whether it can be told which events are meant.
    pub(super) fn is_known(&self) -> bool {
        let kind = &*self.kind;
        kind.is_empty() || kind == "trouble" || KINDS.contains(&kind)
    }

    /// Whether an event of this kind, of a session with this name, is wanted.
    pub(super) fn accepts(&self, kind: &str, name: Option<&str>) -> bool {
        let service = self.service.trim();
        let is_kind = match &*self.kind {
            "" => true,
            "trouble" => TROUBLE.contains(&kind),
            asked => asked == kind,
        };
        let of_service = |name: &str| name.split('/').next() == Some(service);
        is_kind && (service.is_empty() || name.is_some_and(of_service))
    }

    fn path(&self, path: &str, place: &str) -> String {
        let (service, kind) = (query(&self.service), query(&self.kind));
        format!("{path}?service={service}&kind={kind}{place}")
    }
}

pub(super) async fn show(State(desk): State<Desk>, Asking(asked): Asking<Asked>) -> Response {
    let hub = desk.driver.hub();
    let filter = &asked.filter;
    if !filter.is_known() {
        let why = format!("There is no kind {:?} of event.", filter.kind);
        return super::refuse(StatusCode::BAD_REQUEST, "No such events", &why);
    }
    let seq = hub.last_seq();
    let late = latest(
        &desk,
        Some(asked.before.unwrap_or(seq + 1)),
        ROWS,
        |kind, name| filter.accepts(kind, name),
    )
    .await;
    let is_newest = asked.before.is_none();
    let place = format!("&after={:016x}-{seq}", hub.run());
    let stream = is_newest.then(|| filter.path("/events/stream", &place));
    let main = html! {
        div.head {
            h1 { "Events" }
            @if is_newest { button #pause type="button" aria-pressed="false" hidden { "Pause" } }
        }
        (form(filter))
        p #paused .tally hidden {}
        ol #events .events.long data-stream=[stream] aria-label="Events, newest first" {
            @for event in &late.events { (item(event)) }
        }
        p #no-events .empty { (nothing(&late)) }
        nav.pages aria-label="Pages of events" {
            @if !is_newest { a href=(filter.path("/events", "")) { "Newest" } }
            @if let Some(older) = late.older { a href=(filter.path("/events", &format!("&before={older}"))) { "Older" } }
        }
    };
    let leaf = Leaf {
        title: "Events",
        place: Place::Events,
        main,
    };
    leaf.answer(asked.fragment.is_some())
}

/// What is to be said where no event is.
fn nothing(late: &Late) -> Markup {
    html! {
        @if late.older.is_some() {
            "Nothing like that is among these " (count(AT_MOST)) " events. There are older ones."
        } @else if late.is_cut {
            "Nothing like that is among the events that are kept."
        } @else {
            "Nothing like that has happened yet."
        }
    }
}

fn form(filter: &Filter) -> Markup {
    html! {
        form.filters role="search" action="/events" data-live {
            div.field.wide {
                label for="search" { "Service" }
                input #search type="search" name="service" value=(filter.service)
                    placeholder="any" autocomplete="off" spellcheck="false" maxlength="128";
            }
            div.field {
                label for="kind" { "Kind" }
                select #kind name="kind" {
                    option value="" { "everything" }
                    option value="trouble" selected[filter.kind == "trouble"] { "trouble" }
                    @for kind in KINDS { option value=(kind) selected[filter.kind == kind] { (spoken(kind)) } }
                }
            }
            button { "Show" }
        }
    }
}

/// One event in a list.
pub(super) fn item(event: &Event) -> Markup {
    listed(event, event.name.as_deref())
}

/// One event in a list of those of one session.
pub(super) fn own_item(event: &Event) -> Markup {
    listed(event, None)
}

fn listed(event: &Event, name: Option<&str>) -> Markup {
    html! {
        li.(event.kind) data-key=(event.seq) {
            (clock(event.at))
            span.what { (mark(&event.kind)) (spoken(&event.kind)) }
            span.text {
                @if let Some(name) = name { (session_link(name)) " " }
                (sentence::event(event))
            }
            span.seq { "#" (event.seq) }
        }
    }
}

/// In place of events that nobody could read as they came.
pub(super) fn many(first: u64, last: u64, kinds: &[(&'static str, u64)]) -> Markup {
    let number: u64 = kinds.iter().map(|(_, number)| number).sum();
    html! {
        li.many data-key=(last) {
            span.text {
                a href=(format!("/events?before={}", last + 1)) { (count(number)) " more events" }
                " at once: "
                @for (at, (kind, number)) in kinds.iter().enumerate() {
                    @if at > 0 { ", " } (count(*number)) " " (spoken(kind))
                }
            }
            span.seq { "#" (first) "–" (last) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_found_is_not_nothing_ever() {
        let told = |older, is_cut| {
            let late = Late {
                older,
                is_cut,
                ..Late::default()
            };
            nothing(&late).into_string()
        };
        assert_eq!(told(None, false), "Nothing like that has happened yet.");
        assert_eq!(
            told(Some(7), false),
            "Nothing like that is among these 20,000 events. There are older ones."
        );
        assert_eq!(
            told(None, true),
            "Nothing like that is among the events that are kept."
        );
    }
}
