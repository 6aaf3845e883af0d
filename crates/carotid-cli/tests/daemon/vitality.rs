//! A daemon that should be restarted says so; a daemon that was only stopped does not.

use std::io::Write;
use std::net::TcpStream;

use crate::ground::daemon::Daemon;
use crate::ground::sessions::raw;

#[cfg(debug_assertions)]
#[test]
fn a_daemon_with_a_stuck_shard_is_not_live_until_it_goes_on() {
    let daemon = Daemon::start_with(&[], |command| {
        command.env("CAROTID_FAULTS", "1");
    });
    let mut stream = TcpStream::connect(daemon.http).unwrap();
    let request = "POST /debug/faults/hold-shard/1/6000 HTTP/1.0\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    while raw(daemon.http, "/livez").0 == 200 {}
    let complaint = daemon
        .program
        .wait_for_complaint(|line| line.contains("should be restarted"));
    assert!(complaint.contains("shard 1 is stuck"), "{complaint}");
    let (_, said) = raw(daemon.http, "/livez?verbose");
    assert!(said.starts_with("shard 1: stuck"), "{said}");
    while raw(daemon.http, "/livez").0 == 503 {}
    assert_eq!(raw(daemon.http, "/readyz").1, "ok\n");
}

#[test]
fn there_is_no_fault_for_those_who_did_not_ask_for_it() {
    let daemon = Daemon::start(&[]);
    assert_eq!(raw(daemon.http, "/debug/faults/hold-shard/0/1").0, 404);
}
