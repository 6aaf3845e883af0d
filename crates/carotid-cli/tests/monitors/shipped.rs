//! What promtool and Prometheus say of the files that are shipped, and of what a daemon tells.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::prometheus::{Prometheus, Setup, program};
use super::shipped;
use crate::ground::daemon::{Daemon, TERMS};
use crate::ground::sessions::raw;

fn promtool(arguments: &[&str]) -> Command {
    let mut command = Command::new(program("PROMTOOL", "promtool"));
    command.args(arguments);
    command
}

#[track_caller]
fn accepted(output: &Output) {
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
}

#[test]
fn promtool_finds_nothing_wrong_with_what_a_daemon_tells() {
    let daemon = Daemon::start(&TERMS);
    let _connections = ["payments/1", "a \"quoted\\ name/2", "solo"].map(|name| daemon.ping(name));
    let (_, told) = raw(daemon.http, "/metrics");
    let mut check = promtool(&["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check
        .stdin
        .take()
        .unwrap()
        .write_all(told.as_bytes())
        .unwrap();
    let output = check.wait_with_output().unwrap();
    accepted(&output);
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_rules_are_valid_and_fire_when_they_should() {
    let rules = shipped("prometheus/carotid.rules.yml");
    let tests = shipped("prometheus/carotid.rules.test.yml");
    accepted(&promtool(&["check", "rules"]).arg(rules).output().unwrap());
    accepted(&promtool(&["test", "rules"]).arg(tests).output().unwrap());
}

#[test]
fn every_query_of_the_dashboard_is_one_that_prometheus_answers() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(&["--data", folder.path().to_str().unwrap()]);
    let _payments = daemon.ping("payments/1");
    let prometheus = Prometheus::start(Setup {
        target: daemon.http,
        rules: None,
        alertmanager: None,
    });
    prometheus.wait_for("carotid_sessions{health=\"alive\"}", |alive| alive == 1.0);
    let text = std::fs::read_to_string(shipped("grafana/carotid.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let queries = expressions(&dashboard);
    assert!(queries.len() > 30, "{queries:?}");
    for query in queries {
        let filled = query
            .replace("$__rate_interval", "1m")
            .replace("$instance", ".*")
            .replace("$service", ".*");
        assert!(!filled.contains('$'), "{query}");
        let series = prometheus.query(&filled);
        // A rate has nothing to say of one scrape, and nothing is told of what did not happen.
        let is_now = !filled.contains('[') && !filled.ends_with("> 0");
        assert!(!is_now || !series.is_empty(), "{filled} finds nothing");
    }
}

/// Every query in a dashboard, wherever it stands.
fn expressions(json: &Value) -> Vec<String> {
    match json {
        Value::Object(fields) => {
            let own = fields
                .get("expr")
                .and_then(Value::as_str)
                .map(str::to_owned);
            let deeper = fields.values().flat_map(expressions);
            own.into_iter().chain(deeper).collect()
        }
        Value::Array(items) => items.iter().flat_map(expressions).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}
