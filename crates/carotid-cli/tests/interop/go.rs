//! The Go programs of `interop/go`, built once per test run.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::ground::program::Program;

/// Starts one of the programs.
pub(crate) fn start(program: &str, flags: &[&str]) -> Program {
    Program::start(Command::new(built().join(program)).args(flags))
}

/// A stock client that has had its first ping answered.
pub(crate) fn peer(server: SocketAddr, flags: &[&str]) -> Program {
    let peer = unanswered_peer(server, flags);
    assert_eq!(peer.line(), "Pong");
    peer
}

/// A stock client whose output nobody has read yet.
pub(crate) fn unanswered_peer(server: SocketAddr, flags: &[&str]) -> Program {
    start("peer", &[&["-addr", &server.to_string()], flags].concat())
}

/// The first address on a line that announces where a server listens.
pub(crate) fn announced(line: &str) -> SocketAddr {
    let start = line
        .find("127.0.0.1:")
        .unwrap_or_else(|| panic!("no address in {line:?}"));
    let address = &line[start..];
    let end = address
        .find(|c: char| !matches!(c, '0'..='9' | '.' | ':'))
        .unwrap_or(address.len());
    address[..end].parse().unwrap()
}

fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop-go");
        std::fs::create_dir_all(&folder).unwrap();
        let go = std::env::var_os("GO").unwrap_or_else(|| "go".into());
        // A trailing slash makes `-o` name a folder.
        let into = format!("{}/", folder.display());
        let status = Command::new(&go)
            .args(["build", "-buildvcs=false", "-o", &into, "./..."])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../interop/go"))
            .env("CGO_ENABLED", "0")
            .env("GOTOOLCHAIN", "local")
            .env("GOPROXY", "off")
            .status()
            .unwrap_or_else(|error| {
                panic!("no Go ({error}); `cargo xtask test` installs it, or name it in $GO")
            });
        assert!(status.success(), "the Go programs do not build");
        folder
    })
}
