//! The operations listener, as scripts ask it.

use std::net::SocketAddr;

use serde_json::Value;

use crate::ground::daemon::Daemon;
use crate::ground::sessions::{get, raw, raw_with};

#[test]
fn health_is_plain_and_in_detail_where_asked() {
    let daemon = Daemon::start(&[]);
    for path in ["/livez", "/readyz", "/healthz"] {
        assert_eq!(raw(daemon.http, path), (200, "ok\n".into()), "{path}");
        let (status, text) = raw(daemon.http, &format!("{path}?verbose"));
        assert_eq!(status, 200);
        assert!(text.contains("[+] process: ok"), "{text}");
    }
}

#[test]
fn whoever_means_another_host_is_told_so_and_nothing_else() {
    let daemon = Daemon::start(&["--http-hosts", "status.example.org"]);
    let _session = daemon.ping("payments/7");
    let ask = |host: &str, path: &str| {
        let (head, body) = raw_with(daemon.http, path, &format!("Host: {host}\r\n"));
        let status = head.split(' ').nth(1).unwrap().to_owned();
        (status, body)
    };
    for path in [
        "/",
        "/pulse",
        "/api/v1/sessions",
        "/metrics",
        "/beat/payments/7/left",
        "/nowhere",
    ] {
        let (status, body) = ask("evil.example:7401", path);
        assert_eq!(status, "421", "{path}");
        assert!(
            body.contains("--http-hosts") && !body.contains("payments"),
            "{body}"
        );
    }
    let own = daemon.http.to_string();
    for host in [&own, "localhost:1", "status.example.org"] {
        let (status, body) = ask(host, "/api/v1/sessions");
        assert_eq!(status, "200", "{host}");
        assert!(body.contains("payments/7"), "{body}");
    }
}

#[test]
fn sessions_are_listed_filtered_and_paged() {
    let daemon = Daemon::start(&[]);
    let names = ["payments/1", "payments/2", "solo", "客户端/42"];
    let mut connections = names.map(|name| Some(daemon.ping(name)));
    let mut events = daemon.events();
    names
        .iter()
        .for_each(|name| drop(events.expect("opened", name, None)));
    connections[1] = None;
    events.expect("suspect", "payments/2", Some("closed"));

    let listed = |query: &str| names_of(daemon.http, query);
    assert_eq!(listed("service=payments"), ["payments/1", "payments/2"]);
    assert_eq!(listed("health=suspect"), ["payments/2"]);
    assert_eq!(listed("health=alive,suspect&service=payments").len(), 2);
    assert_eq!(listed("health=dead"), [""; 0]);
    for limit in 1..=4 {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let query = format!("limit={limit}{after}");
            let (_, page) = get(daemon.http, &format!("/api/v1/sessions?{query}"));
            let page_names = page["sessions"].as_array().unwrap();
            assert!(page_names.len() <= limit);
            all.extend(page_names.iter().map(|session| text(&session["name"])));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        all.sort();
        assert_eq!(all, names, "in pages of {limit}");
    }
}

#[test]
fn sessions_are_searched_sorted_and_counted_where_they_are() {
    let daemon = Daemon::start(&[]);
    let names = ["web/3", "Web/1", "api/2", "客户端/42"];
    let mut connections = names.map(|name| Some(daemon.ping(name)));
    let mut events = daemon.events();
    for name in names {
        events.expect("opened", name, None);
    }
    connections[0] = None;
    events.expect("suspect", "web/3", Some("closed"));
    let page = |query: &str| get(daemon.http, &format!("/api/v1/sessions?{query}")).1;
    let listed = |query: &str| {
        let page = page(query);
        let sessions = page["sessions"].as_array().unwrap();
        let names = sessions.iter().map(|session| text(&session["name"]));
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        listed("sort=name"),
        ["Web/1", "api/2", "web/3", "客户端/42"]
    );
    assert_eq!(listed("sort=-name&search=WEB"), ["web/3", "Web/1"]);
    assert_eq!(listed("sort=health")[0], "web/3");
    assert_eq!(listed("sort=since")[..2], ["Web/1", "api/2"]);
    assert_eq!(listed("sort=-since")[0], "web/3");
    let first = page("sort=name&limit=3&count=true");
    assert_eq!(first["total"], 4);
    let next = text(&first["next"]);
    assert_eq!(listed(&format!("sort=name&after={next}")), ["客户端/42"]);
    let unsorted = page("search=web&limit=1&count=true");
    assert_eq!(
        (&unsorted["total"], page("limit=1").get("total")),
        (&2.into(), None)
    );
}

#[test]
fn a_session_shows_all_that_the_contract_names() {
    let daemon = Daemon::start(&["--interval", "2s", "--timeout", "9s"]);
    let connection = daemon.ping("客户端/42");
    for path in [
        "%E5%AE%A2%E6%88%B7%E7%AB%AF%2F42",
        "%E5%AE%A2%E6%88%B7%E7%AB%AF/42",
    ] {
        let (status, session) = get(daemon.http, &format!("/api/v1/sessions/{path}"));
        assert_eq!(status, 200);
        let has = |key: &str, value: Value| assert_eq!(session[key], value, "{key}");
        has("name", "客户端/42".into());
        has("service", "客户端".into());
        has("health", "alive".into());
        has("cause", Value::Null);
        has("epoch", 1.into());
        has("beats", 1.into());
        has("connections", 1.into());
        has("peer", connection.local_addr().unwrap().to_string().into());
        has("interval_ms", 2000.into());
        has("timeout_ms", 9000.into());
        assert!(session["last_beat_ms"].as_u64().unwrap() < 9000);
        assert!(text(&session["since"]).ends_with('Z'));
    }
}

#[test]
fn mistakes_are_answered_in_json() {
    let daemon = Daemon::start(&[]);
    for (path, status, said) in [
        ("/api/v1/sessions/nobody", 404, "nobody"),
        (
            "/api/v1/sessions?health=well",
            400,
            "alive, suspect, dead, left or wedged",
        ),
        ("/api/v1/sessions?limit=0", 400, "from 1 to 1000"),
        ("/api/v1/sessions?limit=many", 400, "limit"),
        ("/api/v1/sessions?after=here", 400, "next"),
        ("/api/v1/sessions?heath=dead", 400, "heath"),
        ("/api/v1/sessions?sort=beats", 400, "name, since or health"),
        ("/api/v1/sessions?sort=name&after=here", 400, "next"),
        ("/api/v1/services?health=well", 400, "pass, warn or fail"),
        ("/api/v1/services?limit=1001", 400, "from 1 to 1000"),
        ("/api/v1/services/nobody", 404, "nobody"),
        ("/api/v1/sessions/%FF", 400, "percent-encoded"),
        ("/api/v1/events?after=-1", 400, "after"),
        ("/nowhere", 404, "/nowhere"),
    ] {
        let (found, body) = get(daemon.http, path);
        assert_eq!(found, status, "{path}");
        assert!(text(&body["error"]).contains(said), "{path} gave {body}");
    }
}

fn names_of(http: SocketAddr, query: &str) -> Vec<String> {
    let (status, body) = get(http, &format!("/api/v1/sessions?{query}"));
    assert_eq!(status, 200, "{body}");
    let sessions = body["sessions"].as_array().unwrap();
    let mut names: Vec<_> = sessions
        .iter()
        .map(|session| text(&session["name"]))
        .collect();
    names.sort();
    names
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
