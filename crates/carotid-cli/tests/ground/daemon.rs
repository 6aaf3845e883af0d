//! `carotid serve`, on ports of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use serde_json::{Value, json};

use super::events::Events;
use super::program::{PATIENCE, Program};

/// A running daemon; killed when dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    /// Where peers call.
    pub(crate) rpc: SocketAddr,
    /// Where operators look.
    pub(crate) http: SocketAddr,
    pub(crate) program: Program,
}

impl Daemon {
    /// Starts it and returns once both listeners are bound.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::listening(["127.0.0.1:0"; 2].map(str::to_owned), flags)
    }

    /// Starts another one where this one was.
    pub(crate) fn restart(&self) -> Self {
        Self::listening(
            [self.rpc, self.http].map(|address| address.to_string()),
            &[],
        )
    }

    fn listening([rpc, http]: [String; 2], flags: &[&str]) -> Self {
        let program = Program::start(
            carotid()
                .args(["serve", "--listen", &rpc, "--http", &http])
                .args(flags),
        );
        let line = program.line();
        let bound: Value = serde_json::from_str(&line).unwrap();
        let address = |key: &str| bound[key].as_str().unwrap().parse().unwrap();
        Self {
            rpc: address("rpc"),
            http: address("http"),
            program,
        }
    }

    /// Beats once under this name, as a JSON client would, and keeps the connection.
    pub(crate) fn ping(&self, name: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.rpc).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = json!({"method": "Heartbeat.Ping", "params": [name], "id": 0});
        stream.write_all(request.to_string().as_bytes()).unwrap();
        let mut pong = String::new();
        BufReader::new(&stream).read_line(&mut pong).unwrap();
        assert!(pong.contains("Pong"), "{pong}");
        stream
    }

    /// Its events from the first on.
    pub(crate) fn events(&self) -> Events {
        Events::subscribe(self.http)
    }
}

/// The program under test, with no settings of this machine.
pub(crate) fn carotid() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carotid"));
    let settings =
        std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("CAROTID_"));
    for (key, _) in settings {
        command.env_remove(key);
    }
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}
