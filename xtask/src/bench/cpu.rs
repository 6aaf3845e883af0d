//! Processor time that a server spends per ping.

use std::time::Duration;

use super::contender::{Contender, Programs};
use super::load::{Load, Shape, Sizes};
use super::table::Line;

/// How long to measure, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    rounds: u32,
    warm_up: Duration,
    measured: Duration,
}

impl Effort {
    /// Enough for a figure to quote, or to see that it works.
    pub(crate) fn new(quick: bool) -> Self {
        let milliseconds = Duration::from_millis;
        if quick {
            Self {
                rounds: 2,
                warm_up: milliseconds(100),
                measured: milliseconds(400),
            }
        } else {
            Self {
                rounds: 5,
                warm_up: milliseconds(500),
                measured: milliseconds(2000),
            }
        }
    }
}

/// Measures all contenders in turn, round after round, so that a slow moment of
/// the machine falls on each of them; the medians are compared.
pub(crate) fn measure(programs: &Programs, shape: Shape, effort: Effort) -> anyhow::Result<Line> {
    let sizes = programs.sizes()?;
    let mut figures = Contender::ALL.map(|contender| (contender, Vec::new()));
    for round in 1..=effort.rounds {
        for (contender, costs) in &mut figures {
            let cost = one_round(programs, *contender, sizes, shape, effort)?;
            eprintln!("{shape:?} round {round} {contender:?}: {cost:.3} µs of CPU per ping");
            costs.push(cost);
        }
    }
    let [go, raw, carotid] = figures.map(|(_, costs)| median(costs));
    let manner = match shape.in_flight {
        1 => "one ping at a time".to_owned(),
        more => format!("{more} pings in flight on each"),
    };
    Ok(Line {
        what: format!(
            "server CPU per ping, {} connections, {manner}",
            shape.connections
        ),
        unit: "µs",
        go,
        raw,
        carotid,
        redis: None,
    })
}

/// Microseconds per ping.
fn one_round(
    programs: &Programs,
    contender: Contender,
    sizes: Sizes,
    shape: Shape,
    effort: Effort,
) -> anyhow::Result<f64> {
    let server = contender.start(programs, sizes)?;
    let mut load = Load::connect(server.address(), shape, contender.talk(sizes))?;
    load.run(effort.warm_up)?;
    let before = server.cpu()?;
    let pings = load.run(effort.measured)?;
    let spent = server.cpu()?.saturating_sub(before);
    Ok(spent.as_secs_f64() * 1e6 / (pings as f64))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
