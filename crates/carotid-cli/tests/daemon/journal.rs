//! The journal, from outside: what a restart knows, and what happens when it cannot be written.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::ground::daemon::{Daemon, TERMS, carotid, ping};
use crate::ground::program::Program;
use crate::ground::sessions::{all, get, one, raw};

fn flags(data: &Path) -> Vec<&str> {
    let data = data.to_str().unwrap();
    [&TERMS[..], &["--data", data]].concat()
}

/// Waits until the daemon says so; the test's own time is the bound.
fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

#[test]
fn a_restart_kills_nobody_and_forgets_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(&flags(folder.path()));
    let mut events = daemon.events();
    let _stays = daemon.ping("pay/stays");
    let goes = daemon.ping("pay/goes");
    events.expect("opened", "pay/stays", None);
    events.expect("opened", "pay/goes", None);
    drop(goes);
    let suspicion = events.expect("suspect", "pay/goes", Some("closed"));
    daemon.program.kill();

    let daemon = Daemon::start(&flags(folder.path()));
    let mut events = daemon.events();
    // All of it is still there, and the numbers go on.
    events.expect("opened", "pay/stays", None);
    events.expect("opened", "pay/goes", None);
    assert_eq!(
        events.expect("suspect", "pay/goes", Some("closed")).json,
        suspicion.json
    );
    let restarted = events.next();
    assert_eq!(
        (&*restarted.kind, restarted.seq),
        ("restarted", suspicion.seq + 1)
    );
    assert_eq!(restarted.json["sessions"], 2);
    let waiting = one(daemon.http, "pay/stays");
    assert_eq!(
        (&waiting["health"], &waiting["cause"]),
        (&"suspect".into(), &"restart".into())
    );
    let _stays = daemon.ping("pay/stays");
    let back = events.expect("back", "pay/stays", None);
    assert_eq!(back.json["session"], 1);
    // It has its whole timeout from the restart on, and our absence is not held against it.
    let dead = loop {
        let event = events.next();
        if event.name == "pay/goes" {
            break event;
        }
    };
    assert_eq!(
        (&*dead.kind, dead.cause.as_deref()),
        ("dead", Some("silence"))
    );
    assert!((1000..3000).contains(&dead.silent_ms), "{dead:?}");
}

#[test]
fn history_tells_availability_without_the_daemons_own_absence() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(&flags(folder.path()));
    let mut events = daemon.events();
    drop(daemon.ping("pay/1"));
    let opened = events.expect("opened", "pay/1", None);
    events.expect("suspect", "pay/1", Some("closed"));
    events.expect("dead", "pay/1", Some("closed"));
    daemon.program.kill();
    let daemon = Daemon::start(&flags(folder.path()));
    let (status, history) = get(daemon.http, "/api/v1/history?name=pay/1&since=1h");
    assert_eq!(status, 200, "{history}");
    let availability = &history["availability"];
    let ms = |part: &str| availability[part].as_u64().unwrap();
    assert!(
        ms("up_ms") < 1000 && ms("down_ms") >= 1000,
        "{availability}"
    );
    let since_opening = ms("up_ms") + ms("down_ms") + ms("unknown_ms");
    assert_eq!(since_opening + ms("unwatched_ms"), 3_600_000);
    let kinds = history["events"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds.map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["dead", "suspect", "opened"]);
    assert_eq!(history["events"][2], opened.json);

    let said = |subject: &str| {
        let http = daemon.http.to_string();
        let mut command = carotid();
        command.args(["history", subject, "--http", &http]);
        Program::start(&mut command).outcome()
    };
    let (code, text, _) = said("pay");
    assert_eq!(code, Some(0));
    assert!(
        text.starts_with("pay: ") && text.contains("% available"),
        "{text}"
    );
    assert!(text.contains("1 death: 1 closed"), "{text}");
    // However few events are asked for, all deaths are counted.
    for query in ["name=pay/1", "service=pay"] {
        let path = format!("/api/v1/history?{query}&limit=1");
        let (_, history) = get(daemon.http, &path);
        assert_eq!(history["deaths"], 1, "{history}");
    }
    let (code, _, complaint) = said("nobody/1");
    assert_eq!(code, Some(3));
    assert!(
        complaint.contains("knows nothing of \"nobody/1\""),
        "{complaint}"
    );
}

#[test]
fn without_a_journal_history_says_so() {
    let daemon = Daemon::start(&[]);
    let (status, refusal) = get(daemon.http, "/api/v1/history?service=pay");
    assert_eq!(status, 503);
    assert!(refusal["error"].as_str().unwrap().contains("--data none"));
    let (status, _) = get(daemon.http, "/api/v1/history");
    assert_eq!(status, 400);
}

#[test]
fn two_daemons_do_not_write_one_journal() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Daemon::start(&flags(folder.path()));
    let mut second = carotid();
    second.args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    second.arg("--data").arg(folder.path());
    let (code, _, complaint) = Program::start(&mut second).outcome();
    assert_eq!(code, Some(1));
    assert!(complaint.contains("another carotid"), "{complaint}");
    assert!(complaint.contains("--data DIR"), "{complaint}");
}

/// A daemon whose journal is on a file system of its own, of so many bytes, that nobody else sees.
struct Cramped {
    daemon: Daemon,
    /// Its directory, as seen from here.
    inside: PathBuf,
    _folder: tempfile::TempDir,
}

impl Cramped {
    fn start(bytes: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let daemon = Daemon::start_with(&flags(&path), |command| {
            let mut outer = Command::new("unshare");
            let mount = format!("mount -t tmpfs -o size={bytes} tmpfs \"$0\" && exec \"$@\"");
            outer.args(["-m", "sh", "-c", &mount]).arg(&path);
            outer.arg(command.get_program()).args(command.get_args());
            for (key, value) in command.get_envs() {
                match value {
                    Some(value) => outer.env(key, value),
                    None => outer.env_remove(key),
                };
            }
            *command = outer;
        });
        let root = format!("/proc/{}/root", daemon.program.id());
        Self {
            inside: Path::new(&root).join(path.strip_prefix("/").unwrap()),
            daemon,
            _folder: folder,
        }
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut ballast = File::create(self.inside.join("ballast")).unwrap();
        for size in [1 << 12, 1 << 8, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.inside.join("ballast")).unwrap();
    }

    fn ready(&self) -> (u16, String) {
        raw(self.daemon.http, "/readyz?verbose")
    }
}

#[test]
fn on_a_full_disk_beats_go_on_and_deaths_wait_until_there_is_room() {
    let cramped = Cramped::start(4 << 20);
    let daemon = &cramped.daemon;
    let mut lives = daemon.ping("lives");
    drop(daemon.ping("dies"));
    let mut events = daemon.events();
    events.expect("opened", "lives", None);
    events.expect("opened", "dies", None);
    cramped.fill();
    // What is left of the pages that the journal has already is used first.
    let mut newcomers = 0;
    while cramped.ready().0 == 200 {
        ping(&mut lives, &format!("newcomer/{newcomers}"));
        newcomers += 1;
    }
    let (status, components) = cramped.ready();
    assert_eq!(status, 503, "{components}");
    assert!(components.contains("[-] journal: "), "{components}");
    assert!(components.contains("full"), "{components}");
    let silence = |name: &str| one(daemon.http, name)["last_beat_ms"].as_u64().unwrap();
    until(|| {
        ping(&mut lives.try_clone().unwrap(), "lives");
        silence("dies") > 4000
    });
    for session in all(daemon.http) {
        assert_ne!(session["health"], "dead", "{session}");
    }
    assert_eq!(one(daemon.http, "lives")["health"], "alive");
    assert_eq!(raw(daemon.http, "/livez").0, 200);

    cramped.make_room();
    until(|| cramped.ready().0 == 200);
    // Nothing that happened meanwhile was lost.
    let mut opened = 0;
    let dead = loop {
        let event = events.next();
        opened += usize::from(event.kind == "opened");
        if event.kind == "dead" && event.name == "dies" {
            break event;
        }
    };
    assert_eq!(opened, newcomers);
    assert!(dead.silent_ms > 4000, "{dead:?}");
}

/// Keeps the journal from being written without an error: the writer waits for this to end.
fn hold_up(data: &Path) -> Child {
    let mut holder = Command::new("sqlite3");
    holder.arg(data.join("carotid.db"));
    holder.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = holder.spawn().unwrap();
    let begin = b".timeout 10000\nBEGIN IMMEDIATE;\nSELECT 'held';\n";
    holder.stdin.as_mut().unwrap().write_all(begin).unwrap();
    let mut said = [0; 5];
    holder
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut said)
        .unwrap();
    assert_eq!(&said, b"held\n");
    holder
}

#[test]
fn while_the_disk_does_not_answer_deaths_wait_and_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(&flags(folder.path()));
    let mut lives = daemon.ping("lives");
    let mut events = daemon.events();
    events.expect("opened", "lives", None);
    let mut holder = hold_up(folder.path());
    ping(&mut lives, "waits");
    until(|| {
        ping(&mut lives.try_clone().unwrap(), "lives");
        raw(daemon.http, "/readyz").0 == 503
    });
    // The writer still waits, and has not failed.
    let (_, said) = raw(daemon.http, "/readyz");
    assert!(said.starts_with("journal: nothing written for "), "{said}");
    assert_eq!(raw(daemon.http, "/livez").0, 200);
    drop(lives);
    until(|| one(daemon.http, "lives")["last_beat_ms"].as_u64().unwrap() > 2000);
    holder.kill().unwrap();
    holder.wait().unwrap();
    until(|| raw(daemon.http, "/readyz").0 == 200);
    let dead = loop {
        let event = events.next();
        if event.kind == "dead" && event.name == "lives" {
            break event;
        }
    };
    assert!(dead.silent_ms > 2000, "{dead:?}");
}

#[test]
fn a_journal_that_is_deleted_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(&flags(folder.path()));
    let mut events = daemon.events();
    let _before = daemon.ping("before");
    events.expect("opened", "before", None);
    fs::remove_file(folder.path().join("carotid.db")).unwrap();
    let _after = daemon.ping("after");
    let after = events.expect("opened", "after", None);
    let mut daemon = daemon;
    daemon.program.kill();
    let daemon = Daemon::start(&flags(folder.path()));
    let mut events = daemon.events();
    events.expect("opened", "before", None);
    let kept = loop {
        let event = events.next();
        if event.kind == "opened" {
            break event;
        }
    };
    assert_eq!(kept.json, after.json);
}

#[test]
fn a_journal_that_is_deleted_on_a_full_disk_is_put_back_when_there_is_room() {
    let cramped = Cramped::start(4 << 20);
    let daemon = &cramped.daemon;
    let mut events = daemon.events();
    let _before = daemon.ping("before");
    events.expect("opened", "before", None);
    let file = cramped.inside.join("carotid.db");
    cramped.fill();
    fs::remove_file(&file).unwrap();
    let _after = daemon.ping("after");
    until(|| cramped.ready().1.contains("its file is gone"));
    // By then it has tried to put it back.
    let silent = |name: &str| one(daemon.http, name)["last_beat_ms"].as_u64();
    until(|| silent("before").unwrap() > 2500);
    // Nothing that a restart would take for a journal.
    assert!(!file.exists());
    cramped.make_room();
    until(|| cramped.ready().0 == 200);
    events.expect("opened", "after", None);
    for name in ["before", "after"] {
        let (status, history) = get(daemon.http, &format!("/api/v1/history?name={name}"));
        assert_eq!(status, 200, "{history}");
    }
    assert!(!cramped.inside.join("carotid.db.new").exists());
}

/// What a daemon says that does not start, on a file system of its own that is mounted like this.
fn refusal(options: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    let mount = format!("mount -t tmpfs -o {options} tmpfs \"$0\" && exec \"$@\"");
    command
        .args(["-m", "sh", "-c", &mount])
        .arg(folder.path())
        .arg(carotid().get_program())
        .args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"])
        .arg("--data")
        .arg(folder.path());
    let (code, _, complaint) = Program::start(&mut command).outcome();
    assert_eq!(code, Some(1), "{complaint}");
    assert!(complaint.contains("carotid.db"), "{complaint}");
    complaint
}

#[test]
fn where_it_cannot_write_a_daemon_does_not_start_and_says_why() {
    let complaint = refusal("ro");
    assert!(complaint.contains("Correct the permissions"), "{complaint}");
    let complaint = refusal("size=4k");
    assert!(complaint.contains("the disk is full"), "{complaint}");
    assert!(complaint.contains("Free space"), "{complaint}");
}

#[test]
fn the_queries_of_the_documentation_run() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(&flags(folder.path()));
    let mut events = daemon.events();
    drop(daemon.ping("pay/1"));
    events.expect("opened", "pay/1", None);
    events.expect("suspect", "pay/1", Some("closed"));
    events.expect("dead", "pay/1", Some("closed"));
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let document = fs::read_to_string(root.join("docs/journal.md")).unwrap();
    let queries: Vec<_> = document.split("```sql\n").skip(1).collect();
    assert!(queries.len() > 4, "{} queries", queries.len());
    for query in queries {
        let (query, _) = query.split_once("```").unwrap();
        let mut sqlite = Command::new("sqlite3");
        sqlite.args(["-readonly", "-bail", "-json"]);
        let ran = sqlite
            .arg(folder.path().join("carotid.db"))
            .arg(query)
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{query}: {complaint}");
        let rows: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert!(
            !rows.as_array().unwrap().is_empty(),
            "{query} finds nothing"
        );
    }
}
