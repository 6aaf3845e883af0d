//! Notices as receivers read them: CloudEvents 1.0 in structured mode, and what Alertmanager's
//! `/api/v2/alerts` takes.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use serde::Serialize;

use super::situation::after;
use super::trouble::Trouble;
use crate::sink::api::Notice;

/// The content type of a CloudEvent.
pub(super) const CLOUD_EVENT: &str = "application/cloudevents+json";

/// How often an Alertmanager is told again of what fires: it forgets what it does not hear of.
pub(super) const REPEAT: Duration = Duration::from_secs(60);

/// After so long without a word an Alertmanager may take it to be over: three repeats may be lost.
const LASTS: Duration = Duration::from_secs(4 * 60);

/// The attributes of a CloudEvent, see <https://github.com/cloudevents/spec>, version 1.0.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    r#type: String,
    subject: &'a str,
    time: String,
    datacontenttype: &'static str,
    data: &'a Notice,
}

/// The same bytes whenever it is asked for.
pub(super) fn cloud_event(notice: &Notice, source: &str) -> Vec<u8> {
    let event = CloudEvent {
        specversion: "1.0",
        id: &notice.id,
        source,
        r#type: format!("carotid.alert.{}", notice.status),
        subject: &notice.subject,
        time: format!("{:.3}", notice.at),
        datacontenttype: "application/json",
        data: notice,
    };
    serde_json::to_vec(&event).expect("a notice has only text for keys")
}

/// One alert, as Alertmanager takes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert<'a> {
    labels: BTreeMap<&'a str, &'a str>,
    annotations: BTreeMap<&'a str, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    generator_url: Option<String>,
}

/// Notices for an Alertmanager, as of `now`: what fires does so for some minutes more.
pub(super) fn alerts(notices: &[&Notice], now: Timestamp, page: &str) -> Vec<u8> {
    let alerts: Vec<_> = notices
        .iter()
        .map(|notice| alert(notice, now, page))
        .collect();
    serde_json::to_vec(&alerts).expect("an alert has only text for keys")
}

fn alert<'a>(notice: &'a Notice, now: Timestamp, page: &str) -> Alert<'a> {
    let trouble = notice.trouble.parse::<Trouble>().ok();
    let alertname = trouble.map_or("CarotidTest", Trouble::alertname);
    // An alert is known by its labels, so nothing that changes while it lasts may be among them.
    let mut labels = BTreeMap::from([
        ("alertname", alertname),
        ("severity", trouble.map_or("info", Trouble::severity)),
        ("rule", &notice.rule),
    ]);
    let known = [
        ("service", notice.service.as_deref()),
        ("instance", notice.session.as_deref()),
        ("cause", notice.cause.as_deref()),
    ];
    labels.extend(
        known
            .into_iter()
            .filter_map(|(label, value)| Some((label, value?))),
    );
    if trouble == Some(Trouble::MassSilence) {
        labels.insert("incident", &notice.subject);
    }
    let own = notice.labels.iter();
    labels.extend(own.map(|(label, value)| (label.as_str(), value.as_str())));

    let mut annotations = BTreeMap::from([("summary", notice.summary.clone())]);
    if notice.count > 0 && !notice.sessions.is_empty() {
        annotations.insert("sessions", notice.sessions.join(", "));
        annotations.insert("count", notice.count.to_string());
    }
    let ends_at = if notice.status == "resolved" {
        // One that ends in the future, as it would after the clock was set back, is still firing.
        notice.at.min(now)
    } else {
        after(now, LASTS)
    };
    Alert {
        labels,
        annotations,
        // One that ends before it begins is refused.
        starts_at: notice.since.min(ends_at).to_string(),
        ends_at: ends_at.to_string(),
        generator_url: subject_page(notice, page),
    }
}

/// The place of the daemon's page that shows what a notice is about, if there is a page.
fn subject_page(notice: &Notice, page: &str) -> Option<String> {
    let mut url = Url::parse(page).ok()?;
    if let Some(session) = &notice.session {
        if matches!(&**session, "." | "..") {
            // These are steps up, however they are written.
            url.set_path("/sessions");
            url.query_pairs_mut().append_pair("search", session);
            return Some(url.into());
        }
        let mut path = url.path_segments_mut().ok()?;
        path.pop_if_empty().push("sessions");
        if session
            .split('/')
            .any(|part| matches!(part, "" | "." | ".."))
        {
            path.push(session);
        } else {
            path.extend(session.split('/'));
        }
        drop(path);
    } else if let Some(service) = &notice.service {
        url.set_path("/sessions");
        url.query_pairs_mut().append_pair("service", service);
    }
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn notice(status: &'static str) -> Notice {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        Notice {
            id: "0-1-pager-dead-firing".into(),
            rule: "pager".into(),
            status: status.into(),
            trouble: "dead".into(),
            subject: "payments".into(),
            service: Some("payments".into()),
            session: None,
            cause: Some("closed".into()),
            summary: "payments/7 is dead (closed)".into(),
            reason: None,
            since: at(1_000),
            at: at(2_000),
            count: 1,
            sessions: vec!["payments/7".into()],
            labels: BTreeMap::from([("severity".into(), "page".into())]),
            events: Vec::new(),
            more_events: 0,
        }
    }

    #[test]
    fn a_cloud_event_has_the_attributes_that_are_required() {
        let body = cloud_event(&notice("firing"), "/carotid/x");
        let event: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["id"], "0-1-pager-dead-firing");
        assert_eq!(event["source"], "/carotid/x");
        assert_eq!(event["type"], "carotid.alert.firing");
        assert_eq!(event["subject"], "payments");
        assert_eq!(event["time"], "1970-01-01T00:00:02.000Z");
        assert_eq!(event["datacontenttype"], "application/json");
        assert_eq!(event["data"]["sessions"], json!(["payments/7"]));
    }

    #[test]
    fn an_alert_is_known_by_the_same_labels_from_its_beginning_to_its_end() {
        let of = |status| {
            let now = Timestamp::from_millisecond(10_000).unwrap();
            let body = alerts(&[&notice(status)], now, "http://here/");
            let mut alerts: Value = serde_json::from_slice(&body).unwrap();
            alerts[0].take()
        };
        let (firing, resolved) = (of("firing"), of("resolved"));
        assert_eq!(firing["labels"], resolved["labels"]);
        assert_eq!(
            firing["labels"],
            json!({
                "alertname": "CarotidSessionDead", "severity": "page", "rule": "pager",
                "service": "payments", "cause": "closed",
            })
        );
        assert_eq!(firing["startsAt"], "1970-01-01T00:00:01Z");
        assert_eq!(firing["endsAt"], "1970-01-01T00:04:10Z");
        assert_eq!(resolved["endsAt"], "1970-01-01T00:00:02Z");
        assert_eq!(
            firing["generatorURL"],
            "http://here/sessions?service=payments"
        );
        let of_one = Notice {
            session: Some("pay ments/7".into()),
            ..notice("firing")
        };
        assert_eq!(
            subject_page(&of_one, "http://here/").as_deref(),
            Some("http://here/sessions/pay%20ments/7")
        );
        assert_eq!(subject_page(&of_one, ""), None);
        for (name, page) in [
            (".", "http://here/sessions?search=."),
            ("pay/..", "http://here/sessions/pay%2F.."),
            ("pay//7", "http://here/sessions/pay%2F%2F7"),
        ] {
            let of_one = Notice {
                session: Some(name.into()),
                ..notice("firing")
            };
            assert_eq!(subject_page(&of_one, "http://here/").as_deref(), Some(page));
        }
    }

    #[test]
    fn what_is_over_does_not_end_in_the_future_when_the_clock_was_set_back() {
        let now = Timestamp::from_millisecond(500).unwrap();
        let body = alerts(&[&notice("resolved")], now, "");
        let alerts: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(alerts[0]["endsAt"], "1970-01-01T00:00:00.5Z");
        assert_eq!(alerts[0]["startsAt"], "1970-01-01T00:00:00.5Z");
    }
}
