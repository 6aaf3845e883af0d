//! The Rust client against a Go server that runs the recipe.

use std::net::SocketAddr;

use super::go;
use crate::ground::daemon::carotid;
use crate::ground::program::Program;

fn recipe(listen: &str) -> (Program, SocketAddr) {
    let server = go::start("recipe", &["-trace", "-listen", listen]);
    let address = go::announced(&server.line());
    (server, address)
}

fn client(server: SocketAddr) -> Program {
    let address = server.to_string();
    let terms = ["--interval", "100ms", "--call-timeout", "500ms"];
    Program::start(
        carotid()
            .args(["beat", "rust/1", "--addr", &address])
            .args(terms),
    )
}

#[track_caller]
fn assert_pings(server: &Program) {
    for _ in 0..3 {
        assert_eq!(server.line(), "ping rust/1");
    }
}

#[test]
fn pings_go_on_after_the_server_was_frozen() {
    let (server, address) = recipe("127.0.0.1:0");
    let client = client(address);
    assert_pings(&server);

    server.freeze();
    client.wait_for_complaint(|line| line.contains("no answer") || line.contains("timed out"));
    server.thaw();
    assert_pings(&server);
}

#[test]
fn pings_go_on_after_the_server_was_killed_and_restarted() {
    let (mut server, address) = recipe("127.0.0.1:0");
    let mut client = client(address);
    assert_pings(&server);

    server.kill();
    let (server, _) = recipe(&address.to_string());
    assert_pings(&server);
    assert!(client.is_running());
}
