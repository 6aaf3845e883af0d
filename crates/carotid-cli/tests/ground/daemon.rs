//! `carotid serve`, on ports of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use serde_json::{Value, json};

use super::events::Events;
use super::program::{PATIENCE, Program};

/// Short terms, with room for a busy machine between the fixed suspicion after 2.5 intervals and the
/// timeout.
pub(crate) const TERMS: [&str; 6] = [
    "--interval",
    "200ms",
    "--timeout",
    "1s",
    "--suspect-after",
    "2.5",
];

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
        Self::start_with(flags, |_| ())
    }

    /// The same with changes to the command.
    pub(crate) fn start_with(flags: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        Self::listening(["127.0.0.1:0"; 2].map(str::to_owned), flags, change)
    }

    /// Starts another one where this one was.
    pub(crate) fn restart(&self) -> Self {
        self.restart_with(&[])
    }

    /// The same with these flags.
    pub(crate) fn restart_with(&self, flags: &[&str]) -> Self {
        Self::listening(
            [self.rpc, self.http].map(|address| address.to_string()),
            flags,
            |_| (),
        )
    }

    fn listening(
        [rpc, http]: [String; 2],
        flags: &[&str],
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = carotid();
        command
            .args(["serve", "--listen", &rpc, "--http", &http])
            .args(flags);
        change(&mut command);
        let program = Program::start(&mut command);
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
        ping(&mut stream, name);
        stream
    }

    /// Its events from the first on.
    pub(crate) fn events(&self) -> Events {
        Events::subscribe(self.http)
    }
}

/// Beats once on a connection.
pub(crate) fn ping(stream: &mut TcpStream, name: &str) {
    let answer = call(stream, "Heartbeat.Ping", &json!(name));
    assert_eq!(answer["result"], "Pong", "{answer}");
}

/// Says goodbye for a session of a connection.
pub(crate) fn say_goodbye(stream: &mut TcpStream, name: &str) {
    let answer = call(stream, "Heartbeat.Close", &json!({"Name": name}));
    assert_eq!(answer["error"], Value::Null, "{answer}");
}

/// Calls a method as a JSON client would, and returns its whole answer.
pub(crate) fn call(stream: &mut TcpStream, method: &str, argument: &Value) -> Value {
    let request = json!({"method": method, "params": [argument], "id": 0});
    stream.write_all(request.to_string().as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

/// The program under test, with no settings of this machine.
pub(crate) fn carotid() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carotid"));
    let settings =
        std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("CAROTID_"));
    for (key, _) in settings {
        command.env_remove(key);
    }
    // Whoever wants a journal says where; nobody wants that of the one who runs the tests.
    command.env("CAROTID_DATA", "none");
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}
