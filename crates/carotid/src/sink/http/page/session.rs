//! `/sessions/{name}`: what we believe of one session, why, and who else would be affected.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::Desk;
use super::asked::Asking;
use super::frame::{Leaf, Place};
use super::past::{self, Past};
use super::rows::{Choice, From, Screenful, Sort, Wanted, host_of};
use super::sessions::{rows, state_of};
use super::words::{self, count, many, query, short, span, state, time};
use super::{bars, events, sentence, timeline};
use crate::driver::Driver;
use crate::sink::api::{Stalls, Verdict};
use crate::sink::journal::Availability;

/// Events on the page.
const EVENTS: usize = 20;

/// Sessions of the same service, and of the same host.
const NEAR: usize = 8;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    fragment: Option<String>,
}

pub(super) async fn show(
    State(desk): State<Desk>,
    Asking(asked): Asking<Asked>,
    name: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(name)) = name else {
        let why = "A name is percent-encoded UTF-8.";
        return super::refuse(StatusCode::BAD_REQUEST, "Not a name", why);
    };
    let driver = &desk.driver;
    let Some(verdict) = driver.verdict(&name) else {
        let why = format!("No session is named {name:?}: it never was, or it ended long ago.");
        return super::refuse(StatusCode::NOT_FOUND, "No such session", &why);
    };
    let host = host_of(verdict.watched.peer);
    let verdict = Verdict::from(verdict);
    let service = &verdict.session.service;
    let but = Some(name.clone());
    let of_service = Wanted {
        service: Some(service.clone()),
        but: but.clone(),
        ..Wanted::default()
    };
    let of_host = Wanted {
        host,
        but,
        ..Wanted::default()
    };
    let [siblings, neighbours] = near(driver, of_service, of_host).await;
    let past = past::of_name(&desk, &name, EVENTS).await;
    let main = html! {
        (top(&verdict, &past))
        (timeline::section(&verdict, &Stalls::of(driver).stalls))
        div.two {
            (facts(&verdict))
            (history(&past))
        }
        (group("siblings", html! { "Others of " bdi translate="no" { (service) } }, &siblings, &format!("/sessions?service={}", query(service))))
        @if let Some(host) = host {
            (group("neighbours", html! { "Others on the host " code { (host) } }, &neighbours, &format!("/sessions?host={}", query(&host.to_string()))))
        }
    };
    let leaf = Leaf {
        title: &name,
        place: Place::Sessions,
        main,
    };
    leaf.answer(asked.fragment.is_some())
}

/// Both in one look at all sessions.
async fn near(driver: &Driver, of_service: Wanted, of_host: Wanted) -> [Screenful; 2] {
    let choice = |wanted| Choice::new(wanted, Sort::Health, From::First, NEAR);
    let is_alone = of_host.host.is_none();
    let mut choices = [choice(of_service), choice(of_host)];
    driver
        .each(|view, peer, _| {
            choices[0].look(&view, peer);
            if !is_alone {
                choices[1].look(&view, peer);
            }
        })
        .await;
    choices.map(|choice| choice.found(driver))
}

fn top(verdict: &Verdict, past: &Past) -> Markup {
    let session = &verdict.session;
    let service = format!("/sessions?service={}", query(&session.service));
    html! {
        nav.crumbs aria-label="Where this is" {
            a href="/sessions" { "Sessions" } " / "
            a href=(service) translate="no" { bdi { (session.service) } }
        }
        div.title {
            h1.name translate="no" { bdi { (session.name) } }
            span.badge { (state(state_of(session))) }
        }
        p.lead data-say { (sentence::verdict(verdict, own_health(verdict, past))) }
    }
}

fn facts(verdict: &Verdict) -> Markup {
    let session = &verdict.session;
    html! {
        section aria-labelledby="facts" {
            div.head { h2 #facts { "What is known" } }
            dl.facts {
                dt { "Last beat" }
                dd { (time(verdict.last_beat)) ", " (span(session.last_beat_ms)) " ago" }
                dt { "Agreed" }
                dd {
                    "a beat every " (span(session.interval_ms)) ", dead after " (span(session.timeout_ms))
                    @if session.longest_stall_ms > 0 { ", may stall for " (span(session.longest_stall_ms)) }
                }
                dt { "Suspect after" }
                dd { (span(verdict.suspect_after_ms)) " of silence: " (sentence::patience(verdict)) }
                dt { "Beats" }
                dd { (count(session.beats)) @if !verdict.gaps_ms.is_empty() { ", the last gaps " (gaps(&verdict.gaps_ms)) } }
                @if let Some(ms) = verdict.round_trip_ms { dt { "Round trip" } dd { (short(ms)) ", as it measured itself" } }
                dt { "Connections" }
                dd { (count(session.connections)) @if let Some(peer) = &session.peer { ", last heard from " code { (peer) } } }
                dt { "Life" }
                dd { @if session.epoch == 1 { "its first" } @else { "number " (session.epoch) " of this name" } }
                dt { "This monitor" }
                dd {
                    @if verdict.stalled_ms == 0 { "did not stall meanwhile" }
                    @else { "did not run for " (span(verdict.stalled_ms)) " of that time, which is not counted" }
                    @if verdict.own_health_score > 0 { "; its host is not well now" }
                }
            }
        }
    }
}

fn gaps(gaps: &[f64]) -> String {
    let gaps: Vec<_> = gaps.iter().map(|ms| short(*ms)).collect();
    gaps.join(", ")
}

/// How unwell we were when it was concluded; now, while it is not over.
fn own_health(verdict: &Verdict, past: &Past) -> u32 {
    if matches!(&*verdict.session.health, "alive" | "suspect") {
        return verdict.own_health_score;
    }
    let mut events = past.events.iter();
    let last = events.find(|event| event.kind == verdict.session.health);
    let evidence = last.and_then(|event| event.evidence.as_ref());
    evidence.map_or(0, |evidence| evidence.own_health_score)
}

fn history(past: &Past) -> Markup {
    html! {
        section aria-labelledby="past" {
            div.head { h2 #past { "What happened to it" } }
            @if let Some(span) = past.availability { (uptime(span)) }
            @if past.events.is_empty() {
                p.empty { "Nothing among the latest events." }
            } @else {
                ol.events { @for event in &past.events { (events::own_item(event)) } }
            }
        }
    }
}

/// How much of its time it was up, without that in which nobody can tell.
fn uptime(span: Availability) -> Markup {
    let ms = |ms: i64| words::span(ms.unsigned_abs());
    html! {
        p.tally {
            @match bars::share(span.up_ms, span.down_ms) {
                Some(share) => { "Up " strong { (share) } " of the " (ms(span.up_ms + span.down_ms)) " it was watched in the last 30 days" },
                None => "Not watched in the last 30 days",
            }
            @if span.down_ms > 0 { ", down for " (ms(span.down_ms)) }
            @if span.unknown_ms > 0 { "; " (ms(span.unknown_ms)) " in which this monitor did not look are left out" }
        }
    }
}

/// Those that share something with it: whether they are well tells what is to blame.
fn group(id: &str, heading: Markup, group: &Screenful, path: &str) -> Markup {
    let rest = group.total - group.rows.len() as u64;
    html! {
        section aria-labelledby=(id) {
            div.head {
                h2 id=(id) { (heading) }
                @if rest > 0 { a href=(path) { "All " (count(group.total + 1)) } }
            }
            @if group.rows.is_empty() {
                p.empty { "None." }
            } @else {
                p.tally {
                    @match (group.troubled, group.total) {
                        (0, total) => { (many(total, "other")) ", none in trouble" },
                        (all, total) if all == total => strong { "All " (count(total)) " in trouble, too" },
                        (troubled, total) => { strong { (count(troubled)) " of " (count(total)) } " in trouble, too" },
                    }
                }
                (rows(&group.rows))
            }
        }
    }
}
