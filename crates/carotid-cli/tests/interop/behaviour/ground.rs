//! Two servers with the same methods, Go's and ours, and the Go program that plays scenarios.

use std::net::SocketAddr;

use carotid::netrpc::{ListenAddr, Listener, Router, Server};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::service;
use crate::ground::program::Program;
use crate::interop::go;

/// Go's server, in each of the ways in which Go serves.
#[derive(Debug)]
pub(super) struct Theirs {
    pub(super) tcp: SocketAddr,
    pub(super) http: SocketAddr,
    pub(super) json: SocketAddr,
    /// Killing it is how it ends.
    pub(super) program: Program,
}

impl Theirs {
    pub(super) fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(flags: &[&str]) -> Self {
        let program = go::start("behaviour", &[&["-serve"], flags].concat());
        let [tcp, http, json] = [(); 3].map(|()| go::announced(&program.line()));
        Self {
            tcp,
            http,
            json,
            program,
        }
    }

    /// With a Unix socket as well.
    pub(super) fn start_at(path: &str) -> Self {
        let server = Self::start_with(&["-unix", path]);
        assert_eq!(server.program.line(), format!("unix {path}"));
        server
    }

    pub(super) fn address(&self, dial: &str) -> SocketAddr {
        match dial {
            "tcp" => self.tcp,
            "http" => self.http,
            "json" => self.json,
            _ => panic!("there is no server for {dial}"),
        }
    }
}

/// Our server, which tells by itself how it is spoken to. It ends with its runtime.
#[derive(Debug)]
pub(super) struct Ours {
    pub(super) address: SocketAddr,
    runtime: Runtime,
}

impl Ours {
    pub(super) fn start() -> Self {
        Self::serving(service::router(), None)
    }

    /// With a Unix socket as well.
    pub(super) fn start_at(path: &str) -> Self {
        Self::serving(service::router(), Some(path))
    }

    pub(super) fn serving(router: Router, unix: Option<&str>) -> Self {
        let tcp = Listener::bind("127.0.0.1:0").unwrap();
        let ListenAddr::Tcp(address) = tcp.local_addr().unwrap() else {
            panic!("no path was asked for");
        };
        let unix = unix.map(|path| Listener::bind_unix(path).unwrap());
        let listeners: Vec<Listener> = [tcp].into_iter().chain(unix).collect();
        let runtime = Runtime::new().unwrap();
        runtime.spawn(Server::new(router).serve(listeners, CancellationToken::new()));
        Self { address, runtime }
    }

    /// Ends it in the middle of whatever it does.
    pub(super) fn end(self) {
        self.runtime.shutdown_background();
    }
}

/// Starts the Go program with a scenario.
pub(super) fn play(address: &str, dial: &str, scenario: &str) -> Program {
    go::start(
        "behaviour",
        &["-addr", address, "-dial", dial, "-play", scenario],
    )
}

/// Asserts what a scenario sees of Go's server.
#[track_caller]
pub(super) fn assert_theirs(dial: &str, scenario: &str, expected: &[&str]) {
    let theirs = Theirs::start();
    let seen = play(&theirs.address(dial).to_string(), dial, scenario).rest();
    assert_eq!(seen, expected, "{scenario} over {dial} against Go");
}

/// Asserts what a scenario sees of our server.
#[track_caller]
pub(super) fn assert_ours(dial: &str, scenario: &str, expected: &[&str]) {
    let ours = Ours::start();
    let seen = play(&ours.address.to_string(), dial, scenario).rest();
    assert_eq!(seen, expected, "{scenario} over {dial} against carotid");
}

/// Asserts that a scenario sees the same of Go's server and of ours, however it dials.
#[track_caller]
pub(super) fn assert_alike(dials: &[&str], scenario: &str, expected: &[&str]) {
    for dial in dials {
        assert_theirs(dial, scenario, expected);
        assert_ours(dial, scenario, expected);
    }
}
