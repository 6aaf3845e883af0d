//! The alert rules that are shipped, in a real Prometheus that tells a real Alertmanager.

use std::fs;
use std::path::PathBuf;

use super::alertmanager::Alertmanager;
use super::prometheus::{Prometheus, Setup};
use super::shipped;
use crate::ground::daemon::{Daemon, TERMS, carotid};
use crate::ground::program::Program;

/// The shipped rules with the same thresholds, but for alerts that fire as soon as they are true twice.
fn impatient(folder: &tempfile::TempDir) -> PathBuf {
    let mut shortened = 0;
    let rules = fs::read_to_string(shipped("prometheus/carotid.rules.yml")).unwrap();
    let lines = rules.lines().map(|line| match line.split_once("for: ") {
        Some((indent, _)) if indent.trim().is_empty() => {
            shortened += 1;
            format!("{indent}for: 1s\n")
        }
        _ => format!("{line}\n"),
    });
    let rules: String = lines.collect();
    assert!(shortened >= 5, "{rules}");
    let path = folder.path().join("carotid.rules.yml");
    fs::write(&path, rules).unwrap();
    path
}

/// A process that beats as `payments/1`.
fn payments(daemon: &Daemon) -> Program {
    let mut peer = carotid();
    peer.args(["beat", "payments/1", "--addr", &daemon.rpc.to_string()]);
    peer.args(["--interval", "200ms", "--timeout", "1s"]);
    Program::start(&mut peer)
}

#[test]
fn a_killed_service_fires_and_resolves_when_it_returns() {
    let folder = tempfile::tempdir().unwrap();
    let rules = impatient(&folder);
    let daemon = Daemon::start(&TERMS);
    let mut events = daemon.events();
    let alertmanager = Alertmanager::start();
    let prometheus = Prometheus::start(Setup {
        target: daemon.http,
        rules: Some(&rules),
        alertmanager: Some(alertmanager.http),
    });

    let mut peer = payments(&daemon);
    events.expect("opened", "payments/1", None);
    let health = "carotid_service_health{service=\"payments\"}";
    prometheus.wait_for(health, |health| health == 2.0);
    let died = "carotid_deaths_total{service=\"payments\"}";
    prometheus.wait_for(died, |deaths| deaths == 0.0);
    let failing = || prometheus.find("CarotidServiceFailing", "payments");
    assert_eq!(failing(), None);

    peer.kill();
    let alert = prometheus.wait_until_firing("CarotidServiceFailing", "payments");
    assert_eq!(alert["labels"]["severity"], "critical");
    assert_eq!(alert["annotations"]["summary"], "payments fails");
    let received = alertmanager.wait_until_firing("CarotidServiceFailing", "payments");
    assert_eq!(received["labels"], alert["labels"]);
    prometheus.wait_until_firing("CarotidSessionsDied", "payments");
    prometheus.wait_for(died, |deaths| deaths == 1.0);
    // It goes on for as long as nobody is back, and not only while somebody is suspected.
    events.expect("suspect", "payments/1", Some("closed"));
    events.expect("dead", "payments/1", Some("closed"));
    prometheus.wait_for(health, |health| health == 0.0);
    assert!(failing().is_some());

    let _back = payments(&daemon);
    events.expect("opened", "payments/1", None);
    prometheus.wait_until_resolved("CarotidServiceFailing", "payments");
    alertmanager.wait_until_resolved("CarotidServiceFailing", "payments");
}

#[test]
fn a_daemon_that_is_gone_fires_and_resolves_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let rules = impatient(&folder);
    let mut daemon = Daemon::start(&[]);
    let alertmanager = Alertmanager::start();
    let prometheus = Prometheus::start(Setup {
        target: daemon.http,
        rules: Some(&rules),
        alertmanager: Some(alertmanager.http),
    });
    prometheus.wait_for("up{job=\"carotid\"}", |up| up == 1.0);
    daemon.program.kill();
    alertmanager.wait_until_firing("CarotidDown", "");
    alertmanager.wait_until_firing("CarotidAbsent", "");
    let _back = daemon.restart();
    alertmanager.wait_until_resolved("CarotidDown", "");
    alertmanager.wait_until_resolved("CarotidAbsent", "");
}
