//! `carotid ping` and its exit codes.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::Output;
use std::thread::JoinHandle;

use carotid::netrpc::{Listener, Router, Server, ServerError};
use tokio_util::sync::CancellationToken;

use crate::ground::daemon::{Daemon, carotid};

fn ping(server: SocketAddr) -> (Option<i32>, String, String) {
    let mut command = carotid();
    command.args(["ping", &server.to_string(), "--timeout", "2s"]);
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_daemon_serves() {
    let daemon = Daemon::start(&[]);
    let (code, said, _) = ping(daemon.rpc);
    assert_eq!(code, Some(0));
    assert!(said.starts_with("serving at "), "{said}");
    daemon.events().expect_no_more(&daemon);
}

#[test]
fn nobody_there_is_2() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (code, _, said) = ping(free);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains(&free.to_string()) && said.contains("running"),
        "{said}"
    );
}

#[test]
fn of_several_the_first_that_serves_answers() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let daemon = Daemon::start(&[]);
    let mut command = carotid();
    let serving = daemon.rpc.to_string();
    command.args(["ping", &free.to_string(), &serving, "unix:/nonexistent"]);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{complaint}");
    assert!(said.starts_with(&format!("serving at {serving}")), "{said}");
    assert!(complaint.contains(&free.to_string()), "{complaint}");
    assert!(!complaint.contains("unix:"), "{complaint}");
}

#[test]
fn somebody_who_does_not_speak_it_is_3() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stranger: JoinHandle<()> = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 mail.example ESMTP\r\n").unwrap();
    });
    let (code, _, said) = ping(address);
    stranger.join().unwrap();
    assert_eq!(code, Some(3), "{said}");
    let daemon = Daemon::start(&[]);
    let (code, _, said) = ping(daemon.http);
    assert_eq!(code, Some(3), "{said}");
}

#[test]
fn a_recipe_that_answers_anything_but_pong_is_4() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (answer, expected) in [("Pong", 0), ("Going down", 4)] {
        let mut router = Router::new();
        let method = move |_name: String| async move { Ok::<_, ServerError>(answer.to_owned()) };
        router.method("Heartbeat.Ping", method).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listener = Listener::try_from(listener).unwrap();
        runtime.spawn(Server::new(router).serve([listener], CancellationToken::new()));
        let (code, _, said) = ping(address);
        assert_eq!(code, Some(expected), "{said}");
    }
}
