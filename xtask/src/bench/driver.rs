//! How beats reach the engine from several threads: shards behind locks, as carotid does it, beside
//! one lock for all and a channel to a thread that owns the engine.

use std::net::SocketAddr;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use carotid::Driver;
use carotid_core::{BreakerConfig, Config, Engine, Open, SessionId, SessionName, Tick, Vitals};

use super::process;
use super::table::Line;

const SESSIONS: u32 = 100_000;
const BEATERS: u32 = 2;
/// Beats waiting in the channel at most.
const QUEUE: usize = 1024;

/// One way for beats to reach the engine.
type Way = (&'static str, fn(u32) -> anyhow::Result<Duration>);

const WAYS: [Way; 3] = [
    ("shards behind locks", sharded),
    ("one lock", one_lock),
    ("a channel to the owning thread", channel),
];

/// Processor time of one beat from two threads, three ways; medians of interleaved rounds.
pub(crate) fn measure(quick: bool) -> anyhow::Result<Vec<Line>> {
    let (rounds, beats) = if quick { (2, 200_000) } else { (7, 1_000_000) };
    let mut spent = WAYS.map(|_| Vec::new());
    for _ in 0..rounds {
        for ((_, run), spent) in WAYS.iter().zip(&mut spent) {
            spent.push(run(beats)?);
        }
    }
    let median = |mut spent: Vec<Duration>| {
        spent.sort();
        spent[spent.len() / 2]
    };
    let lines = WAYS.iter().zip(spent);
    Ok(lines
        .map(|((way, _), spent)| line(way, median(spent), beats))
        .collect())
}

fn line(way: &str, spent: Duration, beats: u32) -> Line {
    let all_beats = f64::from(beats) * f64::from(BEATERS);
    Line {
        what: format!("one beat from {BEATERS} threads at once, 100,000 sessions: {way}"),
        unit: "ns",
        carotid: Some(spent.as_secs_f64() * 1e9 / all_beats),
        ..Line::default()
    }
}

fn sharded(beats: u32) -> anyhow::Result<Duration> {
    let driver = Driver::new(&Config::default(), BreakerConfig::default())?;
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let keys = (0..SESSIONS)
        .map(|number| Ok(driver.open(name(number)?, None, peer)?.0))
        .collect::<anyhow::Result<Vec<_>>>()?;
    in_threads(beats, |choice| {
        let beaten = driver.beat(keys[choice], Vitals::default(), None);
        beaten.expect("nothing dies in seconds");
    })
}

fn one_lock(beats: u32) -> anyhow::Result<Duration> {
    let (engine, ids) = engine()?;
    let engine = Mutex::new(engine);
    in_threads(beats, |choice| {
        let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
        let beaten = engine.beat(Tick::from_nanos(1), ids[choice], Vitals::default());
        beaten.expect("nothing dies in no time");
    })
}

fn channel(beats: u32) -> anyhow::Result<Duration> {
    let (mut engine, ids) = engine()?;
    let (sender, receiver) = sync_channel::<SessionId>(QUEUE);
    thread::scope(|scope| {
        let owner = scope.spawn(move || {
            for id in receiver {
                let beaten = engine.beat(Tick::from_nanos(1), id, Vitals::default());
                beaten.expect("nothing dies in no time");
            }
            process::thread_cpu()
        });
        let senders = in_threads(beats, |choice| {
            sender.send(ids[choice]).expect("the owner listens");
        })?;
        drop(sender);
        let owner = owner.join().expect("the owner does not panic")?;
        Ok(senders + owner)
    })
}

fn engine() -> anyhow::Result<(Engine, Vec<SessionId>)> {
    let mut engine = Engine::new(&Config::default())?;
    let mut ids = Vec::new();
    for number in 0..SESSIONS {
        let open = Open {
            name: name(number)?,
            terms: None,
        };
        ids.push(engine.open(Tick::from_nanos(0), open)?.id);
    }
    Ok((engine, ids))
}

fn name(number: u32) -> anyhow::Result<SessionName> {
    Ok(format!("bench/{number:08}").parse()?)
}

/// Calls `beat` with random choices of a session in each thread, and returns their processor time.
fn in_threads(beats: u32, beat: impl Fn(usize) + Sync) -> anyhow::Result<Duration> {
    let run = |seed: u32| {
        let mut random = u64::from(seed) + 0x9e37_79b9;
        for _ in 0..beats {
            // Xorshift (Marsaglia, 2003).
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let choice = (random >> 33) % u64::from(SESSIONS);
            beat(usize::try_from(choice).expect("a choice is below 100,000"));
        }
        process::thread_cpu()
    };
    thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..BEATERS)
            .map(|seed| scope.spawn(move || run(seed)))
            .collect();
        let spent = threads
            .into_iter()
            .map(|one| one.join().expect("a beater does not panic"));
        spent.sum()
    })
}
