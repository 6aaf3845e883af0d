//! What the daemon tells by itself, as a real Alertmanager and a receiver that is not ours take it.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;

use super::alertmanager::Alertmanager;
use super::poll::wait_for;
use super::prometheus::program;
use crate::ground::daemon::{Daemon, carotid};
use crate::ground::receiver::{Delivery, Receiver};

/// From the reference libraries of Standard Webhooks.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn configuration(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn alertmanager_is_told_directly_and_told_when_it_is_over() {
    let alertmanager = Alertmanager::start();
    let file = configuration(&format!(
        "on_disconnect = 'dead'\n[alert.direct]\nalertmanager = 'http://{}'\nlabels.team = 'money'\n\
         on = ['dead', 'wedged']\ngroup_wait = '0s'\n",
        alertmanager.http
    ));
    let path = file.path().to_str().unwrap();
    let daemon = Daemon::start(&["--config", path]);
    drop(daemon.ping("payments/7"));
    let alert = alertmanager.wait_until_firing("CarotidSessionDead", "payments");
    let labels = &alert["labels"];
    assert_eq!(labels["severity"], "warning");
    assert_eq!(labels["cause"], "closed");
    assert_eq!(labels["rule"], "direct");
    assert_eq!(labels["team"], "money");
    assert_eq!(
        alert["annotations"]["summary"],
        "payments/7 is dead (closed)"
    );
    assert_eq!(
        alert["generatorURL"],
        format!("http://{}/sessions?service=payments", daemon.http)
    );
    let _back = daemon.ping("payments/7");
    alertmanager.wait_until_resolved("CarotidSessionDead", "payments");

    let mut test = carotid();
    test.args(["alert", "test", "direct", "--config", path]);
    let output = test.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    wait_for("Alertmanager has the test", || {
        let alerts = alertmanager.alerts();
        let is_test = |labels: &serde_json::Value| labels["alertname"] == "CarotidTest";
        alerts
            .iter()
            .any(|alert| is_test(&alert["labels"]))
            .then_some(())
    });
}

/// Whether the receiver's half in `docs/alerts.md`, run by Python, takes a message.
fn is_verified(delivery: &Delivery, body: &[u8]) -> bool {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/alerts.md");
    let document = fs::read_to_string(document).unwrap();
    let (_, code) = document.split_once("```python\n").unwrap();
    let (code, _) = code.split_once("```").unwrap();
    let headers: serde_json::Map<_, _> = (delivery.headers.iter())
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let run = "import sys, json\n\
        ok = verify(sys.argv[1], json.loads(sys.argv[2]), sys.stdin.buffer.read())\n\
        sys.exit(0 if ok else 7)\n";
    let mut python = Command::new(program("PYTHON", "python3"))
        .args(["-c", &format!("{code}\n{run}"), SECRET])
        .arg(serde_json::to_string(&headers).unwrap())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(body).unwrap();
    match python.wait().unwrap().code() {
        Some(0) => true,
        Some(7) => false,
        other => panic!("Python ended with {other:?}"),
    }
}

#[test]
fn a_signature_is_verified_as_the_document_says_and_a_change_is_found_out() {
    let receiver = Receiver::start();
    let secrets = configuration(&format!("whsec_{}\n{SECRET}\n", "QUJD".repeat(8)));
    let file = configuration(&format!(
        "on_disconnect = 'dead'\n[alert.pager]\nwebhook = '{}'\nsecret_file = '{}'\ngroup_wait = '0s'\n",
        receiver.url(),
        secrets.path().display()
    ));
    let daemon = Daemon::start(&["--config", file.path().to_str().unwrap()]);
    drop(daemon.ping("客户端/42"));
    let delivery = receiver.next();
    assert_eq!(delivery.said(), "firing dead 客户端");
    assert!(is_verified(&delivery, &delivery.body));
    let mut changed = delivery.body.clone();
    changed[10] ^= 1;
    assert!(!is_verified(&delivery, &changed));
}
