//! `/sessions`: search, filters, order and paging, all done here: a million rows do not reach a browser.

use std::net::IpAddr;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::Desk;
use super::asked::Asking;
use super::frame::{Leaf, Place};
use super::rows::{Choice, From, Key, Screenful, Sort, Wanted};
use super::words::{count, many, query, session_link, span, state, time};
use crate::sink::api::Session;

/// Rows on one page.
const ROWS: usize = 50;

/// What sessions can be, as the filter has it.
const STATES: [&str; 5] = ["alive", "suspect", "wedged", "dead", "left"];

const SORTS: [(&str, &str, Sort); 3] = [
    ("health", "Problems first", Sort::Health),
    ("since", "Latest change first", Sort::Since),
    ("name", "Name", Sort::Name),
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    fragment: Option<String>,
    search: String,
    service: String,
    host: String,
    state: String,
    sort: String,
    after: Option<String>,
    before: Option<String>,
    last: Option<String>,
}

/// What is wrong with the address of a page.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
enum AskedError {
    #[error("state is alive, suspect, wedged, dead or left, not {0:?}")]
    State(String),
    #[error("sort is health, since or name, not {0:?}")]
    Sort(String),
    #[error("host is an IP address, not {0:?}")]
    Host(String),
    #[error("after and before are what the links of this page have, not {0:?}")]
    Place(String),
}

pub(super) async fn show(State(desk): State<Desk>, Asking(asked): Asking<Asked>) -> Response {
    let (wanted, sort, from) = match asked.read() {
        Ok(read) => read,
        Err(error) => {
            return super::refuse(StatusCode::BAD_REQUEST, "No such list", &error.to_string());
        }
    };
    let mut choice = Choice::new(wanted, sort, from, ROWS);
    desk.driver
        .each(|view, peer, _| choice.look(&view, peer))
        .await;
    let screenful = choice.found(&desk.driver);
    let main = html! {
        h1 { "Sessions" }
        (form(&asked))
        (table(&screenful, &asked))
        (pages(&screenful, &asked))
    };
    let leaf = Leaf {
        title: "Sessions",
        place: Place::Sessions,
        main,
    };
    leaf.answer(asked.fragment.is_some())
}

impl Asked {
    fn read(&self) -> Result<(Wanted, Sort, From), AskedError> {
        let text = |text: &str| {
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let states = self.state.split(',').filter(|word| !word.is_empty());
        let mut known = Vec::new();
        for asked in states {
            let state = STATES.into_iter().find(|state| *state == asked);
            let state = state.ok_or_else(|| AskedError::State(asked.to_owned()))?;
            // Each is looked at for every session.
            if !known.contains(&state) {
                known.push(state);
            }
        }
        let host =
            text(&self.host).map(|host| host.parse::<IpAddr>().map_err(|_| AskedError::Host(host)));
        let wanted = Wanted {
            search: text(&self.search),
            service: text(&self.service),
            host: host.transpose()?,
            states: known,
            but: None,
        };
        let sort = match &*self.sort {
            "" => Sort::default(),
            asked => {
                let mut sorts = SORTS.into_iter();
                let known = sorts.find(|(word, ..)| *word == asked);
                known.ok_or_else(|| AskedError::Sort(asked.to_owned()))?.2
            }
        };
        let place = |text: &String| key(text).ok_or_else(|| AskedError::Place(text.clone()));
        let from = match (&self.after, &self.before, &self.last) {
            (Some(after), ..) => From::After(place(after)?),
            (None, Some(before), _) => From::Before(place(before)?),
            (None, None, Some(_)) => From::Last,
            (None, None, None) => From::First,
        };
        Ok((wanted, sort, from))
    }

    /// The address of this list with something else at its end.
    fn path(&self, place: &str) -> String {
        let mut path = "/sessions".to_owned();
        let mut separator = '?';
        let fields = [
            ("search", &self.search),
            ("service", &self.service),
            ("host", &self.host),
            ("state", &self.state),
            ("sort", &self.sort),
        ];
        for (field, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            path += &format!("{separator}{field}={}", query(value));
            separator = '&';
        }
        if !place.is_empty() {
            path += &format!("{separator}{place}");
        }
        path
    }

    fn is_filtered(&self) -> bool {
        [&self.search, &self.service, &self.host, &self.state]
            .iter()
            .any(|field| !field.is_empty())
    }
}

/// A place in the order as a link has it.
fn key(text: &str) -> Option<Key> {
    let (rank, name) = text.split_once('.')?;
    Some(Key {
        rank: u64::from_str_radix(rank, 16).ok()?,
        name: name.parse().ok()?,
    })
}

fn written(key: &Key) -> String {
    format!("{:x}.{}", key.rank, query(key.name.as_str()))
}

fn form(asked: &Asked) -> Markup {
    html! {
        form.filters role="search" action="/sessions" data-live {
            div.field.wide {
                label for="search" { "Search" }
                input #search type="search" name="search" value=(asked.search)
                    placeholder="part of a name" autocomplete="off" spellcheck="false" maxlength="128";
            }
            div.field {
                label for="service" { "Service" }
                input #service type="search" name="service" value=(asked.service)
                    placeholder="any" autocomplete="off" spellcheck="false" maxlength="128";
            }
            div.field {
                label for="state" { "State" }
                select #state name="state" {
                    option value="" { "any" }
                    option value="dead,suspect,wedged" selected[asked.state == "dead,suspect,wedged"] { "in trouble" }
                    @for state in STATES { option value=(state) selected[asked.state == state] { (state) } }
                }
            }
            div.field {
                label for="sort" { "Order" }
                select #sort name="sort" {
                    @for (word, text, _) in SORTS { option value=(word) selected[asked.sort == word] { (text) } }
                }
            }
            @if !asked.host.is_empty() { input type="hidden" name="host" value=(asked.host); }
            button { "Show" }
        }
    }
}

fn table(screenful: &Screenful, asked: &Asked) -> Markup {
    let (first, last) = (
        screenful.before + 1,
        screenful.before + screenful.rows.len() as u64,
    );
    html! {
        p.tally data-say {
            @if screenful.rows.is_empty() {
                @if asked.is_filtered() { "No session is like that." } @else { "No session is being watched." }
            } @else {
                (count(first)) "–" (count(last)) " of " (many(screenful.total, "session"))
                @if screenful.troubled > 0 { ", " strong { (count(screenful.troubled)) " in trouble" } }
            }
            @if !asked.host.is_empty() { ", last heard from " code { (asked.host) } }
            @if asked.is_filtered() { " · " a href="/sessions" { "All sessions" } }
        }
        @if !screenful.rows.is_empty() { (rows(&screenful.rows)) }
    }
}

/// Sessions in rows.
pub(super) fn rows(sessions: &[Session]) -> Markup {
    html! {
        table.sessions {
            thead { tr {
                th scope="col" { "Session" }
                th scope="col" { "State" }
                th scope="col" { "Since" }
                th.number scope="col" { "Silent for" }
                th scope="col" { "Last heard from" }
            } }
            tbody { @for session in sessions { (row(session)) } }
        }
    }
}

fn row(session: &Session) -> Markup {
    let word = state_of(session);
    let cause = session.cause.as_deref().filter(|_| word != "left");
    html! {
        tr.(word) data-key=(session.name) {
            th scope="row" { (session_link(&session.name)) }
            td { (state(word)) @if let Some(cause) = cause { span.cause { " " (cause) } } @if session.standing == "held" { span.cause { " held" } } }
            td { (time(session.since)) }
            td.number { (span(session.last_beat_ms)) }
            td.peer { @match &session.peer { Some(peer) => (peer), None => "–" } }
        }
    }
}

/// The word for what a session is: `wedged` is one of them.
pub(super) fn state_of(session: &Session) -> &str {
    match &*session.health {
        "alive" if session.wedged => "wedged",
        health => health,
    }
}

fn pages(screenful: &Screenful, asked: &Asked) -> Markup {
    let shown = screenful.before + screenful.rows.len() as u64;
    let (back, on) = (screenful.before > 0, shown < screenful.total);
    let Some((first, last)) = &screenful.ends else {
        return html! { @if asked.after.is_some() || asked.before.is_some() {
            nav.pages aria-label="Pages" { a href=(asked.path("")) { "First" } }
        } };
    };
    let link = |on: bool, place: String, text: &str| {
        html! {
            @if on { a href=(asked.path(&place)) rel=[(text == "Next").then_some("next")] { (text) } }
            @else { span.off aria-hidden="true" { (text) } }
        }
    };
    html! {
        @if back || on {
            nav.pages aria-label="Pages of sessions" {
                (link(back, String::new(), "First"))
                (link(back, format!("before={}", written(first)), "Previous"))
                (link(on, format!("after={}", written(last)), "Next"))
                (link(on, "last=1".to_owned(), "Last"))
            }
        }
    }
}
