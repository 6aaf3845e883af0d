//! `carotid explain`: computed, and done for real.

use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::{Value, json};

use crate::ground::daemon::carotid;
use crate::ground::program::Program;

/// What it explains, and its exit code.
fn explain(flags: &[&str]) -> (Option<i32>, String, String) {
    Program::start(carotid().arg("explain").args(flags)).outcome()
}

/// The same as one JSON document.
fn explained(flags: &[&str]) -> Value {
    let (code, output, errors) = explain(&[flags, &["-o", "json"]].concat());
    assert_eq!(code, Some(0), "{errors}");
    serde_json::from_str(&output).unwrap()
}

#[track_caller]
fn way<'a>(report: &'a Value, name: &str) -> &'a Value {
    let ways = report["ways"].as_array().unwrap();
    ways.iter().find(|way| way["way"] == name).unwrap()
}

/// Its events as (event, cause, best, worst).
fn events(way: &Value) -> Value {
    let events = way["events"].as_array().unwrap().iter();
    events
        .map(|event| {
            json!([
                event["event"],
                event["cause"],
                event["best_ms"],
                event["worst_ms"]
            ])
        })
        .collect()
}

#[test]
fn the_defaults_are_explained_with_their_figures() {
    let report = explained(&[]);
    let closed = json!([
        ["suspect", "closed", 0, 10],
        ["dead", "closed", 50_000, 60_000]
    ]);
    let silence = json!([
        ["suspect", "silence", 2000, 50_000],
        ["dead", "silence", 50_000, 60_000]
    ]);
    assert_eq!(
        events(way(&report, "goodbye")),
        json!([["left", "goodbye", 0, 10]])
    );
    for name in ["exit", "kill"] {
        assert_eq!(events(way(&report, name)), closed, "{name}");
    }
    for name in ["frozen", "host_gone", "network_cut"] {
        assert_eq!(events(way(&report, name)), silence, "{name}");
        assert_eq!(way(&report, name)["events"][0]["steady_ms"], 18_000);
    }
    assert_eq!(
        events(way(&report, "wedged")),
        json!([["wedged", null, 20_000, 31_000]])
    );
    assert_eq!(
        report["settings"],
        json!({
            "interval_ms": 10_000, "timeout_ms": 60_000, "detector": "adaptive",
            "false_suspicions_per_day": 5.0, "suspect_after_intervals": null,
            "suspect_silence_best_ms": 12_000, "suspect_silence_steady_ms": 18_000,
            "suspect_silence_worst_ms": 50_000, "on_disconnect": "suspect",
        })
    );
    assert_eq!(
        report["mass_silence"],
        json!({
            "share": 0.15, "least_sessions": 10, "hold_ms": 10_000, "max_hold_ms": 10_000,
            "releases_per_second": 10_000, "dead_worst_ms": 70_000,
        })
    );
}

#[test]
fn the_settings_in_force_are_those_of_serve() {
    let flags = ["--interval", "1s", "--timeout", "10s", "--detector=fixed"];
    let report = explained(&[&flags[..], &["--on-disconnect=dead"]].concat());
    assert_eq!(
        events(way(&report, "exit")),
        json!([["dead", "closed", 0, 10]])
    );
    assert_eq!(
        events(way(&report, "frozen")),
        json!([
            ["suspect", "silence", 1500, 2500],
            ["dead", "silence", 9000, 10_000]
        ])
    );
    let report = explained(&["--mass-silence-share=1", "--timeout=30s"]);
    assert_eq!(report["mass_silence"], Value::Null);
    assert_eq!(way(&report, "kill")["events"][1]["best_ms"], json!(20_000));
}

#[test]
fn people_read_a_table_and_scripts_a_line_for_each_way() {
    let (code, table, errors) = explain(&[]);
    assert_eq!((code, &*errors), (Some(0), ""));
    assert!(table.starts_with("interval 10s, timeout 60s"), "{table}");
    for part in [
        "WAY  ",
        "frozen (SIGSTOP)",
        "60s − 10s = 50s",
        "60s + 10s = 70s",
    ] {
        assert!(table.contains(part), "{part} is not in {table}");
    }
    let (_, lines, _) = explain(&["-o", "ndjson"]);
    let ways = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["way"].clone());
    assert_eq!(ways.count(), 7);
}

#[test]
fn what_serve_refuses_is_refused_with_the_same_words() {
    for flags in [
        &["--interval", "10s", "--timeout", "15s"][..],
        &["--suspect-after", "0.5"],
        &["--mass-silence-share", "3"],
        &["--max-sessions", "0"],
        &["--suspect-after", "3", "--detector", "adaptive"],
        &["--config", "/nonexistent/carotid.toml"],
        &["--log", "warning"],
    ] {
        let (code, output, explained) = explain(flags);
        assert_eq!((code, &*output), (Some(1), ""), "{flags:?}");
        let mut serve = carotid();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        let (_, _, served) = Program::start(serve.args(flags)).outcome();
        assert_eq!(explained, served, "{flags:?}");
    }
    let (_, _, text) = explain(&["--interval", "10s", "--timeout", "15s"]);
    assert!(text.contains("2 × 10s = 20s"), "{text}");
}

/// Whether this machine lets us make networks.
fn can_make_networks() -> bool {
    let name = format!("carotid-test-{}", std::process::id());
    let ip = |verb: &str| {
        let mut ip = Command::new("ip");
        let output = ip.args(["netns", verb, &name]).output();
        output.is_ok_and(|output| output.status.success())
    };
    geteuid().is_root() && ip("add") && ip("del")
}

#[test]
fn every_way_to_die_is_measured_and_none_is_noticed_too_soon() {
    let flags = ["--interval", "200ms", "--timeout", "1s", "--measure"];
    let (code, output, errors) = explain(&[&flags[..], &["-o", "json"]].concat());
    // On a busy machine some may be late; that is what the code 3 is for.
    assert!(matches!(code, Some(0 | 3)), "{errors}");
    let report: Value = serde_json::from_str(&output).unwrap();
    let tolerance = report["tolerance_ms"].as_u64().unwrap();
    let networks = can_make_networks();
    for way in report["ways"].as_array().unwrap() {
        let is_remote = way["way"] == "host_gone" || way["way"] == "network_cut";
        if is_remote && !networks {
            assert!(way["not_measured"].is_string(), "{way}");
            continue;
        }
        assert_eq!(way.get("not_measured"), None, "{way}");
        for event in way["events"].as_array().unwrap() {
            let measured = &event["measured"];
            // A kernel resets what is closed while an answer in it is unread.
            if measured["cause"] != "reset" || event["cause"] != "closed" {
                assert_eq!(measured["cause"], event["cause"], "{way}");
            }
            let after = measured["after_ms"].as_u64().unwrap();
            assert!(
                event["best_ms"].as_u64().unwrap() <= after + tolerance,
                "{way}"
            );
        }
    }
}

/// How many processes carry this in their environment.
#[cfg(target_os = "linux")]
fn processes_with(mark: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap();
    let environments = processes.filter_map(|process| {
        let path = process.ok()?.path().join("environ");
        std::fs::read(path).ok()
    });
    let is_marked = |environment: &Vec<u8>| {
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|variable| variable == mark.as_bytes())
    };
    environments.filter(is_marked).count()
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_measurement_leaves_nothing_behind() {
    let value = format!("{}", std::process::id());
    let mark = format!("EXPLAIN_MARK={value}");
    let mut measuring = carotid()
        .args(["explain", "--measure"])
        .env("EXPLAIN_MARK", &value)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Itself, a daemon, a watch and some of the peers.
    while processes_with(&mark) < 6 {
        assert_eq!(measuring.try_wait().unwrap(), None);
    }
    kill_process(Pid::from_child(&measuring), Signal::INT).unwrap();
    assert_eq!(measuring.wait().unwrap().code(), Some(130));
    // What a peer ran ends when it hears that its standard input has.
    while processes_with(&mark) > 0 {}
    if let Ok(namespaces) = Command::new("ip").args(["netns", "list"]).output() {
        let namespaces = String::from_utf8(namespaces.stdout).unwrap();
        let own = format!("carotid-{}-", measuring.id());
        assert!(!namespaces.contains(&own), "{namespaces}");
    }
}
