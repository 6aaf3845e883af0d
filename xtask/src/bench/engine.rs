//! The engine by itself: a beat, the table, and how late an expiry comes.

use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use carotid_core::{Config, Engine, EventKind, Open, SessionId, Terms, Tick};

use super::contender::Programs;
use super::process;
use super::table::Line;
use crate::clock::{self, Stopwatch};

const SESSIONS: u32 = 1_000_000;
const BEATS_EACH: u32 = 3;

/// All measurements at a million sessions.
pub(crate) fn measure(programs: &Programs, quick: bool) -> anyhow::Result<Vec<Line>> {
    let go = GoTable::measure(programs)?;
    let mut lines = table_and_beat(&go)?;
    let spread = Duration::from_secs(if quick { 2 } else { 10 });
    lines.extend(lateness(spread)?);
    lines.extend(lateness(Duration::ZERO)?);
    Ok(lines)
}

/// The recipe's map, measured by a Go program.
struct GoTable {
    bytes_per_entry: Option<f64>,
    touch_ns: Option<f64>,
}

impl GoTable {
    fn measure(programs: &Programs) -> anyhow::Result<Self> {
        let output = Command::new(programs.go.join("table"))
            .output()
            .context("cannot start table")?;
        let said: serde_json::Value =
            serde_json::from_slice(&output.stdout).context("table did not print its figures")?;
        let figure = |name: &str| said.get(name).and_then(serde_json::Value::as_f64);
        Ok(Self {
            bytes_per_entry: figure("bytes_per_entry"),
            touch_ns: figure("touch_ns"),
        })
    }
}

fn table_and_beat(go: &GoTable) -> anyhow::Result<Vec<Line>> {
    let before = process::resident("self")?;
    let mut engine = Engine::new(&config(Terms::default()))?;
    open_all(&mut engine, |_| Tick::from_nanos(0))?;
    let bytes = process::resident("self")?.saturating_sub(before) as f64 / f64::from(SESSIONS);

    let ids = shuffled_ids(&engine)?;
    beat_all(&mut engine, &ids, 0)?;
    let resident = process::resident("self")?;
    let spent = process::thread_cpu()?;
    for pass in 1..=BEATS_EACH {
        beat_all(&mut engine, &ids, pass)?;
    }
    let spent = process::thread_cpu()?.saturating_sub(spent);
    let grown = process::resident("self")?.saturating_sub(resident);
    let beats = f64::from(SESSIONS * BEATS_EACH);
    Ok(vec![
        Line {
            what: "table memory per session, 1 M sessions, names of 14 bytes".to_owned(),
            unit: "B",
            go: go.bytes_per_entry,
            raw: None,
            carotid: Some(bytes),
        },
        Line {
            what: format!(
                "one beat, 1 M sessions, random order (resident memory +{grown} B over {beats} beats)"
            ),
            unit: "ns",
            go: go.touch_ns,
            raw: None,
            carotid: Some(spent.as_secs_f64() * 1e9 / beats),
        },
    ])
}

fn config(terms: Terms) -> Config {
    Config {
        terms,
        max_sessions: SESSIONS,
        ..Config::default()
    }
}

fn name(number: u32) -> String {
    format!("bench/{number:08}")
}

fn open_all(engine: &mut Engine, at: impl Fn(u32) -> Tick) -> anyhow::Result<()> {
    for number in 0..SESSIONS {
        let open = Open {
            name: name(number).parse()?,
            terms: None,
        };
        engine.open(at(number), open)?;
        while engine.poll_event().is_some() {}
    }
    Ok(())
}

/// All ids in an order that no prefetcher foresees; the same one each time.
fn shuffled_ids(engine: &Engine) -> anyhow::Result<Vec<SessionId>> {
    let mut ids = Vec::with_capacity(SESSIONS as usize);
    for number in 0..SESSIONS {
        ids.push(
            engine
                .find(&name(number))
                .context("a session that was opened is gone")?,
        );
    }
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    for last in (1..ids.len()).rev() {
        // Xorshift (Marsaglia, 2003).
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let below = usize::try_from(random >> 33)? % (last + 1);
        ids.swap(last, below);
    }
    Ok(ids)
}

fn beat_all(engine: &mut Engine, ids: &[SessionId], pass: u32) -> anyhow::Result<()> {
    let now = Tick::from_nanos(0).after(Duration::from_secs(u64::from(pass)));
    for &id in ids {
        engine.beat(now, id)?;
    }
    Ok(())
}

/// A million sessions that stop beating: how long after its deadline is each
/// one's death in the hands of whoever drains the engine?
fn lateness(spread: Duration) -> anyhow::Result<Vec<Line>> {
    let terms = Terms::new(Duration::from_secs(10), Duration::from_secs(30))?;
    let mut engine = Engine::new(&config(terms))?;
    let origin = Tick::from_nanos(0);
    open_all(&mut engine, |number| {
        origin.after(spread * number / SESSIONS)
    })?;

    let mut late = Vec::with_capacity(SESSIONS as usize);
    // The sessions' silence is long past when the clock starts, but for a moment.
    let start = origin.after(terms.interval() * 2);
    let watch = Stopwatch::start();
    let now = || start.after(watch.elapsed());
    while let Some(due) = engine
        .poll_timeout()
        .filter(|_| late.len() < SESSIONS as usize)
    {
        clock::settle(due.since(now()));
        engine.handle_timeout(now());
        while let Some(event) = engine.poll_event() {
            if matches!(event.kind, EventKind::Dead { .. }) {
                let silent = event.silent + now().since(event.at);
                late.push(silent.saturating_sub(terms.timeout()));
            }
        }
    }
    late.sort();
    let at = |per_mille: usize| {
        let rank = (late.len() * per_mille / 1000).min(late.len().saturating_sub(1));
        late.get(rank).map(|late| late.as_secs_f64() * 1e3)
    };
    let line = |what: String, figure| Line {
        what,
        unit: "ms",
        carotid: figure,
        ..Line::default()
    };
    if spread.is_zero() {
        let what = "1 M sessions silent at once: time until the last is dead".to_owned();
        return Ok(vec![line(what, at(1000))]);
    }
    let over = format!("1 M sessions, deadlines spread over {} s", spread.as_secs());
    Ok(vec![
        line(format!("lateness of an expiry, {over}, median"), at(500)),
        line(format!("lateness of an expiry, {over}, p99.9"), at(999)),
        line(format!("lateness of an expiry, {over}, most"), at(1000)),
    ])
}
