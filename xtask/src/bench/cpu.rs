//! Processor time that a server spends per ping.

use std::time::Duration;

use super::contender::{Contender, Programs};
use super::load::{Load, Shape, Sizes};
use super::table::{Line, Ratios};

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
                rounds: 3,
                warm_up: milliseconds(100),
                measured: milliseconds(400),
            }
        } else {
            Self {
                rounds: 11,
                warm_up: milliseconds(300),
                measured: milliseconds(1000),
            }
        }
    }
}

/// Measures all contenders in turn, round after round, so that a slow moment of
/// the machine falls on each of them; the medians are compared. The ratios are
/// medians of each round's own, from which the machine's drift is gone.
pub(crate) fn measure(programs: &Programs, shape: Shape, effort: Effort) -> anyhow::Result<Line> {
    let sizes = programs.sizes()?;
    let mut rounds = Vec::new();
    for number in 1..=effort.rounds {
        let mut costs = [0.0; Contender::ALL.len()];
        for (contender, cost) in Contender::ALL.into_iter().zip(&mut costs) {
            *cost = one_round(programs, contender, sizes, shape, effort)?;
        }
        let [go, raw, carotid] = costs;
        eprintln!(
            "{shape:?} round {number}, µs of CPU per ping: Go {go:.3}, raw {raw:.3}, carotid \
             {carotid:.3} ({:.2}× raw)",
            carotid / raw
        );
        rounds.push(costs);
    }
    let over = |figure: fn(&[f64; 3]) -> f64| median(rounds.iter().map(figure).collect());
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
        go: Some(over(|[go, _, _]| *go)),
        raw: Some(over(|[_, raw, _]| *raw)),
        carotid: Some(over(|[_, _, carotid]| *carotid)),
        redis: None,
        ratios: Some(Ratios {
            to_raw: over(|[_, raw, carotid]| carotid / raw),
            to_go: over(|[go, _, carotid]| carotid / go),
        }),
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
