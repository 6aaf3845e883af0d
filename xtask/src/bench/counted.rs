//! What runs under callgrind: a stage of a ping's way through the daemon, a given number of times.
//!
//! No clock, socket or chance takes part, so the count of instructions is the same in each run.

use std::hint::black_box;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use carotid::core::{BreakerConfig, Config, Engine, Open, SessionName, Tick, Vitals};
use carotid::netrpc::Answer;
use carotid::netrpc::codec::{Incoming, ServerCodec};
use carotid::{Driver, SessionKey};
use clap::ValueEnum;

use super::wire::Pings;

/// Sessions that take turns at beating, when the engine is counted alone.
const SESSIONS: u32 = 100;

/// How far a beat may be off its interval.
const JITTER: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_micros(300),
    Duration::from_millis(2),
    Duration::from_micros(40),
];

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    stage: Stage,
    /// Pings, a multiple of those in flight.
    #[arg(long)]
    pings: u32,
    /// Pings that are read at once.
    #[arg(long, default_value_t = 1)]
    in_flight: u32,
}

/// How far a ping goes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Stage {
    /// Bytes to a call, and an answer to bytes.
    Codec,
    /// The same, with a beat of the session between.
    Driver,
    /// A beat of the engine alone.
    Engine,
}

/// Runs a stage.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let batches = options.pings / options.in_flight;
    match options.stage {
        Stage::Codec => {
            exchange(batches, options.in_flight, |_| Ok(()))?;
        }
        Stage::Driver => {
            let driver = Driver::new(&Config::default(), BreakerConfig::default())?;
            let peer = SocketAddr::from(([127, 0, 0, 1], 1));
            let name: SessionName = NAME.parse()?;
            let key = driver.open(name, None, peer)?.0;
            exchange(batches, options.in_flight, |name| beat(&driver, key, name))?;
        }
        Stage::Engine => engine(options.pings / SESSIONS)?,
    }
    Ok(ExitCode::SUCCESS)
}

const NAME: &str = "bench/00000000";

/// Reads the same batch of pings again and again, and answers each.
fn exchange(
    batches: u32,
    in_flight: u32,
    mut on_ping: impl FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut codec = ServerCodec::new(64 * 1024);
    let mut pings = Pings::new(NAME);
    let (mut batch, mut out) = (Vec::new(), Vec::new());
    let pong = Answer::text("Pong");
    let mut answer = |bytes: &[u8], out: &mut Vec<u8>| -> anyhow::Result<u32> {
        let mut input = black_box(bytes);
        let mut answered = 0;
        while let Some(incoming) = codec.poll(&mut input)? {
            let Incoming::Call(mut call) = incoming else {
                continue;
            };
            on_ping(&call.argument.as_str()?)?;
            let (method, id) = (call.method, call.id);
            codec.reply(out, &method, &id, Ok(&pong));
            answered += 1;
        }
        Ok(answered)
    };
    answer(&pings.first(), &mut out)?;
    pings.next(usize::try_from(in_flight)?, &mut batch);
    for _ in 0..batches {
        out.clear();
        let answered = answer(&batch, &mut out)?;
        ensure!(answered == in_flight, "a ping was not understood");
        black_box(&out);
    }
    Ok(())
}

fn beat(driver: &Driver, key: SessionKey, name: &str) -> anyhow::Result<()> {
    ensure!(name == NAME, "a ping in another name");
    black_box(driver.beat(key, Vitals::default(), None)).context("the session is gone")?;
    Ok(())
}

/// Beats at their intervals, with a little jitter; nothing is ever suspected.
fn engine(rounds: u32) -> anyhow::Result<()> {
    let config = Config::default();
    let interval = config.terms.interval();
    let mut engine = Engine::new(&config)?;
    let mut ids = Vec::new();
    for number in 0..SESSIONS {
        let open = Open {
            name: format!("bench/{number:08}").parse()?,
            terms: None,
        };
        ids.push(engine.open(Tick::from_nanos(0), open)?.id);
    }
    while engine.poll_event().is_some() {}
    for (round, jitter) in (1..=rounds).zip(JITTER.into_iter().cycle()) {
        let now = Tick::from_nanos(0).after(interval * round + jitter);
        for &id in &ids {
            black_box(engine.beat(now, id, Vitals::default()))?;
        }
    }
    ensure!(engine.poll_event().is_none(), "a beat was no mere beat");
    Ok(())
}
