//! Where a server is found: HTTP paths, Unix sockets, and what strangers are told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::ground::{Ours, Theirs, assert_alike, play};
use crate::ground::program::{PATIENCE, Program};
use crate::interop::go;

#[test]
fn a_path_without_rpc_is_refused_in_gos_words() {
    assert_alike(
        &["http"],
        "elsewhere",
        &["true", "dial-http unexpected HTTP response: 404 Not Found"],
    );
}

/// The whole answer to a request by hand.
fn asked(server: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn http_that_is_not_connect_is_refused_in_gos_words() {
    let (theirs, ours) = (Theirs::start(), Ours::start());
    for method in ["GET", "POST", "HEAD"] {
        let request = format!("{method} /_goRPC_ HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
        for server in [theirs.http, ours.address] {
            let answer = asked(server, &request);
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let (status, fields) = head.split_once("\r\n").unwrap();
            assert_eq!(status, "HTTP/1.0 405 Method Not Allowed");
            assert!(fields.contains("Content-Type: text/plain; charset=utf-8"));
            if method != "HEAD" {
                assert_eq!(body.lines().next(), Some("405 must CONNECT"));
            }
        }
    }
}

#[test]
fn connect_is_answered_with_gos_line_before_anything_is_called() {
    let (theirs, ours) = (Theirs::start(), Ours::start());
    for server in [theirs.http, ours.address] {
        let mut stream = TcpStream::connect(server).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"CONNECT /_goRPC_ HTTP/1.0\n\n").unwrap();
        let mut line = [0; 34];
        stream.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"HTTP/1.0 200 Connected to Go RPC\n\n");
    }
}

#[test]
fn accepting_goes_on_after_the_file_table_was_full() {
    // The daemon itself needs some thirty of them.
    let script = "ulimit -n 64; exec \"$0\" serve --listen 127.0.0.1:0 --http 127.0.0.1:0";
    let daemon = Program::start(std::process::Command::new("sh").args([
        "-c",
        script,
        env!("CARGO_BIN_EXE_carotid"),
    ]));
    let bound: serde_json::Value = serde_json::from_str(&daemon.line()).unwrap();
    let address: SocketAddr = bound["rpc"].as_str().unwrap().parse().unwrap();
    let crowd: Vec<TcpStream> = (0..80)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    daemon.wait_for_complaint(|line| line.contains("cannot accept"));
    drop(crowd);
    let _peer = go::peer(address, &["-name", "late"]);
}

#[test]
fn a_go_client_calls_over_http_on_the_port_that_also_takes_gob_and_json() {
    let ours = Ours::start();
    let address = ours.address.to_string();
    for dial in ["http", "tcp", "json"] {
        assert_eq!(
            play(&address, dial, "done").rest(),
            ["true Arith.Multiply {6 7} 42 <nil>"]
        );
    }
}

#[test]
fn a_go_client_calls_on_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let [theirs, ours] =
        ["theirs", "ours"].map(|name| folder.path().join(name).display().to_string());
    let _theirs = Theirs::start_at(&theirs);
    let _ours = Ours::start_at(&ours);
    for path in [theirs, ours] {
        assert_eq!(
            play(&path, "unix", "done").rest(),
            ["true Arith.Multiply {6 7} 42 <nil>"]
        );
    }
}
