//! kill -9 in the middle of thousands of transitions: whatever was shown is kept, every session has one
//! end or is still watched, and nobody is dead because of it.
//!
//! `cargo xtask crash --rounds 100` does it with more seeds.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::ground::daemon::Daemon;
use crate::ground::program::PATIENCE;
use crate::ground::sessions::get;

const WORKERS: u64 = 3;
const NAMES: u64 = 400;

/// Sessions of one connection.
const AT_ONCE: u64 = 40;

const TIMEOUT_MS: u64 = 600;

const FLAGS: [&str; 8] = [
    "--interval",
    "100ms",
    "--timeout",
    "600ms",
    // Many fall silent together here, and are to die.
    "--mass-silence-share",
    "1",
    "--log",
    "error",
];

/// Xorshift (Marsaglia, 2003).
struct Dice(u64);

impl Dice {
    fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) % below
    }
}

/// Opens sessions, says goodbye for some, drops others, and comes back, until nobody answers.
fn churn(rpc: SocketAddr, mut dice: Dice, worker: u64, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let first = dice.draw(NAMES);
        let goodbyes = dice.draw(AT_ONCE);
        let mut requests = String::new();
        for number in first..first + AT_ONCE {
            let name = format!("w{worker}/{number}");
            requests += &json!({"method": "Heartbeat.Ping", "params": [name], "id": 0}).to_string();
        }
        for number in first..first + goodbyes {
            let name = json!({"Name": format!("w{worker}/{number}")});
            requests +=
                &json!({"method": "Heartbeat.Close", "params": [name], "id": 0}).to_string();
        }
        let expected = usize::try_from(AT_ONCE + goodbyes).unwrap();
        // A daemon that was killed ends the test's part here.
        if converse(rpc, &requests, expected).is_err() {
            return;
        }
    }
}

/// Sends all of this on a connection of its own, and waits for as many answers.
fn converse(rpc: SocketAddr, requests: &str, answers: usize) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(rpc)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(requests.as_bytes())?;
    let mut lines = BufReader::new(stream).lines();
    for _ in 0..answers {
        lines.next().ok_or(std::io::ErrorKind::UnexpectedEof)??;
    }
    Ok(())
}

/// The events from the first on, until the daemon is gone.
fn follow(http: SocketAddr) -> impl Iterator<Item = Value> {
    let mut stream = TcpStream::connect(http).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET /api/v1/events?after=0 HTTP/1.0\r\n\r\n").unwrap();
    let stream: Box<dyn Read> = Box::new(stream);
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.filter_map(|line| {
        // The last line may have been cut.
        let event: Value = serde_json::from_str(line.strip_prefix("data: ")?).ok()?;
        assert!(event["missed"].is_null(), "{event}");
        Some(event)
    })
}

fn number(event: &Value, key: &str) -> u64 {
    event[key].as_u64().unwrap_or_default()
}

/// What became of the sessions, as their events tell it.
#[derive(Default)]
struct Checker {
    last_seq: u64,
    /// Sessions that have not ended, with their names.
    open: HashMap<u64, (String, u64)>,
    ended: HashSet<u64>,
    restarted: bool,
}

impl Checker {
    fn take(&mut self, event: &Value) {
        let seq = number(event, "seq");
        assert_eq!(seq, self.last_seq + 1, "a number is missing before {event}");
        self.last_seq = seq;
        let (kind, session) = (event["kind"].as_str().unwrap(), number(event, "session"));
        match kind {
            "opened" => {
                assert_eq!(session, seq, "{event}");
                let name = event["name"].as_str().unwrap().to_owned();
                self.open.insert(session, (name, number(event, "epoch")));
            }
            "dead" | "left" => {
                assert!(
                    self.open.remove(&session).is_some(),
                    "a second end: {event}"
                );
                self.ended.insert(session);
                let is_after = self.restarted;
                let is_early = number(event, "silent_ms") < TIMEOUT_MS;
                let is_ours = event["cause"] == "restart" || is_after && is_early;
                assert!(
                    kind == "left" || !is_ours,
                    "dead because of the restart: {event}"
                );
            }
            "restarted" => self.restarted = true,
            _ if session > 0 => {
                assert!(self.open.contains_key(&session), "after its end: {event}");
            }
            _ => {}
        }
    }
}

/// Everybody in the daemon's list, with the life that it is in.
fn listed(http: SocketAddr) -> HashSet<(String, u64)> {
    let (mut names, mut after) = (HashSet::new(), String::new());
    loop {
        let (status, page) = get(http, &format!("/api/v1/sessions?limit=1000{after}"));
        assert_eq!(status, 200, "{page}");
        for session in page["sessions"].as_array().unwrap() {
            let name = session["name"].as_str().unwrap().to_owned();
            names.insert((name, number(session, "epoch")));
        }
        let Some(next) = page["next"].as_str() else {
            return names;
        };
        after = format!("&after={next}");
    }
}

fn crash(seed: u64) {
    let mut dice = Dice::seeded(seed);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let flags = [&FLAGS[..], &["--data", data]].concat();
    let mut daemon = Daemon::start(&flags);
    // Of some ten thousand.
    let moment = usize::try_from(1000 + dice.draw(9000)).unwrap();
    let is_over = AtomicBool::new(false);
    let shown: BTreeMap<u64, Value> = thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (rpc, dice) = (daemon.rpc, Dice::seeded(seed * WORKERS + worker));
            let is_over = &is_over;
            scope.spawn(move || churn(rpc, dice, worker, is_over));
        }
        let mut shown = BTreeMap::new();
        for event in follow(daemon.http) {
            shown.insert(number(&event, "seq"), event);
            if shown.len() == moment {
                daemon.program.kill();
                is_over.store(true, Ordering::Relaxed);
            }
        }
        shown
    });
    assert!(shown.len() >= moment, "only {} events", shown.len());

    let daemon = Daemon::start(&flags);
    let mut checker = Checker::default();
    let mut kept = follow(daemon.http);
    for event in kept.by_ref() {
        if let Some(shown) = shown.get(&number(&event, "seq")) {
            assert_eq!(&event, shown, "it was shown otherwise");
        }
        checker.take(&event);
        if event["kind"] == "restarted" {
            assert_eq!(
                number(&event, "sessions"),
                checker.open.len() as u64,
                "{event}"
            );
            break;
        }
    }
    let last_shown = *shown.keys().last().unwrap();
    assert!(
        last_shown < checker.last_seq,
        "{last_shown} was shown and is lost"
    );
    let listed = listed(daemon.http);
    for session in checker.open.values() {
        assert!(listed.contains(session), "{session:?} is forgotten");
    }
    // Nobody beats any more, so in the end each has its one end.
    let waiting = checker.open.len();
    while !checker.open.is_empty() {
        checker.take(&kept.next().unwrap());
    }
    eprintln!(
        "seed {seed}: killed after {} events, {} kept, {waiting} sessions waited for, {} ended",
        shown.len(),
        checker.last_seq,
        checker.ended.len()
    );
}

#[test]
fn what_was_shown_survives_a_kill_and_every_session_has_one_end() {
    let seeds = std::env::var("CRASH_SEEDS").unwrap_or_else(|_| "1-3".to_owned());
    let (first, last) = seeds.split_once('-').unwrap();
    for seed in first.parse().unwrap()..=last.parse().unwrap() {
        crash(seed);
    }
}
