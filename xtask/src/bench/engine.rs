//! The engine by itself: a beat, the table, and how late an expiry comes.

use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use carotid_core::{
    Breaker, BreakerConfig, Config, Engine, EventKind, Open, SessionId, Terms, Tick, Vitals,
};

use super::contender::Programs;
use super::process;
use super::redis::{self, Redis};
use super::table::Line;
use crate::clock::{self, Stopwatch};

const SESSIONS: u32 = 1_000_000;
const BEATS_EACH: u32 = 3;

/// All measurements at a million sessions.
pub(crate) fn measure(programs: &Programs, quick: bool) -> anyhow::Result<Vec<Line>> {
    let go = GoTable::measure(programs)?;
    let redis = redis::measure(SESSIONS)?;
    let mut lines = table_and_beat(&go, redis.as_ref())?;
    let spread = Duration::from_secs(if quick { 2 } else { 10 });
    lines.extend(lateness(spread)?);
    lines.extend(lateness(Duration::ZERO)?);
    lines.extend(mass_silence()?);
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

fn table_and_beat(go: &GoTable, redis: Option<&Redis>) -> anyhow::Result<Vec<Line>> {
    let before = process::resident("self")?;
    let mut engine = Engine::new(&config(Terms::default()))?;
    let mut breaker = Breaker::new(BreakerConfig::default(), 1)?;
    open_all(&mut engine, &mut breaker, |_| Tick::from_nanos(0))?;
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
            redis: redis.map(|redis| redis.bytes_per_key),
            carotid: Some(bytes),
            ..Line::default()
        },
        Line {
            what: format!(
                "one beat, 1 M sessions, random order (resident memory +{grown} B over {beats} beats)"
            ),
            unit: "ns",
            go: go.touch_ns,
            redis: redis.map(|redis| redis.touch_ns),
            carotid: Some(spent.as_secs_f64() * 1e9 / beats),
            ..Line::default()
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

fn open_all(
    engine: &mut Engine,
    breaker: &mut Breaker,
    at: impl Fn(u32) -> Tick,
) -> anyhow::Result<()> {
    for number in 0..SESSIONS {
        let open = Open {
            name: name(number).parse()?,
            terms: None,
        };
        engine.open(at(number), open)?;
        while let Some(event) = engine.poll_event() {
            breaker.observe(&event);
        }
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
        engine.beat(now, id, Vitals::default())?;
    }
    Ok(())
}

/// A million sessions that stop beating: how long after its deadline is each
/// one's death in the hands of whoever drains the engine?
fn lateness(spread: Duration) -> anyhow::Result<Vec<Line>> {
    let terms = Terms::new(Duration::from_secs(10), Duration::from_secs(30))?;
    let mut engine = Engine::new(&config(terms))?;
    let origin = Tick::from_nanos(0);
    // Not mass silence, which would hold them.
    let mut breaker = Breaker::new(
        BreakerConfig {
            share: 1.0,
            ..BreakerConfig::default()
        },
        1,
    )?;
    open_all(&mut engine, &mut breaker, |number| {
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
        engine.handle_timeout(now(), &mut breaker);
        while let Some(event) = engine.poll_event() {
            breaker.observe(&event);
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

/// A million sessions that fall silent together: how many incidents, how long nobody dies, and how
/// many die in the worst second after that. In virtual time, as fast as the engine can.
fn mass_silence() -> anyhow::Result<Vec<Line>> {
    let terms = Terms::new(Duration::from_secs(10), Duration::from_secs(30))?;
    let mut engine = Engine::new(&config(terms))?;
    let mut breaker = Breaker::new(BreakerConfig::default(), 1)?;
    let origin = Tick::from_nanos(0);
    open_all(&mut engine, &mut breaker, |_| origin)?;
    let (mut deaths, mut incidents) = (Vec::with_capacity(SESSIONS as usize), 0);
    while deaths.len() < SESSIONS as usize {
        let now = engine.poll_timeout().context("somebody is never let go")?;
        engine.handle_timeout(now, &mut breaker);
        while breaker.poll_incident().is_some() {
            incidents += 1;
        }
        while let Some(event) = engine.poll_event() {
            breaker.observe(&event);
            if event.kind.is_terminal() {
                deaths.push(event.at.since(origin));
            }
        }
    }
    let (mut first, mut most) = (0, 0);
    for (last, at) in deaths.iter().enumerate() {
        while deaths[first] + Duration::from_secs(1) <= *at {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    let held = deaths[0].saturating_sub(terms.timeout());
    let line = |what: &str, unit, figure: f64| Line {
        what: format!("1 M sessions silent at once, mass silence: {what}"),
        unit,
        carotid: Some(figure),
        ..Line::default()
    };
    Ok(vec![
        line("incidents", "", f64::from(incidents)),
        line("deaths held for", "s", held.as_secs_f64()),
        line("most deaths in a second then", "", most as f64),
    ])
}
