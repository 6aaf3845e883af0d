//! Pictures of the pages, for the documentation: written where `$CAROTID_PICTURES` says, and made either
//! way. `cargo xtask screenshots` keeps them.

use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::browser::Browser;
use super::tab::Tab;
use crate::ground::daemon::{Daemon, call};

/// What a picture may take of the repository, in bytes.
const LARGEST: u64 = 300_000;

/// A small fleet, in which not all is well.
fn fleet(daemon: &Daemon) -> Vec<TcpStream> {
    let mut connections = Vec::new();
    for (service, instances) in [
        ("cart", 3),
        ("ledger", 2),
        ("mailer", 1),
        ("orders", 4),
        ("payments", 7),
        ("reports", 1),
        ("search", 12),
    ] {
        connections.extend((1..=instances).map(|number| {
            let mut stream = TcpStream::connect(daemon.rpc).unwrap();
            let name = format!("{service}/{number}");
            let terms = json!({"Name": name, "IntervalMs": 60_000, "TimeoutMs": 360_000});
            call(&mut stream, "Heartbeat.Open", &terms);
            stream
        }));
    }
    connections
}

/// One that beats some times, as exactly as a busy machine lets it, and then never again.
fn beats_and_stops(rpc: SocketAddr, name: &str) -> TcpStream {
    let mut stream = TcpStream::connect(rpc).unwrap();
    let terms = json!({"Name": name, "IntervalMs": 500, "TimeoutMs": 4000});
    call(&mut stream, "Heartbeat.Open", &terms);
    for _ in 0..8 {
        // Its beats are what is seen on the picture; nothing waits for this to be over.
        std::thread::park_timeout(Duration::from_millis(490));
        call(
            &mut stream,
            "Heartbeat.Beat",
            &json!({"Name": name, "RoundTripUs": 240}),
        );
    }
    stream
}

const HOUR: i64 = 3_600_000;

/// A month for the journal of a daemon that has stopped: most of it good.
fn month(folder: &Path) {
    let journal = Connection::open(folder.join("carotid.db")).unwrap();
    let now = Timestamp::now().as_millisecond().div_euclid(HOUR) * HOUR;
    let services = "SELECT service, name FROM services";
    let mut services = journal.prepare(services).unwrap();
    let services = services.query_map((), |row| Ok((row.get(0)?, row.get(1)?)));
    let services: Vec<(i64, String)> = services.unwrap().map(Result::unwrap).collect();
    journal
        .execute_batch("BEGIN; DELETE FROM absences")
        .unwrap();
    for (service, name) in &services {
        for ago in (1..=30 * 24).rev() {
            let (warn, down, deaths, reason) = match (name.as_str(), ago) {
                ("payments", 5) => (0, 900_000, 3, Some("all 7 sessions died: unreachable")),
                ("payments", 6) => (1_200_000, 60_000, 1, Some("payments/3 died: silence")),
                ("payments", 290..293) => (0, HOUR, 7, Some("all 7 sessions died: unreachable")),
                ("cart", 30..34) => (HOUR, 0, 0, None),
                ("orders", 410) => (0, 240_000, 1, Some("orders/2 died: closed")),
                ("search", 133..150) => (HOUR / 2, 0, 2, None),
                ("search", 600) => (0, 2_000_000, 12, Some("all 12 sessions died: reset")),
                ("reports", 480..) | ("mailer", 700..) => continue,
                _ => (0, 0, 0, None),
            };
            let unknown = if ago == 300 { HOUR / 3 } else { 0 };
            let pass = HOUR - warn - down - unknown;
            let hour = (
                service,
                now - ago * HOUR,
                pass.max(0),
                warn,
                down,
                unknown,
                deaths,
                reason,
            );
            let put =
                "INSERT OR REPLACE INTO service_hours VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8)";
            journal.execute(put, hour).unwrap();
        }
    }
    journal.execute_batch("COMMIT").unwrap();
}

#[test]
fn pictures_are_made_of_a_day_on_which_not_all_is_well() {
    let folder = TempDir::new().unwrap();
    let kept = std::env::var_os("CAROTID_PICTURES").map(PathBuf::from);
    let folder = kept.unwrap_or_else(|| folder.path().to_owned());
    let data = TempDir::new().unwrap();
    let flags = ["--data", data.path().to_str().unwrap()];
    let mut daemon = Daemon::start(&flags);
    let before = fleet(&daemon);
    daemon.program.request_end();
    assert_eq!(daemon.program.code(), Some(0));
    drop(before);
    month(data.path());
    let daemon = daemon.restart_with(&flags);
    let fleet = fleet(&daemon);
    let _frozen = std::thread::scope(|scope| {
        let (rpc, frozen) = (daemon.rpc, ["payments/8", "fraud/1"]);
        let frozen = frozen.map(|name| scope.spawn(move || beats_and_stops(rpc, name)));
        frozen.map(|thread| thread.join().unwrap())
    });
    fleet[4].shutdown(Shutdown::Both).unwrap();
    fleet[0].shutdown(Shutdown::Both).unwrap();
    let browser = Browser::start();
    let mut tab = browser.tab();
    tab.go(daemon.http, "/sessions/payments/8");
    tab.until("document.querySelector('.lead').innerText.startsWith('Dead since')");
    tab.go(daemon.http, "/sessions/fraud/1");
    tab.until("document.querySelector('.lead').innerText.startsWith('Dead since')");
    picture(
        &mut tab,
        &daemon,
        "/sessions/payments/8",
        (1120, 820, "light"),
        &folder.join("page-session.png"),
    );
    picture(
        &mut tab,
        &daemon,
        "/",
        (1120, 820, "light"),
        &folder.join("page-light.png"),
    );
    picture(
        &mut tab,
        &daemon,
        "/",
        (1120, 820, "dark"),
        &folder.join("page-dark.png"),
    );
    picture(
        &mut tab,
        &daemon,
        "/",
        (390, 844, "light"),
        &folder.join("page-phone.png"),
    );
    picture(
        &mut tab,
        &daemon,
        "/sessions",
        (1120, 820, "dark"),
        &folder.join("page-sessions.png"),
    );
    tab.expect_clean();
}

fn picture(
    tab: &mut Tab,
    daemon: &Daemon,
    path: &str,
    (width, height, scheme): (u32, u32, &str),
    file: &PathBuf,
) {
    tab.size(width, height);
    tab.prefer(scheme);
    tab.go(daemon.http, path);
    tab.until("document.getElementById('live').dataset.state === 'live' && document.querySelector('main table')");
    assert_eq!(
        tab.evaluate("document.documentElement.scrollWidth > innerWidth"),
        false,
        "{path}"
    );
    tab.picture(file);
    let size = std::fs::metadata(file).unwrap().len();
    assert!(size < LARGEST, "{} has {size} bytes", file.display());
}
