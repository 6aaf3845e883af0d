//! What is said of a trouble.

use std::borrow::Cow;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::judge::{Key, OTHERS};
use super::rule::{GroupBy, Rule};
use super::situation::{Reason, Situation, Status, Telling};
use super::trouble::Trouble;
use crate::sink::api::Notice;

/// The notice of a telling.
pub(super) fn notice(
    rule: &Rule,
    run: u64,
    (trouble, subject): &Key,
    situation: &Situation,
    telling: Telling,
) -> Notice {
    let cause = situation.cause.as_deref();
    let status = telling.status.as_str();
    let is_grouped = rule.grouping.by == GroupBy::Service || situation.is_grouped;
    let session = (trouble.is_of_session() && !is_grouped).then(|| subject.clone());
    let has_service = trouble.has_service() && subject != OTHERS;
    let service = has_service.then(|| {
        // The part of a name before its first slash.
        subject.split('/').next().unwrap_or(subject).to_owned()
    });
    Notice {
        id: format!(
            "{run:016x}-{}-{}-{}-{}-{status}",
            telling.seq,
            rule.name,
            trouble.as_str(),
            digest(subject, situation, &telling)
        ),
        summary: summary(*trouble, subject, situation, &telling),
        rule: rule.name.clone(),
        status: status.into(),
        trouble: trouble.as_str().into(),
        subject: subject.clone(),
        service,
        session,
        cause: cause.map(|cause| Cow::Owned(cause.to_owned())),
        reason: telling.status.reason().map(Cow::Borrowed),
        since: situation.since,
        at: telling.at,
        count: telling.count as u64,
        sessions: if trouble.is_of_session() {
            telling.sessions
        } else {
            Vec::new()
        },
        labels: rule.labels.clone(),
        events: telling.events,
        more_events: telling.more_events,
    }
}

/// Of what no two notices with the same last event have in common: what they are about, since when, and
/// how often it was told of.
fn digest(subject: &str, situation: &Situation, telling: &Telling) -> String {
    let since = situation.since.as_millisecond();
    let what = format!("{subject}\n{since}\n{}", telling.number);
    let digest = Sha256::digest(what.as_bytes());
    digest[..8]
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// A notice that only shows that notices arrive.
pub(super) fn test(rule: &Rule, id: String, at: Timestamp) -> Notice {
    Notice {
        id,
        rule: rule.name.clone(),
        status: "test".into(),
        trouble: "test".into(),
        subject: "carotid".to_owned(),
        service: None,
        session: None,
        cause: None,
        summary: format!("this is a test of rule {}; nothing is wrong", rule.name),
        reason: None,
        since: at,
        at,
        count: 0,
        sessions: Vec::new(),
        labels: rule.labels.clone(),
        events: Vec::new(),
        more_events: 0,
    }
}

impl Status {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved(_) => "resolved",
            Self::Notice => "notice",
        }
    }

    const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Resolved(Reason::Recovered) => Some("recovered"),
            Self::Resolved(Reason::Expired) => Some("expired"),
            Self::Firing | Self::Notice => None,
        }
    }
}

/// So many sessions are named in a sentence.
const NAMED: usize = 5;

fn summary(trouble: Trouble, subject: &str, situation: &Situation, telling: &Telling) -> String {
    if let Status::Resolved(reason) = telling.status {
        return resolved(trouble, subject, reason, telling);
    }
    let because = situation
        .cause
        .as_deref()
        .map(|cause| format!(" ({cause})"));
    let because = because.unwrap_or_default();
    let reason = situation
        .reason
        .as_ref()
        .map(|reason| format!(": {reason}"));
    let reason = reason.unwrap_or_default();
    match trouble {
        Trouble::Dead | Trouble::Suspect | Trouble::Wedged => {
            let is = trouble.as_str();
            match &telling.sessions[..] {
                [] => format!("{subject} is {is}{because}"),
                [one] => format!("{one} is {is}{because}"),
                several => {
                    let named = several[..several.len().min(NAMED)].join(", ");
                    let more = if several.len() > NAMED { ", …" } else { "" };
                    let count = telling.count;
                    format!("{count} sessions of {subject} are {is}{because}: {named}{more}")
                }
            }
        }
        Trouble::ServiceFail => format!("service {subject} fails{reason}"),
        Trouble::ServiceWarn => format!("service {subject} is not well{reason}"),
        Trouble::MassSilence => {
            let incident = telling
                .events
                .iter()
                .find_map(|event| event.incident.as_ref());
            incident.map_or_else(
                || "many sessions fell silent together".to_owned(),
                |incident| {
                    format!(
                        "{} of {} sessions fell silent together ({}); their deaths are held back",
                        incident.at_risk,
                        incident.sessions,
                        if incident.all {
                            "of all services".to_owned()
                        } else {
                            incident.services.join(", ")
                        }
                    )
                },
            )
        }
        Trouble::Stalled => {
            "carotid did not run for a while; no session is blamed for it".to_owned()
        }
        Trouble::Restarted => "carotid was restarted".to_owned(),
    }
}

fn resolved(trouble: Trouble, subject: &str, reason: Reason, telling: &Telling) -> String {
    match (trouble, reason) {
        (Trouble::MassSilence, Reason::Recovered) => {
            let outcome = telling.events.iter().find_map(|event| event.outcome);
            let outcome = outcome.map(|outcome| {
                let (died, returned) = (outcome.died, outcome.returned);
                format!(": {died} sessions are dead, {returned} came back or said goodbye")
            });
            format!("the mass silence is over{}", outcome.unwrap_or_default())
        }
        (Trouble::MassSilence, Reason::Expired) => {
            "what became of the mass silence is not known; it is not followed any longer".to_owned()
        }
        (_, Reason::Expired) => {
            format!("{subject}: nothing more was heard, so this is not followed any longer")
        }
        (Trouble::Dead, _) => format!("{subject} is back"),
        (Trouble::Suspect, _) => format!("{subject} is above suspicion"),
        (Trouble::Wedged, _) => format!("{subject} goes on"),
        (Trouble::ServiceFail, _) => format!("service {subject} does not fail any more"),
        (Trouble::ServiceWarn, _) => format!("service {subject} passes"),
        (Trouble::Stalled | Trouble::Restarted, _) => "carotid runs".to_owned(),
    }
}
