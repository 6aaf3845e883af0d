//! A Chromium of our own, without a window, a profile or a past.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::protocol::Protocol;
use super::tab::Tab;
use crate::ground::program::{PATIENCE, Program};

/// A running browser; killed when dropped.
pub(super) struct Browser {
    /// Where it takes calls.
    address: String,
    _program: Program,
    _profile: TempDir,
}

impl Browser {
    /// Starts it and returns once it can be driven.
    pub(super) fn start() -> Self {
        let profile = TempDir::new().unwrap();
        let program = std::env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into());
        let mut command = Command::new(program);
        command
            .args([
                "--headless=new",
                "--remote-debugging-port=0",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--hide-scrollbars",
                "--lang=en-GB",
                "--force-color-profile=srgb",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .env("TZ", "UTC");
        if rustix::process::geteuid().is_root() {
            // Its sandbox is not for root; all that it sees here is our own.
            command.arg("--no-sandbox");
        }
        let program = Program::start(command.arg("about:blank"));
        let line = program.wait_for_complaint(|line| line.contains("listening on ws://"));
        let address = line.split("ws://").nth(1).unwrap();
        Self {
            address: address.split('/').next().unwrap().to_owned(),
            _program: program,
            _profile: profile,
        }
    }

    /// A new tab, with nothing in it.
    pub(super) fn tab(&self) -> Tab {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let host = &self.address;
        let head = format!("PUT /json/new?about:blank HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // It keeps the connection, so the length is what tells the end.
        let mut answer = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = told.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body).unwrap();
        let target: Value = serde_json::from_slice(&body).unwrap();
        Tab::new(Protocol::connect(
            target["webSocketDebuggerUrl"].as_str().unwrap(),
        ))
    }
}
