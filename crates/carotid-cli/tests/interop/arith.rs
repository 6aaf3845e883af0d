//! A service of one's own: the Arith of Go's documentation, served by Rust,
//! called by Go.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::go;
use crate::ground::program::Program;

/// Builds the example with the cargo that runs this test and asks it where the
/// program lies.
fn example() -> &'static PathBuf {
    static EXAMPLE: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLE.get_or_init(|| {
        let build = Command::new(env!("CARGO"))
            .args([
                "build",
                "--workspace",
                "--example",
                "arith",
                "--message-format",
                "json",
            ])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
            .output()
            .unwrap();
        assert!(
            build.status.success(),
            "{}",
            String::from_utf8_lossy(&build.stderr)
        );
        String::from_utf8(build.stdout)
            .unwrap()
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|message| message["target"]["name"] == "arith")
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .expect("cargo names the example it built")
    })
}

#[track_caller]
fn is_right(dial: &str) {
    let server = Program::start(Command::new(example()).arg("127.0.0.1:0"));
    let address = go::announced(&server.line()).to_string();
    let client = go::start(
        "arith",
        &["-addr", &address, "-dial", dial, "-flight", "200"],
    );
    assert_eq!(
        client.rest(),
        [
            "Multiply(7, 8) = 56",
            "Divide(17, 5) = 3 remainder 2",
            "Divide(17, 0) error: divide by zero",
            "Multiply(-3, 1000000007) = -3000000021",
            "200 in flight: 200 right",
        ]
    );
}

#[test]
fn arith_is_right_over_gob() {
    is_right("tcp");
}

#[test]
fn arith_is_right_over_http() {
    is_right("http");
}

#[test]
fn arith_is_right_over_json() {
    is_right("json");
}
