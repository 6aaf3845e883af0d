//! The programs that the other tests here stand on.

use super::alertmanager::Alertmanager;
use super::poll::wait_for;
use super::prometheus::{Prometheus, Setup};
use crate::ground::daemon::Daemon;

#[test]
fn prometheus_and_alertmanager_find_each_other() {
    let daemon = Daemon::start(&[]);
    let alertmanager = Alertmanager::start();
    let prometheus = Prometheus::start(Setup {
        target: daemon.http,
        rules: None,
        alertmanager: Some(alertmanager.http),
    });
    wait_for("Prometheus knows Alertmanager", || {
        let known = prometheus.get("/api/v1/alertmanagers");
        let active = known["data"]["activeAlertmanagers"].as_array()?;
        (!active.is_empty()).then_some(())
    });
    assert!(alertmanager.alerts().is_empty());
    prometheus.wait_for("vector(1)", |value| value == 1.0);
}
