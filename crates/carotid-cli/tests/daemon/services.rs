//! Services: what their sessions make of them.

use std::net::TcpStream;

use serde_json::{Value, json};

use crate::ground::daemon::{Daemon, TERMS, call, carotid, say_goodbye};
use crate::ground::sessions::{get, raw};

/// A daemon with this in its configuration file.
fn configured(file: &str) -> (Daemon, tempfile::NamedTempFile) {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), file).unwrap();
    let path = config.path().to_str().unwrap();
    (
        Daemon::start(&[&TERMS[..], &["--config", path]].concat()),
        config,
    )
}

fn list(daemon: &Daemon, query: &str) -> Vec<Value> {
    let (status, body) = get(daemon.http, &format!("/api/v1/services?{query}"));
    assert_eq!(status, 200, "{body}");
    body["services"].as_array().unwrap().clone()
}

fn names(services: &[Value]) -> Vec<&str> {
    let names = services.iter().map(|service| &service["service"]);
    names.map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn services_are_listed_in_order_filtered_and_paged() {
    let (daemon, _config) = configured("[service.payments]\nmin_alive = 2\n[service.mail]\n");
    let sessions = ["web/1", "web/2", "payments/7", "solo", "客户端/42"];
    let mut connections = sessions.map(|name| Some(daemon.ping(name)));
    let mut events = daemon.events();
    sessions
        .iter()
        .for_each(|name| drop(events.expect("opened", name, None)));
    let all = ["mail", "payments", "solo", "web", "客户端"];
    assert_eq!(names(&list(&daemon, "")), all);
    for limit in 1..=5 {
        let mut listed = Vec::new();
        let mut after = String::new();
        loop {
            let path = format!("/api/v1/services?limit={limit}{after}");
            let (_, page) = get(daemon.http, &path);
            let services = page["services"].as_array().unwrap();
            assert!(services.len() <= limit);
            listed.extend(names(services).into_iter().map(str::to_owned));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(listed, all, "in pages of {limit}");
    }
    assert_eq!(names(&list(&daemon, "search=EB")), ["web"]);
    assert_eq!(names(&list(&daemon, "health=fail")), ["mail", "payments"]);
    connections[1] = None;
    events.expect("suspect", "web/2", Some("closed"));
    let web = &list(&daemon, "health=warn")[0];
    assert_eq!(
        (
            &web["health"],
            &web["sessions"],
            &web["alive"],
            &web["suspect"]
        ),
        (&json!("warn"), &json!(2), &json!(1), &json!(1))
    );
    assert_eq!(web["reason"], "1 of 2 alive; 1 suspect");
}

#[test]
fn a_service_is_counted_once_whatever_its_sessions_are_called() {
    let (daemon, _config) = configured("[service.mail]\n");
    let sessions = ["web", "web/1", "mail", "solo"];
    let _connections = sessions.map(|name| daemon.ping(name));
    let mut events = daemon.events();
    sessions
        .iter()
        .for_each(|name| drop(events.expect("opened", name, None)));
    assert_eq!(names(&list(&daemon, "")), ["mail", "solo", "web"]);
    assert_eq!(list(&daemon, "search=web")[0]["alive"], 2);
    let (_, page) = raw(daemon.http, "/");
    assert!(page.contains(">All 3 services pass</h1>"), "{page}");
    assert!(page.contains(">alive</a></dt><dd>4</dd>"), "{page}");
}

#[test]
fn a_service_fails_with_fewer_alive_than_it_needs_and_says_who_died() {
    let (daemon, _config) = configured("[service.payments]\nmin_alive = 2\n");
    let payments = || list(&daemon, "search=payments").remove(0);
    let none = payments();
    assert_eq!(
        (&none["health"], &none["min_alive"]),
        (&json!("fail"), &json!(2))
    );
    assert_eq!(none["reason"], "0 of the 2 needed alive");

    let mut events = daemon.events();
    let mut patient = TcpStream::connect(daemon.rpc).unwrap();
    let terms = json!({"Name": "payments/1", "IntervalMs": 10_000, "TimeoutMs": 60_000});
    call(&mut patient, "Heartbeat.Open", &terms);
    events.expect("opened", "payments/1", None);
    let doomed = daemon.ping("payments/7");
    events.expect("opened", "payments/7", None);
    assert_eq!(payments()["health"], "pass");
    drop(doomed);
    events.expect("suspect", "payments/7", Some("closed"));
    events.expect("dead", "payments/7", Some("closed"));
    let failed = payments();
    assert_eq!(failed["health"], "fail");
    let reason = failed["reason"].as_str().unwrap();
    let said = "1 of the 2 needed alive; payments/7 dead since ";
    assert!(
        reason.starts_with(said) && reason.ends_with(" UTC, closed"),
        "{reason}"
    );
}

#[test]
fn a_service_is_remembered_while_its_dead_are_and_unknown_when_all_have_left() {
    let daemon = Daemon::start(&TERMS);
    let mut events = daemon.events();
    for name in ["gone/1", "gone"] {
        drop(daemon.ping(name));
        events.expect("opened", name, None);
        events.expect("suspect", name, Some("closed"));
        events.expect("dead", name, Some("closed"));
    }
    let mut polite = daemon.ping("polite/1");
    events.expect("opened", "polite/1", None);
    say_goodbye(&mut polite, "polite/1");
    events.expect("left", "polite/1", Some("goodbye"));
    let known = list(&daemon, "");
    assert_eq!(names(&known), ["gone"]);
    assert_eq!(
        (&known[0]["health"], &known[0]["sessions"]),
        (&json!("fail"), &json!(0))
    );
    assert_eq!(get(daemon.http, "/api/v1/services/gone").0, 200);
    assert_eq!(get(daemon.http, "/api/v1/services/polite").0, 404);
}

#[test]
fn ps_prints_services() {
    let daemon = Daemon::start(&[]);
    let _connections = ["web/1", "客户端/42"].map(|name| daemon.ping(name));
    let ps = |more: &[&str]| {
        let mut command = carotid();
        command.args(["ps", "--services", "--http", &daemon.http.to_string()]);
        let output = command.args(more).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let table = ps(&[]);
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("SERVICE"), "{table}");
    assert!(lines[1].starts_with("web      pass    1"), "{table}");
    assert!(lines[2].ends_with("1 alive"), "{table}");
    assert_eq!(ps(&["-o", "ndjson"]).lines().count(), 2);
    assert_eq!(ps(&["-o", "ndjson", "--health", "fail"]), "");
}
