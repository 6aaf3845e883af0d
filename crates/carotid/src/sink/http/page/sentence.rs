//! What we believe of a session and why, in words for somebody who has just been woken.

use maud::{Markup, html};

use super::words::{many, short, span, time};
use crate::sink::api::{Event, Verdict};

/// The belief in one sentence, with its reasons. `own_health` is how unwell we were when it was concluded:
/// 0 is well.
pub(super) fn verdict(verdict: &Verdict, own_health: u32) -> Markup {
    let session = &verdict.session;
    let since = time(session.since);
    let cause = session.cause.as_deref().unwrap_or_default();
    let silent = span(verdict.silent_ms);
    let timeout = span(session.timeout_ms);
    match &*session.health {
        "alive" if session.wedged => html! {
            strong { "Alive, but wedged" } ": it beats, and its main loop makes no progress. "
            "Last beat " (span(session.last_beat_ms)) " ago."
        },
        "alive" => html! {
            strong { "Alive" } ": last beat " (span(session.last_beat_ms)) " ago, one is due every "
            (span(session.interval_ms)) ". After " (span(verdict.suspect_after_ms))
            " of silence it would be suspect, after " (timeout) " dead."
        },
        "suspect" => html! {
            strong { "Suspect since " (since) } ", " (suspected(cause, &silent, session.connections)) "; "
            (chance(verdict)) "; " (monitor(verdict.stalled_ms, own_health)) "."
        },
        "dead" => html! {
            strong { "Dead since " (since) } ", " (died(cause, &silent, session.connections)) "; "
            @if session.standing == "held" {
                "many fell silent with it, so its death was held back for a while; "
            }
            @if session.wedged { "it was wedged before; " }
            (monitor(verdict.stalled_ms, own_health)) "."
        },
        _ => html! {
            strong { "Left at " (since) } ": it said goodbye. Nobody needs to look."
        },
    }
}

/// Over HTTP there is no connection that a session could have.
fn suspected(cause: &str, silent: &str, connections: u32) -> Markup {
    match cause {
        "closed" => {
            html! { "its connection was closed without a goodbye, " (silent) " after its last beat" }
        }
        "reset" => html! { "its connection was reset, " (silent) " after its last beat" },
        "unreachable" => html! { "its host stopped answering, " (silent) " after its last beat" },
        "failed" => html! { "it said that it failed, " (silent) " after its last beat" },
        "restart" => html! { "this monitor was restarted and has not heard from it since" },
        _ => html! {
            "by silence: nothing came for " (silent)
            @if connections > 0 { ", its connection is open" } @else { ", and it has no connection" }
        },
    }
}

fn died(cause: &str, silent: &str, connections: u32) -> Markup {
    match cause {
        "closed" => html! {
            "its connection was closed without a goodbye and it did not come back: last beat " (silent) " before"
        },
        "reset" => html! {
            "its connection was reset and it did not come back: last beat " (silent) " before"
        },
        "unreachable" => html! { "its host stopped answering: last beat " (silent) " before" },
        "failed" => html! { "by its own word: it said that it failed" },
        "restart" => html! {
            "it was not heard from since this monitor was restarted, for " (silent)
        },
        _ => html! {
            "by silence: last beat " (silent) " before"
            @if connections > 0 { ", its connection was still open" } @else { ", and it has no connection" }
        },
    }
}

/// What is left to a suspect.
fn chance(verdict: &Verdict) -> Markup {
    let session = &verdict.session;
    if session.standing == "held" {
        return html! { "its time is up, but many fell silent with it, so its death is held back" };
    }
    let left = session.timeout_ms.saturating_sub(session.last_beat_ms);
    html! { "unless it beats it is dead in " (span(left)) }
}

/// Whether it may be our own fault.
fn monitor(stalled_ms: u64, own_health: u32) -> Markup {
    match (stalled_ms, own_health) {
        (0, 0) => html! { "nothing wrong with this monitor" },
        (0, _) => html! { "this monitor’s own host was not well" },
        (stalled, _) => {
            html! { "this monitor itself did not run for " (span(stalled)) ", which is not counted" }
        }
    }
}

/// What happened, in one line that stands after the session's name.
pub(super) fn event(event: &Event) -> Markup {
    let silent = event.silent_ms.map(span).unwrap_or_default();
    let cause = event.cause.as_deref().unwrap_or_default();
    match &*event.kind {
        "opened" => html! {
            @match event.epoch {
                Some(epoch) if epoch > 1 => { "begins its life number " (epoch) },
                _ => "is heard for the first time",
            }
            @if let Some(peer) = &event.peer { ", from " (peer) }
        },
        "suspect" => html! { (suspected_then(cause)) ", last beat " (silent) " before" },
        "back" => html! { "beats again after " (silent) },
        "dead" => html! { (died_of(cause)) ", last beat " (silent) " before" (held(event)) },
        "left" => html! { "said goodbye" },
        "wedged" => {
            html! { "its main loop made no progress for " (event.stuck_ms.map(span).unwrap_or_default()) }
        }
        "unwedged" => html! { "its main loop goes on" },
        "stalled" => html! {
            "this monitor did not run for " (event.stalled_ms.map(span).unwrap_or_default())
            @match event.suspended_ms {
                Some(ms) if ms > 0 => { ", its machine was suspended for " (span(ms)) },
                _ => {},
            }
            "; nobody is blamed for it"
        },
        "revised" => html! { "lives by other terms from now on" },
        "restarted" => html! {
            "this monitor was away for " (event.down_ms.map(span).unwrap_or_default()) "; "
            (many(event.sessions.unwrap_or(0), "session")) " came back, suspect until they beat"
        },
        "skipped" => html! {
            (many(event.skipped.unwrap_or(0), "suspicion")) " and the like were not kept while the journal could not be written"
        },
        "mass_silence" => mass(event),
        "mass_silence_over" => html! {
            @if let Some(outcome) = &event.outcome {
                "incident " (outcome.number) " is over: " (outcome.returned) " returned, " (outcome.died) " died"
            }
        },
        _ => html! {},
    }
}

fn suspected_then(cause: &str) -> &'static str {
    match cause {
        "closed" => "connection closed without a goodbye",
        "reset" => "connection reset",
        "unreachable" => "host does not answer",
        "restart" => "this monitor was restarted",
        _ => "silent",
    }
}

fn died_of(cause: &str) -> &'static str {
    match cause {
        "closed" => "closed its connection and did not come back",
        "reset" => "connection reset, and did not come back",
        "unreachable" => "host did not answer any more",
        "restart" => "not heard from since this monitor was restarted",
        "failed" => "said that it failed",
        _ => "silent for its whole timeout",
    }
}

fn held(event: &Event) -> &'static str {
    match &event.evidence {
        Some(evidence) if evidence.standing == "held" => ", held back during mass silence",
        _ => "",
    }
}

fn mass(event: &Event) -> Markup {
    let Some(incident) = &event.incident else {
        return html! {};
    };
    html! {
        (incident.at_risk) " of " (incident.sessions) " sessions fell silent together"
        @if incident.all { ", everywhere" } @else if !incident.services.is_empty() {
            ", of " bdi translate="no" { (incident.services.join(", ")) }
        }
        "; deaths are held back for " (span(incident.held_ms))
    }
}

/// What the suspicion's deadline comes from.
pub(super) fn patience(verdict: &Verdict) -> String {
    match verdict.quantile {
        Some(quantile) => format!(
            "its interval of {}, and up to {quantile:.1} times the {} that its beats are late",
            span(verdict.session.interval_ms),
            short(verdict.spread_ms)
        ),
        None => "a fixed number of its intervals".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use jiff::Timestamp;

    use super::*;
    use crate::sink::api::Session;

    fn told(health: &'static str, cause: Option<&'static str>, silent_ms: u64) -> Verdict {
        let session = Session {
            name: "payments/7".to_owned(),
            service: "payments".to_owned(),
            health: Cow::Borrowed(health),
            cause: cause.map(Cow::Borrowed),
            epoch: 1,
            since: Timestamp::UNIX_EPOCH,
            last_beat_ms: silent_ms,
            beats: 40,
            connections: 1,
            peer: None,
            interval_ms: 10_000,
            timeout_ms: 60_000,
            longest_stall_ms: 0,
            wedged: false,
            standing: Cow::Borrowed("clear"),
        };
        Verdict {
            session,
            last_beat: Timestamp::UNIX_EPOCH,
            silent_ms,
            gaps_ms: Vec::new(),
            suspect_after_ms: 18_000,
            spread_ms: 500.0,
            quantile: Some(16.0),
            round_trip_ms: None,
            own_health_score: 0,
            stalled_ms: 0,
        }
    }

    /// The words alone.
    fn text(markup: Markup) -> String {
        let mut text = String::new();
        let mut is_tag = false;
        for letter in markup.into_string().chars() {
            match letter {
                '<' => is_tag = true,
                '>' => is_tag = false,
                letter if !is_tag => text.push(letter),
                _ => {}
            }
        }
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn a_verdict_is_one_sentence_with_its_reasons() {
        let sentence = |verdict: &Verdict| text(super::verdict(verdict, verdict.own_health_score));
        assert_eq!(
            sentence(&told("dead", Some("silence"), 60_000)),
            "Dead since 1970-01-01 00:00:00 UTC, by silence: last beat 60 s before, its connection was still \
             open; nothing wrong with this monitor."
        );
        let mut stalled = told("dead", Some("closed"), 60_000);
        stalled.stalled_ms = 3_000;
        let stalled = sentence(&stalled);
        assert!(stalled.contains("closed without a goodbye"), "{stalled}");
        assert!(
            stalled.ends_with("this monitor itself did not run for 3.0 s, which is not counted.")
        );
        assert_eq!(
            sentence(&told("suspect", Some("silence"), 20_000)),
            "Suspect since 1970-01-01 00:00:00 UTC, by silence: nothing came for 20 s, its connection is open; \
             unless it beats it is dead in 40 s; nothing wrong with this monitor."
        );
        let mut held = told("suspect", Some("unreachable"), 61_000);
        held.session.standing = "held".into();
        assert!(sentence(&held).contains("so its death is held back"));
        let mut wedged = told("alive", None, 400);
        wedged.session.wedged = true;
        assert!(sentence(&wedged).starts_with("Alive, but wedged: it beats"));
        let mut unwell = told("dead", Some("reset"), 60_000);
        unwell.own_health_score = 2;
        assert!(sentence(&unwell).ends_with("this monitor’s own host was not well."));
        assert!(sentence(&told("left", Some("goodbye"), 10)).contains("said goodbye"));
    }

    #[test]
    fn no_connection_is_called_open_where_there_is_none() {
        for (health, said) in [
            (
                "dead",
                "by silence: last beat 60 s before, and it has no connection;",
            ),
            (
                "suspect",
                "nothing came for 60 s, and it has no connection;",
            ),
        ] {
            let mut verdict = told(health, Some("silence"), 60_000);
            verdict.session.connections = 0;
            let text = text(super::verdict(&verdict, 0));
            assert!(text.contains(said) && !text.contains("open"), "{text}");
        }
    }

    #[test]
    fn every_cause_has_words_of_its_own() {
        let causes = [
            "silence",
            "closed",
            "reset",
            "unreachable",
            "restart",
            "failed",
        ];
        for health in ["suspect", "dead"] {
            let mut told: Vec<_> = causes
                .map(|cause| text(super::verdict(&told(health, Some(cause), 20_000), 0)))
                .to_vec();
            told.sort();
            told.dedup();
            assert_eq!(told.len(), causes.len(), "{told:#?}");
        }
    }
}
