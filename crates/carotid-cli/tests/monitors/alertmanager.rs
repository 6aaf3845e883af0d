//! A real Alertmanager on a port of its own.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::poll::wait_for;
use super::prometheus::{bound_address, program};
use crate::ground::program::Program;
use crate::ground::sessions::raw;

/// A running Alertmanager that notifies nobody; killed when dropped.
#[derive(Debug)]
pub(crate) struct Alertmanager {
    /// Where alerts are sent to and asked for.
    pub(crate) http: SocketAddr,
    _program: Program,
    _place: TempDir,
}

const CONFIGURATION: &str = "\
route:
  receiver: nobody
  group_wait: 0s
  group_interval: 1s
receivers:
  - name: nobody
";

impl Alertmanager {
    /// Starts it and returns once it answers.
    pub(crate) fn start() -> Self {
        Self::start_with(CONFIGURATION)
    }

    /// The same with a configuration file of the test's own.
    pub(crate) fn start_with(configuration: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("alertmanager.yml");
        fs::write(&file, configuration).unwrap();
        let mut command = Command::new(program("ALERTMANAGER", "prometheus-alertmanager"));
        command
            .arg("--config.file")
            .arg(&file)
            .arg("--storage.path")
            .arg(place.path().join("state"))
            .args(["--web.listen-address", "127.0.0.1:0"])
            // Alone, without a port for others of its kind.
            .arg("--cluster.listen-address=");
        let program = Program::start(&mut command);
        let http = bound_address(&program);
        let ready = || (raw(http, "/-/ready").0 == 200).then_some(());
        wait_for("Alertmanager is ready", ready);
        Self {
            http,
            _program: program,
            _place: place,
        }
    }

    /// The alerts that fire.
    pub(crate) fn alerts(&self) -> Vec<Value> {
        let (status, body) = raw(self.http, "/api/v2/alerts");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Waits until an alert of this name fires about this service.
    #[track_caller]
    pub(crate) fn wait_until_firing(&self, name: &str, service: &str) -> Value {
        wait_for(&format!("Alertmanager has {name}"), || {
            self.find(name, service)
        })
    }

    /// Waits until none does.
    #[track_caller]
    pub(crate) fn wait_until_resolved(&self, name: &str, service: &str) {
        wait_for(&format!("Alertmanager lets go of {name}"), || {
            self.find(name, service).is_none().then_some(())
        });
    }

    fn find(&self, name: &str, service: &str) -> Option<Value> {
        self.alerts().into_iter().find(|alert| {
            let labels = &alert["labels"];
            let about = labels["service"].as_str().unwrap_or_default();
            labels["alertname"] == name && about == service
        })
    }
}
