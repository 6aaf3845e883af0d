//! `carotid config`, and variables that say nothing.

use std::process::Command;

use serde_json::Value;

use crate::ground::daemon::carotid;

/// Exit code, standard output and standard error.
fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn config(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = carotid();
    command.arg("config").args(arguments);
    command.envs(variables.iter().copied());
    run(&mut command)
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn check_tells_everything_that_is_wrong_with_its_place() {
    let wrong = file("intervall = '1s'\ntimeout = '15s'\n[fleet]\nbeats_per_second = 0\n");
    let path = wrong.path().to_str().unwrap();
    let (code, said, _) = config(&["check", path], &[]);
    assert_eq!(code, Some(1), "{said}");
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    for (line, problem) in lines.iter().zip([
        ":1:1: unknown key \"intervall\": did you mean \"interval\"?",
        ":2:1: timeout 15s is shorter than two intervals (2 × 10s = 20s)",
        ":4:1: beats_per_second is 0",
    ]) {
        assert!(line.starts_with(&format!("{path}{problem}")), "{line}");
    }
    let right = file("interval = '1s'\n");
    let (code, said, _) = config(&["check", right.path().to_str().unwrap()], &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("nothing is wrong\n"), "{said}");
}

#[test]
fn show_tells_where_each_setting_comes_from() {
    let said = file("interval = \"5s\"\n\n[mass_silence]\nshare = 0.2\n");
    let path = said.path().to_str().unwrap();
    let show = ["show", "--config", path, "--max-sessions", "7"];
    let variables = [("CAROTID_TIMEOUT", "50s"), ("CAROTID_LOG", "")];
    let (code, table, _) = config(&[&show[..], &["--origin"]].concat(), &variables);
    assert_eq!(code, Some(0), "{table}");
    let row = |key: &str| {
        let row = table
            .lines()
            .find(|line| line.starts_with(&format!("{key} ")))
            .unwrap();
        row.split_whitespace()
            .skip(1)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(row("interval"), ["\"5s\"", &format!("{path}:1")]);
    assert_eq!(row("mass_silence.share"), ["0.2", &format!("{path}:4")]);
    assert_eq!(row("timeout"), ["\"50s\"", "$CAROTID_TIMEOUT"]);
    assert_eq!(row("max_sessions"), ["7", "--max-sessions"]);
    // An empty variable is none.
    assert_eq!(row("log"), ["\"info\"", "default"]);

    let (_, json, _) = config(&[&show[..], &["-o", "json"]].concat(), &variables);
    let json: Value = serde_json::from_str(&json).unwrap();
    let rows = json["settings"].as_array().unwrap();
    let row = |key: &str| rows.iter().find(|row| row["key"] == key).unwrap();
    assert_eq!(row("interval")["line"], 1);
    assert_eq!(row("timeout")["variable"], "CAROTID_TIMEOUT");
    assert_eq!(row("max_sessions")["value"], 7);
}

#[test]
fn what_show_prints_as_a_file_means_the_same() {
    for text in [
        "",
        "[detection]\nsuspect-after = 3.5\n",
        "interval = '1s'\nlog = 'debug'\n",
    ] {
        let first = file(text);
        let show = |path: &str| {
            let (code, said, complaint) = config(&["show", "-o", "toml", "--config", path], &[]);
            assert_eq!(code, Some(0), "{complaint}");
            said
        };
        let printed = show(first.path().to_str().unwrap());
        let again = file(&printed);
        assert_eq!(show(again.path().to_str().unwrap()), printed);
    }
}

#[test]
fn settings_that_cannot_be_used_are_shown_and_refused() {
    let (code, table, complaint) = config(&["show", "--timeout", "15s"], &[]);
    assert_eq!(code, Some(1));
    assert!(table.contains("\"15s\""), "{table}");
    assert!(complaint.contains("(2 × 10s = 20s)"), "{complaint}");
}

#[test]
fn a_variable_that_is_wrong_is_named() {
    for (command, variable) in [("serve", "CAROTID_TIMEOUT"), ("ping", "CAROTID_ADDR")] {
        let mut carotid = carotid();
        carotid.arg(command).env(variable, "nonsense");
        let (code, _, complaint) = run(&mut carotid);
        assert_eq!(code, Some(1));
        assert!(complaint.contains(&format!("${variable}")), "{complaint}");
    }
    let mut carotid = carotid();
    carotid
        .args(["serve", "--timeout", "x"])
        .env("CAROTID_TIMEOUT", "x");
    let (_, _, complaint) = run(&mut carotid);
    assert!(!complaint.contains("CAROTID_TIMEOUT"), "{complaint}");
}
