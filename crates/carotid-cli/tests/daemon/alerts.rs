//! Alerts, as a receiver of webhooks meets them.

use std::collections::{HashMap, HashSet};
use std::io::Write;

use serde_json::Value;
use tempfile::NamedTempFile;

use crate::ground::daemon::{Daemon, TERMS, carotid};
use crate::ground::program::Program;
use crate::ground::receiver::{Answer, Delivery, Receiver};
use crate::ground::sessions::get;

/// Nobody waits for a group, and who closes its connection is dead.
const QUICK: &str = "group_wait = '0s'\ngroup_interval = '0s'\n";

/// A configuration file with this at its end.
fn configuration(alerts: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    write!(file, "on_disconnect = 'dead'\n{alerts}").unwrap();
    file
}

fn start(file: &NamedTempFile) -> Daemon {
    Daemon::start(&["--config", file.path().to_str().unwrap()])
}

/// Opens a session, and lets it die.
fn die(daemon: &Daemon, name: &str) {
    drop(daemon.ping(name));
}

#[test]
fn a_death_and_a_return_are_told_in_cloud_events() {
    let receiver = Receiver::start();
    let url = receiver.url();
    let file = configuration(&format!(
        "[alert.pager]\nwebhook = '{url}'\non = ['dead']\nlabels.team = 'money'\n{QUICK}"
    ));
    let daemon = start(&file);
    die(&daemon, "payments/7");
    let firing = receiver.next();
    assert_eq!(
        firing.header("content-type"),
        Some("application/cloudevents+json")
    );
    assert_eq!(firing.header("webhook-signature"), None, "it has no secret");
    let event = firing.json();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["type"], "carotid.alert.firing");
    assert_eq!(event["subject"], "payments");
    assert_eq!(event["id"], firing.id());
    let notice = &event["data"];
    assert_eq!(notice["summary"], "payments/7 is dead (closed)");
    assert_eq!(notice["sessions"][0], "payments/7");
    assert_eq!(notice["labels"]["team"], "money");
    let death = &notice["events"][0];
    assert_eq!(death["kind"], "dead");
    assert_eq!(death["evidence"]["connection"], "closed");
    let listed = |key: &str| {
        let (status, alerts) = get(daemon.http, "/api/v1/alerts");
        assert_eq!(status, 200);
        alerts["rules"][0][key].clone()
    };
    assert_eq!(listed("firing")[0]["subject"], "payments");
    assert_eq!(
        listed("destination"),
        format!("http://{}", receiver.address)
    );

    let _back = daemon.ping("payments/7");
    let resolved = receiver.next();
    assert_eq!(resolved.said(), "resolved dead payments");
    assert_eq!(resolved.json()["data"]["reason"], "recovered");
    assert_ne!(resolved.id(), firing.id());
}

#[test]
fn a_receiver_that_fails_hangs_and_returns_gets_all_in_order_and_can_tell_what_it_has() {
    let receiver = Receiver::start();
    let url = receiver.url();
    let file = configuration(&format!(
        "[alert.pager]\nwebhook = '{url}'\non = ['dead']\ngroup_by = 'session'\ntimeout = '300ms'\n{QUICK}"
    ));
    let daemon = start(&file);
    let (ok, no) = (Answer::Status(204), Answer::Status(500));
    receiver.answer(&[
        no,
        Answer::Hang,
        Answer::Drop,
        no,
        ok,
        Answer::Hang,
        no,
        ok,
        Answer::Drop,
    ]);
    for _life in 0..3 {
        for name in ["payments/7", "payments/8", "auth/1"] {
            die(&daemon, name);
        }
    }
    let mut left = 3;
    let deliveries = receiver.until(|delivery| {
        // The third death of each is the last that there is to say of it.
        left -= i32::from(
            delivery.json()["data"]["events"][0]["epoch"] == 3
                && delivery.said().starts_with("firing"),
        );
        left == 0
    });
    assert!(deliveries.iter().any(|delivery| !delivery.is_taken()));

    let mut bodies: HashMap<&str, &[u8]> = HashMap::new();
    let mut told: HashMap<String, Vec<(u64, String)>> = HashMap::new();
    for delivery in &deliveries {
        let known = *bodies.entry(delivery.id()).or_insert(&delivery.body);
        assert_eq!(known, delivery.body, "one id, one message");
        if delivery.is_taken() {
            let subject = delivery.json()["subject"].as_str().unwrap().to_owned();
            told.entry(subject).or_default().extend(events_of(delivery));
        }
    }
    assert_eq!(told.len(), 3);
    for (subject, mut events) in told {
        assert!(events.is_sorted(), "{subject}: {events:?}");
        // What it hung on may have been taken twice.
        events.dedup();
        let kinds: Vec<_> = events.iter().map(|(_, kind)| kind.as_str()).collect();
        assert_eq!(
            kinds,
            ["dead", "opened", "dead", "opened", "dead"],
            "{subject}"
        );
    }
}

/// Numbers and kinds of what a message tells of.
fn events_of(delivery: &Delivery) -> impl Iterator<Item = (u64, String)> {
    let one = |event: &Value| {
        let kind = event["kind"].as_str().unwrap().to_owned();
        (event["seq"].as_u64().unwrap(), kind)
    };
    let events = delivery.json()["data"]["events"].take();
    let events: Vec<_> = events.as_array().unwrap().iter().map(one).collect();
    events.into_iter()
}

#[test]
fn a_receiver_that_hangs_holds_up_no_other_rule() {
    let (stuck, well) = (Receiver::start(), Receiver::start());
    stuck.answer(&[Answer::Hang; 50]);
    let file = configuration(&format!(
        "[alert.a]\nwebhook = '{}'\n{QUICK}[alert.b]\nwebhook = '{}'\n{QUICK}",
        stuck.url(),
        well.url()
    ));
    let daemon = start(&file);
    die(&daemon, "payments/7");
    assert_eq!(stuck.next().said(), "firing dead payments");
    assert_eq!(well.next().said(), "firing dead payments");
    let (_, alerts) = get(daemon.http, "/api/v1/alerts");
    assert_eq!(alerts["rules"][0]["pending"], 1);
}

#[test]
fn a_receiver_that_is_gone_for_good_is_left_alone() {
    let receiver = Receiver::start();
    receiver.answer(&[Answer::Status(410)]);
    let file = configuration(&format!(
        "[alert.a]\nwebhook = '{}'\n{QUICK}",
        receiver.url()
    ));
    let daemon = start(&file);
    die(&daemon, "payments/7");
    receiver.next();
    daemon
        .program
        .wait_for_complaint(|line| line.contains("410 Gone; nothing more is sent"));
    let (_, alerts) = get(daemon.http, "/api/v1/alerts");
    let rule = &alerts["rules"][0];
    assert_eq!(
        (&rule["gone"], &rule["dead_letters"]),
        (&true.into(), &1.into())
    );
}

#[test]
fn what_was_not_delivered_before_a_kill_is_delivered_after_it() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start();
    let file = configuration(&format!(
        "[alert.pager]\nwebhook = '{}'\n{QUICK}",
        receiver.url()
    ));
    let start = || {
        let flags = ["--config", file.path().to_str().unwrap(), "--data"];
        let data = [data.path().to_str().unwrap()];
        Daemon::start(&[&flags[..], &data[..], &TERMS[..]].concat())
    };
    receiver.answer(&[Answer::Status(503); 2]);
    let mut daemon = start();
    die(&daemon, "payments/7");
    let refused = receiver.next();
    daemon.program.kill();
    let daemon = start();
    let told = receiver.until(|_| true);
    for delivery in &told {
        assert_eq!(delivery.id(), refused.id());
        assert_eq!(delivery.body, refused.body);
    }
    // What fired before the kill is resolved after it.
    let _back = daemon.ping("payments/7");
    assert_eq!(receiver.next().said(), "resolved dead payments");
}

#[test]
fn a_daemon_that_is_killed_again_and_again_tells_every_death_that_it_remembers() {
    let data = tempfile::tempdir().unwrap();
    let receiver = Receiver::start();
    let (ok, no) = (Answer::Status(204), Answer::Status(500));
    receiver.answer(&[no, ok, Answer::Drop, ok, ok, Answer::Drop, no, ok, ok, no]);
    let file = configuration(&format!(
        "[alert.pager]\nwebhook = '{}'\non = ['dead']\ngroup_by = 'session'\n{QUICK}",
        receiver.url()
    ));
    let start = || {
        let flags = ["--config", file.path().to_str().unwrap(), "--data"];
        let data = [data.path().to_str().unwrap()];
        Daemon::start(&[&flags[..], &data[..], &TERMS[..]].concat())
    };
    for round in 0..5 {
        let mut daemon = start();
        let mut events = daemon.events();
        let first = format!("first/{round}");
        die(&daemon, &first);
        loop {
            let event = events.next();
            if event.name == first && event.kind == "dead" {
                break;
            }
        }
        for session in 0..=round {
            die(&daemon, &format!("payments/{session}"));
        }
        daemon.program.kill();
    }
    let daemon = start();
    let mut events = daemon.events();
    // What the last kill left alive dies of silence now; what was not durable then never was.
    die(&daemon, "last/1");
    let mut deaths = Vec::new();
    let mut alive: HashMap<String, bool> = HashMap::new();
    while !alive.contains_key("last/1") || alive.values().any(|alive| *alive) {
        let event = events.next();
        if event.kind == "dead" {
            deaths.push(event.seq);
        }
        if !event.name.is_empty() {
            alive.insert(event.name, event.kind != "dead");
        }
    }
    assert!(deaths.len() > 5, "each first and the last one: {deaths:?}");
    let mut untold: HashSet<u64> = deaths.into_iter().collect();
    let deliveries = receiver.until(|delivery| {
        for (seq, _) in events_of(delivery) {
            untold.remove(&seq);
        }
        untold.is_empty()
    });
    let mut last: HashMap<String, u64> = HashMap::new();
    let mut taken = HashSet::new();
    for delivery in deliveries.iter().filter(|delivery| delivery.is_taken()) {
        if !taken.insert(delivery.id()) {
            continue;
        }
        let subject = delivery.json()["subject"].as_str().unwrap().to_owned();
        for (seq, kind) in events_of(delivery) {
            let before = last.insert(subject.clone(), seq).unwrap_or_default();
            assert!(before < seq, "{subject}: {kind} {seq} after {before}");
        }
    }
}

fn alert(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = carotid();
    command.arg("alert").args(arguments);
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_rule_can_be_tested_without_a_daemon() {
    let receiver = Receiver::start();
    let file = configuration(&format!(
        "[alert.pager]\nwebhook = '{}'\n[alert.nobody]\nalertmanager = 'http://127.0.0.1:1'\n",
        receiver.url()
    ));
    let path = file.path().to_str().unwrap();
    let test = |rule: &str| alert(&["test", rule, "--config", path]);
    let (code, said, _) = test("pager");
    assert_eq!(code, Some(0));
    assert!(said.contains("answered 204 in "), "{said}");
    let delivery = receiver.next();
    assert_eq!(delivery.said(), "test test carotid");
    assert!(said.contains(delivery.id()), "{said}");

    receiver.answer(&[Answer::Status(401)]);
    let (code, said, complaint) = test("pager");
    assert_eq!(code, Some(3), "{complaint}");
    assert!(said.contains("answered 401"), "{said}");
    let (code, _, complaint) = test("nobody");
    assert_eq!(code, Some(2), "{complaint}");
    let (code, _, complaint) = test("none");
    assert_eq!(code, Some(1));
    assert!(
        complaint.contains("There are: nobody, pager."),
        "{complaint}"
    );
}

#[test]
fn rules_are_listed_and_bad_ones_refused() {
    let receiver = Receiver::start();
    let file = configuration(&format!("[alert.pager]\nwebhook = '{}'\n", receiver.url()));
    let daemon = start(&file);
    let (code, said, _) = alert(&["list", "--http", &daemon.http.to_string()]);
    assert_eq!(code, Some(0));
    assert!(
        said.contains("pager") && said.contains("DELIVERED"),
        "{said}"
    );

    let file =
        configuration("[alert.pager]\nwebhook = 'http://127.0.0.1:1'\nsecret_file = '/nowhere'");
    let mut command = carotid();
    command.args(["serve", "--config", file.path().to_str().unwrap()]);
    let mut program = Program::start(&mut command);
    assert_eq!(program.code(), Some(1));
    let line = program.wait_for_complaint(|line| line.contains("error:"));
    assert!(
        line.contains("[alert.pager] cannot be used: cannot read its secret_file /nowhere"),
        "{line}"
    );
}
