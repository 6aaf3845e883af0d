//! What the journal takes, and how soon it answers: transitions with evidence at a steady rate through
//! a driver into its file, and questions at the size that a busy month leaves behind.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use carotid::{Archive, Driver, JournalConfig, Reach, Server, ServerConfig, SessionKey, Subject};
use carotid_core::{Config, Disconnect, Terms, Vitals};

use super::process;
use super::table::Section;
use crate::clock::{Stopwatch, settle};

const SESSIONS: usize = 200_000;
const SERVICES: usize = 20;
const PER_SECOND: u32 = 50_000;
/// How often some of them happen.
const STEP: Duration = Duration::from_millis(2);
/// So long may the middle one of the answers for a name and for a service take.
const LONGEST_ANSWERS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(20)];
const HOUR_MS: i64 = 3_600_000;
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

/// It rests when nothing has changed for so many steps: longer than it waits for the next event.
const STILL: u32 = 250;

/// One name that changes more often than others: its last events are asked for.
const BUSY: usize = 7;

/// Sessions that open, lose their connection, come back and leave, in random order.
struct Fleet {
    driver: Driver,
    sessions: Vec<Option<(SessionKey, bool)>>,
    random: u64,
}

/// What was seen while it wrote.
#[derive(Default)]
struct Seen {
    transitions: u64,
    /// Of those, what found no place while the journal was behind.
    lost: u64,
    took: Duration,
    writing: Duration,
    commits: Vec<Duration>,
    most_pending: u64,
    bytes: u64,
}

/// Measures, and fails if the rate was not sustained or an answer took too long.
pub(crate) fn measure(quick: bool) -> anyhow::Result<Section> {
    let folder = tempfile::tempdir()?;
    let duration = Duration::from_secs(if quick { 3 } else { 60 });
    let server = server(folder.path())?;
    let archive = server.archive().context("it was given a journal")?.clone();
    let mut fleet = Fleet::new(server.driver().clone());
    for session in 0..SESSIONS {
        fleet.change(session)?;
    }
    wait_until_written(&archive)?;
    let seen = write_for(duration, &mut fleet, &archive)?;
    drop(server);
    spread_over_a_month(folder.path())?;
    let asked = ask(&archive, if quick { 20 } else { 200 })?;
    let restored = Stopwatch::start();
    let server = self::server(folder.path())?;
    let sessions = server.driver().sessions();
    let restored = restored.elapsed();
    drop(server);
    Ok(section(seen, &asked, restored, sessions))
}

/// One whose sessions say nothing by their silence: each transition is one that was asked for.
fn server(folder: &Path) -> anyhow::Result<Server> {
    let engine = Config {
        terms: Terms::new(Terms::MAX_TIMEOUT / 4, Terms::MAX_TIMEOUT)?,
        ..Config::default()
    };
    let config = ServerConfig {
        engine,
        journal: Some(JournalConfig::new(folder.to_owned())),
        ..ServerConfig::default()
    };
    Ok(Server::new(config)?)
}

impl Fleet {
    fn new(driver: Driver) -> Self {
        Self {
            driver,
            sessions: vec![None; SESSIONS],
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// Xorshift (Marsaglia, 2003).
    fn draw(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 33).map_or(0, |drawn| drawn % below)
    }

    /// One transition of any session.
    fn change_any(&mut self) -> anyhow::Result<()> {
        let session = if self.draw(1000) == 0 {
            BUSY
        } else {
            self.draw(SESSIONS)
        };
        self.change(session)
    }

    fn change(&mut self, session: usize) -> anyhow::Result<()> {
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let one_of_eight = self.draw(8) == 0;
        self.sessions[session] = match self.sessions[session] {
            None => {
                let name = format!("service-{:02}/{session}", session % SERVICES);
                let (key, _) = self.driver.open(name.parse()?, None, peer)?;
                Some((key, true))
            }
            Some((key, _)) if one_of_eight => {
                self.driver.close(key)?;
                None
            }
            Some((key, true)) => {
                self.driver.detach(key, Disconnect::Reset)?;
                Some((key, false))
            }
            Some((key, false)) => {
                self.driver
                    .beat(key, Vitals::default(), Some(Duration::from_micros(250)))?;
                Some((key, true))
            }
        };
        Ok(())
    }
}

/// Keeps to the rate for so long, and watches the journal meanwhile.
fn write_for(duration: Duration, fleet: &mut Fleet, archive: &Archive) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let before = archive.status();
    let thread = journal_thread()?;
    let cpu_before = thread_time(&thread)?;
    let watch = Stopwatch::start();
    let mut last_commit = before.commits;
    while watch.elapsed() < duration {
        let due = u64::try_from(watch.elapsed().as_micros())? * u64::from(PER_SECOND) / 1_000_000;
        while seen.transitions < due {
            fleet.change_any()?;
            seen.transitions += 1;
        }
        let status = archive.status();
        if last_commit < status.commits {
            last_commit = status.commits;
            seen.commits.push(status.commit);
        }
        seen.most_pending = seen.most_pending.max(status.pending);
        if let Some((_, why)) = status.failing {
            bail!("the journal fails: {why}");
        }
        settle(STEP);
    }
    let asked = watch.elapsed();
    // Behind by no more than the events of a few batches, or it did not keep up.
    let written = wait_until_written(archive)?;
    seen.took = asked;
    seen.lost = (before.written + seen.transitions).saturating_sub(written);
    seen.writing = thread_time(&thread)?.saturating_sub(cpu_before);
    seen.bytes = archive.status().size_bytes;
    Ok(seen)
}

/// Waits until nothing is left to be written, and says how much was in all. The log keeps no more than
/// so many events for a journal that does not keep up, so that may be less than was asked for.
fn wait_until_written(archive: &Archive) -> anyhow::Result<u64> {
    let watch = Stopwatch::start();
    let (mut written, mut still) = (0, 0);
    while still < STILL {
        let status = archive.status();
        let is_still = status.pending == 0 && status.written == written;
        still = if is_still { still + 1 } else { 0 };
        written = status.written;
        if Duration::from_secs(120) < watch.elapsed() {
            bail!("the journal does not come to rest: {status:?}");
        }
        settle(STEP);
    }
    Ok(written)
}

/// The scheduler's account of the thread that writes.
fn journal_thread() -> anyhow::Result<std::path::PathBuf> {
    for task in fs::read_dir("/proc/self/task")? {
        let path = task?.path();
        if fs::read_to_string(path.join("comm"))?.trim() == "carotid-journal" {
            return Ok(path.join("schedstat"));
        }
    }
    bail!("no thread writes a journal")
}

fn thread_time(schedstat: &Path) -> anyhow::Result<Duration> {
    process::running_time(schedstat)
}

/// Gives each service a row for each hour of the month before, as if it had run all along.
fn spread_over_a_month(folder: &Path) -> anyhow::Result<()> {
    let connection = rusqlite::Connection::open(folder.join("carotid.db"))?;
    connection.execute(
        "WITH RECURSIVE ago(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM ago WHERE n < 720)
         INSERT OR IGNORE INTO service_hours
         SELECT service, hour - n * ?1, pass_ms, warn_ms, down_ms, unknown_ms, opened, deaths, reason
         FROM (SELECT * FROM service_hours GROUP BY service), ago",
        [HOUR_MS],
    )?;
    Ok(())
}

/// The slowest and the middle one of some answers.
struct Asked {
    name: [Duration; 2],
    service: [Duration; 2],
    events_of_service: u64,
}

fn ask(archive: &Archive, times: usize) -> anyhow::Result<Asked> {
    let now = jiff::Timestamp::now();
    let reach = |limit| Reach {
        before: None,
        since: now - MONTH,
        limit,
    };
    let time = |subject: Subject, limit| -> anyhow::Result<[Duration; 2]> {
        let mut took = Vec::new();
        for _ in 0..times {
            let watch = Stopwatch::start();
            let history = archive.history(&subject, reach(limit), now)?;
            took.push(watch.elapsed());
            let history = history.context("what was written is known")?;
            if history.events.len() < limit {
                bail!("{subject:?} has only {} events", history.events.len());
            }
        }
        took.sort();
        Ok([took[took.len() / 2], took[took.len() - 1]])
    };
    let name = format!("service-{:02}/{BUSY}", BUSY % SERVICES);
    let connection = rusqlite::Connection::open(archive.path())?;
    let count = "SELECT count(*) FROM events WHERE service = 1";
    let events: i64 = connection.query_row(count, (), |row| row.get(0))?;
    Ok(Asked {
        name: time(Subject::Name(name), 100)?,
        service: time(Subject::Service("service-00".to_owned()), 1)?,
        events_of_service: u64::try_from(events)?,
    })
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn section(mut seen: Seen, asked: &Asked, restored: Duration, sessions: u32) -> Section {
    seen.commits.sort();
    let commit = |per_cent: usize| {
        let rank = (seen.commits.len() * per_cent / 100).min(seen.commits.len().saturating_sub(1));
        ms(seen.commits.get(rank).copied().unwrap_or_default())
    };
    let rate = (seen.transitions - seen.lost) as f64 / seen.took.as_secs_f64();
    let share = seen.writing.as_secs_f64() / seen.took.as_secs_f64() * 100.0;
    let mut text = String::from("| | |\n|---|---|\n");
    let mut row = |what: &str, figure: String| {
        writeln!(text, "| {what} | {figure} |").expect("writing to a string does not fail");
    };
    row(
        &format!("transitions written, {SESSIONS} sessions in random order, with evidence"),
        format!("{rate:.0}/s for {:.0} s", seen.took.as_secs_f64()),
    );
    row(
        "processor time of the thread that writes",
        format!("{share:.0} % of a core"),
    );
    row("a batch until it is durable, median", commit(50));
    row("a batch until it is durable, p99", commit(99));
    row("events waiting, at most", seen.most_pending.to_string());
    row("size of the file", format!("{} MB", seen.bytes / 1_000_000));
    let [of_name, of_service] = LONGEST_ANSWERS;
    let is_soon = asked.name[0] <= of_name && asked.service[0] <= of_service;
    let [median, most] = asked.name.map(ms);
    row(
        "last 100 events of a name, with its availability, median and most",
        format!("{median}, {most}"),
    );
    let [median, most] = asked.service.map(ms);
    row(
        &format!(
            "30 days of a service with {} events and 720 hours, median and most",
            asked.events_of_service
        ),
        format!("{median}, {most}"),
    );
    row(
        "a restart: opening it and taking up what it remembers",
        format!("{} for {sessions} sessions", ms(restored)),
    );
    Section {
        name: "journal",
        text,
        passed: seen.lost == 0 && seen.most_pending < u64::from(PER_SECOND) && is_soon,
    }
}

fn ms(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}
