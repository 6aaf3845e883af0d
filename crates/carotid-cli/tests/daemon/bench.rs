//! `carotid bench`: what it counts is what the server has seen, and how it ends.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use carotid::netrpc::{Listener, Router, Server, ServerError};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::ground::daemon::{Daemon, carotid};
use crate::ground::program::Program;
use crate::ground::sessions;

/// A short load; JSON is its report.
fn bench(server: &str, flags: &[&str]) -> Command {
    let mut command = carotid();
    command.args(["bench", "--addr", server, "--warm-up", "100ms"]);
    for (flag, value) in [("-o", "json"), ("--duration", "300ms")] {
        if !flags.contains(&flag) {
            command.args([flag, value]);
        }
    }
    command.args(flags);
    command
}

/// The exit code, the report if there is one, and what was said besides.
fn outcome(program: Program) -> (Option<i32>, Value, String) {
    let (code, report, said) = program.outcome();
    (
        code,
        serde_json::from_str(&report).unwrap_or_default(),
        said,
    )
}

fn load(server: SocketAddr, flags: &[&str]) -> (Option<i32>, Value, String) {
    let program = Program::start(&mut bench(&server.to_string(), flags));
    outcome(program)
}

fn total(sessions: &[Value], field: &str) -> u64 {
    let values = sessions.iter().map(|session| session[field].as_u64());
    values.map(Option::unwrap).sum()
}

/// Waits until every one of so many sessions has beaten more than once.
fn wait_for_pings(daemon: &Daemon, count: usize) {
    loop {
        let listed = sessions::all(daemon.http);
        let busy = |session: &&Value| session["beats"].as_u64() > Some(1);
        if listed.iter().filter(busy).count() == count {
            return;
        }
    }
}

#[test]
fn every_ping_is_a_beat_and_every_session_leaves() {
    let daemon = Daemon::start(&[]);
    for (protocol, prefix) in [("gob", "one"), ("json", "two")] {
        let shape = ["--connections", "6", "--in-flight", "4", "--names", "2"];
        let flags = ["--protocol", protocol, "--prefix", prefix, "--threads", "2"];
        let (code, report, said) = load(daemon.rpc, &[&shape[..], &flags].concat());
        assert_eq!((code, &*said), (Some(0), ""), "{report:#}");
        let pings = &report["pings"];
        assert_eq!(pings["sent"], pings["answered"], "{report:#}");
        assert_eq!(report["errors"], json!([]));
        assert_eq!(report["ended"], "duration");

        let (status, page) = sessions::get(
            daemon.http,
            &format!("/api/v1/sessions?service={prefix}&health=left"),
        );
        assert_eq!(status, 200, "{page}");
        let listed = page["sessions"].as_array().unwrap();
        assert_eq!(listed.len(), 12, "{listed:#?}");
        assert_eq!(total(listed, "beats"), pings["answered"].as_u64().unwrap());
        assert_eq!(report["goodbye"]["left"], 12);
    }
}

#[test]
fn the_report_has_the_fields_that_scripts_read() {
    let daemon = Daemon::start(&[]);
    let (code, report, _) = load(daemon.rpc, &["--connections", "2"]);
    assert_eq!(code, Some(0));
    for field in [
        "/measured_s",
        "/throughput_per_s",
        "/bytes_per_s/sent",
        "/bytes_per_s/received",
        "/connecting/took_ms",
        "/latency_us/mean",
        "/latency_us/min",
        "/latency_us/p50",
        "/latency_us/p90",
        "/latency_us/p99",
        "/latency_us/p99_9",
        "/latency_us/max",
        "/server/cpu_us_per_ping",
        "/server/cpu_percent",
        "/server/resident_before_bytes",
        "/server/resident_after_bytes",
        "/generator/cpu_us_per_ping",
        "/generator/cpu_percent",
        "/generator/busiest_thread_percent",
    ] {
        let value = report.pointer(field).and_then(Value::as_f64);
        assert!(
            value.is_some_and(|value| value > 0.0),
            "{field}: {report:#}"
        );
    }
    assert_eq!(report["server"]["name"], "carotid");
    assert_eq!(report["server"]["pids"].as_array().unwrap().len(), 1);
    assert_eq!(report["latency_us"]["since"], "sent");
    assert_eq!(
        report["load"],
        json!({
            "connections": 2, "in_flight": 1, "names_per_connection": 1, "rate_per_s": null,
            "threads": 1, "warm_up_s": 0.1, "duration_s": 0.3,
        })
    );
    assert_eq!(
        report["target"],
        json!({"address": daemon.rpc.to_string(), "method": "Heartbeat.Ping", "protocol": "gob"})
    );
}

#[test]
fn at_a_rate_every_ping_that_was_due_is_accounted_for() {
    let daemon = Daemon::start(&[]);
    let flags = ["--connections", "5", "--rate", "500", "--threads", "2"];
    let (code, report, said) = load(daemon.rpc, &flags);
    assert_eq!(code, Some(0), "{said}");
    let count = |field: &str| report["pings"][field].as_u64().unwrap();
    // The first of each connection, and 0.4 s at the rate.
    assert_eq!(count("sent") + count("not_sent"), 5 + 200, "{report:#}");
    assert_eq!(count("sent"), count("answered"));
    assert_eq!(report["latency_us"]["since"], "due");
    assert_eq!(report["latency_us"]["count"], 150);
    assert_eq!(
        total(&sessions::all(daemon.http), "beats"),
        count("answered")
    );
}

#[test]
fn a_table_is_for_people() {
    let daemon = Daemon::start(&[]);
    let flags = ["--connections", "2", "-o", "table"];
    let mut command = bench(&daemon.rpc.to_string(), &flags);
    let (code, said, talk) = Program::start(&mut command).outcome();
    assert_eq!((code, &*talk), (Some(0), ""), "no bar but on a terminal");
    for line in [
        "target",
        "load",
        "throughput",
        "latency",
        "server",
        "generator",
        "goodbye",
    ] {
        assert!(said.lines().any(|said| said.starts_with(line)), "{said}");
    }
    assert!(said.contains("p99.9") && said.contains("pings/s"), "{said}");
}

#[test]
fn an_interrupt_ends_it_with_what_was_measured() {
    let daemon = Daemon::start(&[]);
    let flags = ["--connections", "4", "--duration", "1h"];
    let program = Program::start(&mut bench(&daemon.rpc.to_string(), &flags));
    wait_for_pings(&daemon, 4);
    program.interrupt();
    let (code, report, said) = outcome(program);
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(report["ended"], "interrupted");
    assert_eq!(report["pings"]["sent"], report["pings"]["answered"]);
    let listed = sessions::all(daemon.http);
    assert!(
        listed.iter().all(|session| session["health"] == "left"),
        "{listed:#?}"
    );
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Answers the first call of the one connection, and none after it.
    let (asked, second) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let answer = json!({"id": first["id"], "result": "Pong", "error": null});
        writeln!(stream, "{answer}").unwrap();
        lines.next().unwrap().unwrap();
        asked.send(()).unwrap();
        lines.count()
    });
    let flags = [
        "--connections",
        "1",
        "--duration",
        "1h",
        "--protocol",
        "json",
        "--call-timeout",
        "1h",
    ];
    let program = Program::start(&mut bench(&address.to_string(), &flags));
    second.recv().unwrap();
    program.interrupt();
    program.wait_for_complaint(|line| line.contains("once more"));
    program.interrupt();
    let (code, report, _) = outcome(program);
    assert_eq!((code, report), (Some(130), Value::Null));
}

#[test]
fn a_server_that_goes_away_is_3_with_a_report() {
    let mut daemon = Daemon::start(&[]);
    let flags = ["--connections", "3", "--duration", "1h"];
    let program = Program::start(&mut bench(&daemon.rpc.to_string(), &flags));
    wait_for_pings(&daemon, 3);
    daemon.program.kill();
    let (code, report, said) = outcome(program);
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(report["ended"], "lost");
    assert_eq!(report["connecting"]["connections_left"], 0);
    let errors = report["errors"].as_array().unwrap();
    assert_eq!(total(errors, "count"), 3, "{errors:#?}");
    assert!(
        errors[0]["first"]
            .as_str()
            .unwrap()
            .starts_with("connection "),
        "{errors:#?}"
    );
}

#[test]
fn a_connection_lost_while_others_are_made_is_counted_and_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Answers the first connection once and the others always.
    std::thread::spawn(move || {
        let mut most = 1;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let answering = std::thread::spawn(move || {
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                for line in lines.map_while(Result::ok).take(most) {
                    let call: Value = serde_json::from_str(&line).unwrap();
                    let answer = json!({"id": call["id"], "result": "Pong", "error": null});
                    // The load may be over.
                    let _sent = writeln!(stream, "{answer}");
                }
            });
            if most == 1 {
                answering.join().unwrap();
                most = usize::MAX;
            }
        }
    });
    let flags = ["--connections", "4", "--protocol", "json"];
    let (code, report, said) = load(address, &flags);
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(report["ended"], "duration", "{report:#}");
    assert_eq!(report["connecting"]["connections_left"], 3, "{report:#}");
    let errors = report["errors"].as_array().unwrap();
    assert_eq!(total(errors, "count"), 1, "{errors:#?}");
}

#[test]
fn nobody_there_is_2() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for target in [free.to_string(), "unix:/nonexistent/socket".to_owned()] {
        let (code, _, said) = outcome(Program::start(&mut bench(&target, &[])));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(&target) && said.contains("running"), "{said}");
    }
}

#[test]
fn somebody_who_does_not_speak_it_is_3() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stranger = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 mail.example ESMTP\r\n").unwrap();
    });
    let (code, _, said) = load(address, &[]);
    stranger.join().unwrap();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("220 mail.example"), "{said}");

    let daemon = Daemon::start(&[]);
    let (code, _, said) = load(daemon.http, &[]);
    assert_eq!(code, Some(3), "{said}");
    let (code, _, said) = load(daemon.rpc, &["--method", "Nobody.Ping"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("rpc: can't find service Nobody.Ping"),
        "{said}"
    );
    assert!(said.contains("--method"), "{said}");
}

/// A server of one's own, whose answer depends on how many there were.
fn answering(
    method: &str,
    answer: impl Fn(u64) -> Result<String, ServerError> + Send + Sync + 'static,
) -> (Runtime, SocketAddr) {
    let runtime = Runtime::new().unwrap();
    let (answer, calls) = (Arc::new(answer), Arc::new(AtomicU64::new(0)));
    let mut router = Router::new();
    let answer = move |_name: String| {
        let outcome = answer(calls.fetch_add(1, Ordering::Relaxed));
        async move { outcome }
    };
    router.method(method, answer).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let listener = Listener::try_from(listener).unwrap();
    runtime.spawn(Server::new(router).serve([listener], CancellationToken::new()));
    (runtime, address)
}

#[test]
fn a_server_that_says_it_is_not_well_is_4() {
    let (_runtime, address) = answering("Heartbeat.Ping", |_| Ok("Going down".to_owned()));
    let (code, _, said) = load(address, &[]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("Going down"), "{said}");
}

#[test]
fn other_methods_may_answer_what_they_like() {
    let (_runtime, address) = answering("Echo.Say", |_| Ok("hello".to_owned()));
    let (code, report, said) = load(address, &["--method", "Echo.Say", "--connections", "2"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(report["pings"]["sent"], report["pings"]["answered"]);
}

#[test]
fn errors_are_counted_while_the_run_goes_on() {
    let (_runtime, address) = answering("Heartbeat.Ping", |call| match call {
        4 => Err("disk full".into()),
        5 => Err("disk still full".into()),
        6 => Ok("Going down".to_owned()),
        _ => Ok("Pong".to_owned()),
    });
    let (code, report, said) = load(address, &["--connections", "2", "--rate", "200"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("3 of ") && said.contains("disk full"),
        "{said}"
    );
    let pings = &report["pings"];
    assert_eq!(pings["failed"], 3);
    assert_eq!(
        pings["answered"].as_u64().unwrap() + 3,
        pings["sent"].as_u64().unwrap()
    );
    assert_eq!(
        report["errors"],
        json!([
            {"kind": "error_reply", "count": 2, "first": "disk full"},
            {"kind": "not_pong", "count": 1, "first": "Going down"},
        ])
    );
    assert_eq!(report["ended"], "duration");
}

#[test]
fn wrong_usage_is_1_and_says_why() {
    for (flags, said) in [
        (&["--connections", "0"][..], "1..=1000000"),
        (&["--in-flight", "0"], "1..=65536"),
        (&["--names", "0"], "1..=1000000"),
        (&["--rate", "0"], "leave --rate out"),
        (&["--rate", "-5"], "between"),
        (&["--duration", "0s"], "more than 0s"),
        (&["--duration", "5"], "write 5s"),
        (&["--prefix", " x"], "--prefix"),
        (&["--method", "Ping"], "SERVICE.METHOD"),
        (&["--server-pid", "4294967295"], "--server-pid"),
        (&["--connections", "9", "--names", "1000000"], "9000000"),
        (&["--addr", "localhost"], "HOST:PORT"),
    ] {
        let (code, report, text) = outcome(Program::start(carotid().arg("bench").args(flags)));
        assert_eq!(
            (code, report),
            (Some(1), Value::Null),
            "{flags:?} gave {text}"
        );
        assert!(text.contains(said), "{flags:?} gave {text}");
    }
}

#[test]
fn open_files_are_counted_before_anything_is_begun() {
    let daemon = Daemon::start(&[]);
    let command = bench(&daemon.rpc.to_string(), &["--connections", "50"]);
    let limited = |ulimit: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{ulimit}; exec \"$0\" \"$@\"")]);
        shell.arg(command.get_program()).args(command.get_args());
        outcome(Program::start(&mut shell))
    };
    let (code, _, said) = limited("ulimit -n 60");
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("50 connections need 85 open files") && said.contains("is 60"),
        "{said}"
    );
    let (code, report, said) = limited("ulimit -S -n 60");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(report["connecting"]["connections_left"], 50);
}
