//! Wrong usage: what, why, and what to do next, with exit code 1.

use std::io::Write;
use std::process::Command;

use crate::ground::daemon::{Daemon, carotid};
use crate::ground::program::Program;

/// The complaint of a command that was used wrongly.
#[track_caller]
fn complaint(command: &mut Command) -> String {
    let (code, stdout, stderr) = Program::start(command).outcome();
    assert_eq!(code, Some(1), "{stderr}");
    assert_eq!(stdout, "", "nothing but data goes to stdout");
    stderr
}

fn serve(flags: &[&str]) -> Command {
    let mut command = carotid();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"])
        .args(flags);
    command
}

#[test]
fn a_timeout_below_two_intervals_is_refused_with_the_arithmetic() {
    let text = complaint(&mut serve(&["--interval", "10s", "--timeout", "15s"]));
    assert!(
        text.contains("timeout 15s is shorter than two intervals (2 × 10s = 20s)"),
        "{text}"
    );
    assert!(text.contains("--timeout"), "{text}");
}

#[test]
fn every_wrong_value_names_itself() {
    for (flags, said) in [
        (["--interval", "10"], "write 10s"),
        (["--interval", "soon"], "not a duration"),
        (["--interval", "1ms"], "shorter than 10ms"),
        (["--timeout", "2d"], "24 hours"),
        (["--suspect-after", "0.5"], "due only after 1"),
        (["--suspect-after", "1e9"], "at most 1000000"),
        (["--false-suspicions-per-day", "0"], "between 0.1 and 864"),
        (["--mass-silence-share", "15"], "between 0 and 1"),
        (
            ["--mass-silence-releases-per-second", "0"],
            "never be let go",
        ),
        (["--on-disconnect", "alive"], "suspect, dead"),
        (["--max-sessions", "0"], "max_sessions"),
        (["--log", "=,="], "log filter"),
        (["--log", "warning"], "no level"),
        (["--log", ""], "no level"),
        (["--colour", "red"], "--colour"),
    ] {
        let text = complaint(&mut serve(&flags));
        assert!(text.contains(said), "{flags:?} gave {text}");
    }
}

#[test]
fn a_taken_port_says_so_and_what_to_do() {
    let daemon = Daemon::start(&[]);
    let taken = daemon.rpc.to_string();
    let text = complaint(carotid().args(["serve", "--listen", &taken, "--http", "127.0.0.1:0"]));
    assert!(
        text.contains(&format!("cannot listen on {taken}")),
        "{text}"
    );
    assert!(text.contains("--listen"), "{text}");
    let text = complaint(carotid().args(["serve", "--listen", "127.0.0.1:0", "--http", &taken]));
    assert!(text.contains("--http"), "{text}");
}

#[test]
fn addresses_are_hosts_and_ports() {
    let serve = |rpc: &str| {
        let mut command = carotid();
        command.args(["serve", "--listen", rpc, "--http", "127.0.0.1:0"]);
        command
    };
    let named = Program::start(&mut serve("localhost:0"));
    assert!(named.line().starts_with("{\"rpc\":\""));
    for wrong in ["7400", "nowhere.invalid:0", "127.0.0.1:port"] {
        let text = complaint(&mut serve(wrong));
        assert!(
            text.contains(&format!("cannot listen on {wrong}")),
            "{text}"
        );
    }
}

#[test]
fn a_file_is_read_and_its_mistakes_are_located() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"interval = \"1s\"\ntimeout = \"1500ms\"\n")
        .unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let text = complaint(&mut serve(&["--config", &path]));
    assert!(text.contains("timeout 1.5s"), "{text}");
    // A flag is stronger than the file, and so is the environment.
    let daemon = Daemon::start(&["--config", &path, "--timeout", "3s"]);
    daemon.ping("a");
    file.write_all(b"intervall = 3\n").unwrap();
    let text = complaint(&mut serve(&["--config", &path]));
    assert!(
        text.contains("intervall") && text.contains(":3:1:"),
        "{text}"
    );
    let text = complaint(serve(&[]).env("CAROTID_TIMEOUT", "11s"));
    assert!(text.contains("timeout 11s"), "{text}");
    let text = complaint(&mut serve(&["--config", "/nonexistent/carotid.toml"]));
    assert!(text.contains("/nonexistent/carotid.toml"), "{text}");
}

#[test]
fn help_and_completions_go_to_stdout() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["ping", "--help"],
        &["--version"],
        &["completions", "bash"],
        &["completions", "zsh"],
        &["completions", "fish"],
    ] {
        let output = carotid().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        assert!(
            String::from_utf8(output.stdout)
                .unwrap()
                .contains("carotid"),
            "{arguments:?}"
        );
        assert_eq!(output.stderr, b"", "{arguments:?}");
    }
}
