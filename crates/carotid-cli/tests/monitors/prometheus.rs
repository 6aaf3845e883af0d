//! A real Prometheus on a port of its own.

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::poll::wait_for;
use crate::ground::program::Program;
use crate::ground::sessions::raw;

/// A running Prometheus; killed when dropped.
#[derive(Debug)]
pub(crate) struct Prometheus {
    /// Where it is asked.
    pub(crate) http: SocketAddr,
    _program: Program,
    _place: TempDir,
}

/// What a Prometheus watches, judges and tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup<'a> {
    /// The daemon's operations listener, scraped every second.
    pub(crate) target: SocketAddr,
    /// A file of rules, evaluated every second.
    pub(crate) rules: Option<&'a Path>,
    /// Where alerts go.
    pub(crate) alertmanager: Option<SocketAddr>,
}

impl Prometheus {
    /// Starts it and returns once it answers.
    pub(crate) fn start(setup: Setup<'_>) -> Self {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("prometheus.yml");
        // JSON is YAML.
        fs::write(&file, setup.configuration().to_string()).unwrap();
        let mut command = Command::new(program("PROMETHEUS", "prometheus"));
        command
            .arg("--config.file")
            .arg(&file)
            .arg("--storage.tsdb.path")
            .arg(place.path().join("series"))
            .args(["--web.listen-address", "127.0.0.1:0"]);
        let program = Program::start(&mut command);
        let http = bound_address(&program);
        let ready = || (raw(http, "/-/ready").0 == 200).then_some(());
        wait_for("Prometheus is ready", ready);
        Self {
            http,
            _program: program,
            _place: place,
        }
    }

    /// The values of an instant query, one for each series.
    pub(crate) fn query(&self, expression: &str) -> Vec<f64> {
        let answer = self.get(&format!("/api/v1/query?query={}", escape(expression)));
        let series = answer["data"]["result"].as_array().unwrap();
        let values = series.iter().map(|series| &series["value"][1]);
        values
            .map(|value| value.as_str().unwrap().parse().unwrap())
            .collect()
    }

    /// Waits until a query has a series whose value `wanted` accepts.
    #[track_caller]
    pub(crate) fn wait_for(&self, expression: &str, wanted: impl Fn(f64) -> bool) {
        wait_for(expression, || {
            let mut values = self.query(expression).into_iter();
            values.any(&wanted).then_some(())
        });
    }

    /// Waits until a rule's alert about a service fires.
    #[track_caller]
    pub(crate) fn wait_until_firing(&self, name: &str, service: &str) -> Value {
        wait_for(&format!("{name} fires"), || self.find(name, service))
    }

    /// Waits until it does not.
    #[track_caller]
    pub(crate) fn wait_until_resolved(&self, name: &str, service: &str) {
        wait_for(&format!("{name} is resolved"), || {
            self.find(name, service).is_none().then_some(())
        });
    }

    /// The alert of this name about a service, if it fires.
    pub(crate) fn find(&self, name: &str, service: &str) -> Option<Value> {
        self.firing().into_iter().find(|alert| {
            let labels = &alert["labels"];
            let about = labels["service"].as_str().unwrap_or_default();
            labels["alertname"] == name && about == service
        })
    }

    /// All alerts that fire.
    pub(crate) fn firing(&self) -> Vec<Value> {
        let answer = self.get("/api/v1/alerts");
        let alerts = answer["data"]["alerts"].as_array().unwrap().iter();
        let firing = alerts.filter(|alert| alert["state"] == "firing");
        firing.cloned().collect()
    }

    /// The answer to a request of its HTTP interface.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = raw(self.http, path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }
}

impl Setup<'_> {
    fn configuration(&self) -> Value {
        let rules: Vec<_> = self.rules.iter().map(|rules| json!(rules)).collect();
        let to = self.alertmanager.iter().map(|to| json!(to.to_string()));
        let to: Vec<Value> = to.collect();
        json!({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": rules,
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": to}]}]},
            "scrape_configs": [{
                "job_name": "carotid",
                "static_configs": [{"targets": [self.target.to_string()]}],
            }],
        })
    }
}

/// The program that a variable of the environment names, or the usual one.
pub(crate) fn program(variable: &str, usual: &str) -> OsString {
    std::env::var_os(variable).unwrap_or_else(|| usual.into())
}

/// Where a program of the Prometheus family says that it listens.
pub(crate) fn bound_address(program: &Program) -> SocketAddr {
    const SAID: &str = "msg=\"Listening on\" address=";
    let line = program.wait_for_complaint(|line| line.contains(SAID));
    let (_, address) = line.split_once(SAID).unwrap();
    address.trim().parse().unwrap()
}

/// As a query's value in a URL.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").unwrap();
        }
    }
    escaped
}
