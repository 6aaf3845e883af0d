//! The metrics, as Prometheus, scripts and people meet them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::ground::daemon::{Daemon, TERMS, call};
use crate::ground::metrics::{Metric, metrics, parse, sample};
use crate::ground::sessions::{raw, raw_with};

/// A daemon that has seen something of everything, and what it told then.
fn after_some_traffic() -> BTreeMap<String, Metric> {
    let folder = tempfile::tempdir().unwrap();
    let journal = ["--data", folder.path().to_str().unwrap()];
    let daemon = Daemon::start(&[&TERMS[..], &journal].concat());
    let mut events = daemon.events();
    let mut lasting = daemon.ping("payments/1");
    let beat = json!({"Name": "payments/1", "RoundTripUs": 700});
    call(&mut lasting, "Heartbeat.Beat", &beat);
    let brief = daemon.ping("payments/2");
    drop(brief);
    while events.next().kind != "dead" {
        call(&mut lasting, "Heartbeat.Beat", &beat);
    }
    metrics(daemon.http)
}

fn file(path: &str) -> String {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    fs::read_to_string(root.join(path)).unwrap()
}

#[test]
fn the_table_of_metrics_is_what_the_daemon_tells() {
    let told = after_some_traffic();
    let document = file("docs/metrics.md");
    let rows = document.lines().filter(|line| line.starts_with("| `"));
    let mut listed = BTreeMap::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, meaning] = cells[..] else {
            panic!("{row}: {cells:?}");
        };
        assert!(meaning.ends_with('.'), "{row}");
        let labels = labels
            .split(',')
            .map(|label| label.trim().trim_matches('`'));
        let labels: BTreeSet<_> = labels.filter(|label| !label.is_empty()).collect();
        let labels: Vec<_> = labels.into_iter().map(str::to_owned).collect();
        listed.insert(name.trim_matches('`').to_owned(), (kind.to_owned(), labels));
    }
    let told = told.into_iter().map(|(name, metric)| {
        let labels: Vec<_> = metric.labels().into_iter().collect();
        (name, (metric.kind, labels))
    });
    let told: BTreeMap<_, _> = told.collect();
    for name in told.keys() {
        assert!(listed.contains_key(name), "docs/metrics.md lacks {name}");
    }
    for (name, row) in listed {
        assert_eq!(
            told.get(&name),
            Some(&row),
            "{name}, left told, right listed"
        );
    }
}

#[test]
fn rules_and_dashboard_ask_for_metrics_that_there_are() {
    let told = after_some_traffic();
    let mut samples: BTreeSet<&str> = told.keys().map(String::as_str).collect();
    for metric in told.values() {
        samples.extend(metric.samples.iter().map(|(name, ..)| name.as_str()));
    }
    for path in [
        "ops/prometheus/carotid.rules.yml",
        "ops/prometheus/carotid.rules.test.yml",
        "ops/grafana/carotid.json",
    ] {
        let text = file(path);
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let words = text.split(|letter| !is_part(letter));
        let asked: BTreeSet<_> = words
            .filter(|word| word.starts_with("carotid_") || word.starts_with("process_"))
            .collect();
        assert!(asked.len() > 5, "{path}: {asked:?}");
        for name in asked {
            assert!(samples.contains(name), "{path} asks for {name}");
        }
    }
}

#[test]
fn what_happens_is_counted() {
    let told = after_some_traffic();
    let value = |name: &str, labels: &[(&str, &str)]| sample(&told, name, labels);
    let payments = ("service", "payments");
    let alive = [payments, ("health", "alive")];
    assert_eq!(value("carotid_sessions", &alive), Some(1.0));
    assert_eq!(value("carotid_service_health", &[payments]), Some(2.0));
    assert_eq!(value("carotid_deaths_total", &[payments]), Some(1.0));
    let dead = [("kind", "dead"), ("cause", "closed")];
    assert_eq!(value("carotid_transitions_total", &dead), Some(1.0));
    let lateness = "carotid_detection_lateness_seconds_count";
    assert_eq!(value(lateness, &[("kind", "dead")]), Some(1.0));
    let json = [("transport", "tcp"), ("protocol", "json")];
    assert_eq!(value("carotid_connections_open", &json), Some(1.0));
    let closed = [("reason", "closed")];
    assert_eq!(value("carotid_connections_ended_total", &closed), Some(1.0));
    let pings = [("method", "Heartbeat.Ping")];
    assert_eq!(value("carotid_calls_total", &pings), Some(2.0));
    assert_eq!(
        value("carotid_event_readers", &[]),
        Some(2.0),
        "and the log"
    );
    assert_eq!(value("carotid_journal_failing", &[]), Some(0.0));
    assert!(value("carotid_journal_events_total", &[]) >= Some(4.0));
    let beats = value("carotid_beats_total", &[]).unwrap();
    let trips = value("carotid_round_trip_seconds_count", &[]).unwrap();
    assert!(trips >= 1.0 && beats == trips + 2.0, "{trips} {beats}");
    assert!(value("process_resident_memory_bytes", &[]).unwrap() > 1e6);
}

#[test]
fn whoever_asks_for_open_metrics_gets_them_and_all_others_the_older_format() {
    let daemon = Daemon::start(&[]);
    let (head, body) = raw_with(daemon.http, "/metrics", "");
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    assert!(!body.contains("# EOF"));
    let accept = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let (head, body) = raw_with(daemon.http, "/metrics", accept);
    let open = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(head.contains(open), "{head}");
    assert!(body.ends_with("\n# EOF\n"), "{body}");
}

#[test]
fn hostile_services_take_a_bounded_number_of_lines() {
    let daemon = Daemon::start(&[]);
    let mut hostile = daemon.ping("\"}\\ {/1");
    for index in 0..3000 {
        crate::ground::daemon::ping(&mut hostile, &format!("s{index}/1"));
    }
    for index in 0..5 {
        crate::ground::daemon::ping(&mut hostile, &format!("real/{index}"));
        crate::ground::daemon::ping(&mut hostile, &format!("(other)/{index}"));
        crate::ground::daemon::ping(&mut hostile, &format!("solo{index}"));
    }
    let (_, text) = raw(daemon.http, "/metrics");
    let told = parse(&text);
    let alive = |service| {
        let labels = [("service", service), ("health", "alive")];
        sample(&told, "carotid_sessions", &labels)
    };
    assert_eq!(alive("real"), Some(5.0));
    assert_eq!(alive("(none)"), Some(5.0));
    assert!(alive("(other)").unwrap() > 2000.0);
    let lines = &told["carotid_sessions"].samples;
    assert!(lines.len() <= 2 * 1002, "{}", lines.len());
    let sum: f64 = lines.iter().map(|(.., value)| value).sum();
    assert_eq!(sum, 3016.0, "nobody is lost");
}
