//! `/`: the services, what is wrong, and what happened of late.

use axum::extract::State;
use axum::response::Response;
use carotid_core::Tally;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::Desk;
use super::asked::Asking;
use super::bars::{self, Scale};
use super::frame::{Leaf, Place};
use super::late::{Late, latest};
use super::past::{self, Hours};
use super::services::{Census, Key, census};
use super::words::{count, many, mark, query, span, state};
use super::{events, words};
use crate::driver::ServiceStatus;
use crate::sink::api::{Alerts, Firing, RuleState};

/// Services on one page.
const LINES: usize = 30;

/// Events on it.
const LATE: usize = 8;

/// With more services than this there is a search.
const FEW: u64 = 10;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    fragment: Option<String>,
    search: String,
    after: Option<String>,
}

pub(super) async fn show(State(desk): State<Desk>, Asking(asked): Asking<Asked>) -> Response {
    let after = asked.after.as_deref().and_then(key);
    let search = asked.search.trim();
    let census = census(&desk.driver, search, after.as_ref(), LINES).await;
    let now = Timestamp::now().as_millisecond();
    let names = census.rows.iter().map(|status| status.name.clone());
    let hours = past::hours(&desk, names.collect(), Scale::Days.begin(now), now).await;
    let late = latest(&desk, None, LATE, is_trouble).await;
    let main = html! {
        h1 data-say { (census.headline()) }
        (figures(&census))
        (under_way(desk.driver.mass_silence()))
        (firing(&desk.alerts.read()))
        (services(&census, &asked, &hours, now))
        div.two {
            (of_late(&late))
            (ourselves(&desk))
        }
    };
    let leaf = Leaf {
        title: "Services",
        place: Place::Services,
        main,
    };
    leaf.answer(asked.fragment.is_some())
}

/// A place in the list of services as a link has it.
fn key(text: &str) -> Option<Key> {
    let (place, name) = text.split_once('.')?;
    Some((place.parse().ok()?, name.into()))
}

/// What is worth a line on the first page.
fn is_trouble(kind: &str, _: Option<&str>) -> bool {
    events::TROUBLE.contains(&kind)
}

fn figures(census: &Census) -> Markup {
    let sessions = census.sessions;
    let figure = |word: &str, number: u64| {
        let path = format!("/sessions?state={word}");
        html! {
            div.figure.(word).none[number == 0] {
                dt { (mark(word)) " " a href=(path) { (word) } }
                dd { (count(number)) }
            }
        }
    };
    html! {
        dl.figures aria-label="Sessions" {
            (figure("alive", sessions.alive))
            (figure("suspect", sessions.suspect))
            (figure("wedged", sessions.wedged))
            (figure("dead", sessions.dead))
        }
    }
}

/// Mass silence that is not over, however much has happened since it began.
fn under_way(silence: Option<Tally>) -> Markup {
    let Some(all) = silence else {
        return html! {};
    };
    html! {
        section.now aria-label="Under way" {
            (mark("mass_silence"))
            p {
                strong data-say { "Mass silence" } ": "
                (many(u64::from(all.at_risk), "session")) " of " (count(u64::from(all.sessions)))
                " silent together. Their deaths are held back, as the network or this host may be to blame."
            }
        }
    }
}

/// What somebody is being told of at this moment, and what cannot be told.
fn firing(alerts: &Alerts) -> Markup {
    let number: u64 = alerts.rules.iter().map(|rule| rule.firing_count).sum();
    let unheard = alerts.rules.iter().filter(|rule| is_unheard(rule));
    let unheard: Vec<_> = unheard.collect();
    if number == 0 && unheard.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="firing" {
            div.head { h2 #firing { "Firing" } span.cause { (count(number)) } }
            ol.events.short {
                @for rule in &alerts.rules {
                    @for firing in rule.firing.iter().take(LATE) { (trouble(rule, firing)) }
                    @let more = rule.firing_count.saturating_sub(LATE as u64);
                    @if more > 0 {
                        li data-key=(format!("{} more", rule.rule)) {
                            span {} span {}
                            span.text { a href="/api/v1/alerts" { (count(more)) " more" } " of the rule " (rule.rule) }
                        }
                    }
                }
                @for rule in unheard { (undelivered(rule)) }
            }
        }
    }
}

/// Whether its last attempt to tell somebody failed.
fn is_unheard(rule: &RuleState) -> bool {
    rule.gone || rule.last_error.is_some()
}

fn trouble(rule: &RuleState, firing: &Firing) -> Markup {
    // Which notices are still to be delivered is not known here.
    let is_told = rule.pending == 0 && !is_unheard(rule);
    let rule = &rule.rule;
    html! {
        li data-key=(format!("{rule} {} {}", firing.trouble, firing.subject)) {
            (words::clock(firing.since))
            span.what { (mark("firing")) (firing.trouble.replace('_', " ")) }
            span.text {
                bdi translate="no" { (firing.subject) }
                @if firing.count > 1 { ", " (many(firing.count, "session")) }
                @if is_told { ", told by the rule " (rule) } @else { ", perhaps not told yet by the rule " (rule) }
            }
        }
    }
}

fn undelivered(rule: &RuleState) -> Markup {
    html! {
        li data-key=(rule.rule) {
            @if let Some(at) = rule.last_error_at { (words::clock(at)) } @else { span {} }
            span.what { (mark("suspect")) "not delivered" }
            span.text {
                "the rule " (rule.rule) " does not reach " (rule.destination)
                @if let Some(error) = &rule.last_error { ": " (error) }
                @if rule.gone { "; its receiver is gone for good, so nothing is sent until the next start" }
            }
        }
    }
}

fn services(census: &Census, asked: &Asked, hours: &Hours, now: i64) -> Markup {
    let has_hours = hours.is_some();
    html! {
        section aria-labelledby="services" {
            div.head {
                h2 #services { "Services" }
                @if census.all() > FEW || !asked.search.is_empty() {
                    form.inline role="search" action="/" data-live {
                        label.unseen for="search" { "Search services" }
                        input #search type="search" name="search" value=(asked.search)
                            placeholder="Search services" autocomplete="off" spellcheck="false" maxlength="128";
                        button { "Search" }
                    }
                }
            }
            @if census.rows.is_empty() {
                (nothing(asked))
            } @else {
                table.services {
                    thead { tr {
                        th scope="col" { "Service" }
                        th scope="col" { "State" }
                        @if has_hours {
                            th scope="col" { "24 hours" }
                            th scope="col" { "30 days" }
                            th.number scope="col" { "Uptime" }
                        } @else {
                            th.number scope="col" { "Sessions" }
                        }
                    } }
                    tbody { @for status in &census.rows { (row(status, hours, now)) } }
                }
                @if !has_hours { p.empty { "No journal is kept or can be read, so there is no history: see " code { "carotid serve --data" } "." } }
            }
            (more(census, asked))
        }
    }
}

fn more(census: &Census, asked: &Asked) -> Markup {
    let search = query(&asked.search);
    html! {
        @if census.next.is_some() || asked.after.is_some() {
            nav.pages aria-label="More services" {
                @if asked.after.is_some() { a href=(format!("/?search={search}")) { "First" } }
                @if let Some(((place, name), number)) = &census.next {
                    a href=(format!("/?search={search}&after={place}.{}", query(name))) { "Next" }
                    span { (count(*number)) " more" }
                }
            }
        }
    }
}

fn nothing(asked: &Asked) -> Markup {
    html! {
        @if asked.search.is_empty() {
            p.empty {
                "No peer has called yet. Any heartbeat makes a session, for example "
                code { "carotid beat payments/7" } "."
            }
        } @else {
            p.empty { "No service has “" bdi { (asked.search) } "” in its name." }
        }
    }
}

fn row(status: &ServiceStatus, hours: &Hours, now: i64) -> Markup {
    let name = &*status.name;
    let path = format!("/sessions?service={}", query(name));
    let health = status.health().as_str();
    html! {
        tr.(health) data-key=(name) {
            th scope="row" { a.name href=(path) translate="no" { bdi { (name) } } }
            td.why { (state(health)) " " span.reason { (status.reason()) } }
            @if let Some(hours) = hours {
                @let hours = hours.get(name).map_or(&[][..], Vec::as_slice);
                td.bars { (bars::row(&format!("{name}, last 24 hours"), hours, Scale::Hours, now)) }
                td.bars { (bars::row(&format!("{name}, last 30 days"), hours, Scale::Days, now)) }
                td.number { (bars::uptime(hours).unwrap_or_else(|| "–".to_owned())) }
            } @else {
                td.number { (count(status.tally.sessions)) }
            }
        }
    }
}

fn of_late(late: &Late) -> Markup {
    html! {
        section aria-labelledby="late" {
            div.head { h2 #late { "Of late" } a href="/events" { "All events" } }
            @if late.events.is_empty() {
                p.empty { "Nothing has gone wrong among the latest events." }
            } @else {
                ol.events { @for event in &late.events { (events::item(event)) } }
            }
        }
    }
}

/// How well we are ourselves: who believes a verdict wants to know.
fn ourselves(desk: &Desk) -> Markup {
    let driver = &desk.driver;
    let attendance = driver.attendance();
    let stalled = u64::try_from(attendance.stalled().as_millis()).unwrap_or(u64::MAX);
    let latest = attendance.stalls().last();
    let latest = latest.map(|stall| driver.wall(stall.at));
    html! {
        section aria-labelledby="monitor" {
            div.head { h2 #monitor { "This monitor" } }
            dl.facts {
                dt { "Stalls" }
                dd {
                    @match latest {
                        None => "none: it ran all the time",
                        Some(at) => {
                            (count(attendance.count())) ", " (span(stalled)) " in all, the last at "
                            (words::time(at)) "; no session is blamed for that time"
                        },
                    }
                }
                dt { "Host" }
                dd { @if attendance.score() == 0 { "well" } @else { "not well: suspicion comes later than usual (" (attendance.score()) " of 8)" } }
                dt { "Journal" }
                dd { (journal(desk)) }
                dt { "Events" }
                dd { (count(driver.hub().last_seq())) " so far" }
            }
        }
    }
}

fn journal(desk: &Desk) -> Markup {
    let Some(archive) = &desk.archive else {
        return html! { "none: what is known is lost with this process" };
    };
    let status = archive.status();
    match (&status.failing, status.trouble()) {
        (Some((since, why)), _) => html! {
            strong { "cannot be written since " (words::time(*since)) } ": " (why)
            "; until it can, nobody is declared dead"
        },
        (None, Some(trouble)) => html! { strong { (trouble) } },
        (None, None) => html! { "written, " (count(status.size_bytes.div_ceil(1 << 20))) " MB" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pending: u64, last_error: Option<&str>) -> Alerts {
        let firing = |index| Firing {
            trouble: "dead".into(),
            subject: format!("web/{index}"),
            since: Timestamp::UNIX_EPOCH,
            count: 1,
        };
        Alerts {
            rules: vec![RuleState {
                rule: "pager".to_owned(),
                kind: "webhook".into(),
                destination: "http://a".to_owned(),
                on: Vec::new(),
                firing: (0..20).map(firing).collect(),
                firing_count: 1400,
                cursor: 1,
                pending,
                delivered: 0,
                dead_letters: 0,
                last_delivered_at: None,
                last_error: last_error.map(str::to_owned),
                last_error_at: None,
                gone: false,
            }],
        }
    }

    #[test]
    fn what_was_not_delivered_is_not_called_told() {
        let told = "perhaps not told yet by the rule";
        assert!(!firing(&rule(0, None)).into_string().contains(told));
        for alerts in [rule(1, None), rule(0, Some("nobody answers"))] {
            let page = firing(&alerts).into_string();
            assert_eq!(page.matches(told).count(), LATE, "{page}");
        }
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let page = firing(&rule(0, None)).into_string();
        assert!(page.contains(">1,392 more</a> of the rule pager"), "{page}");
    }
}
