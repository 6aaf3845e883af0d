//! The tables that people read.

use std::fmt::Write as _;

use carotid_sim::comparison::{SelfCalibrated, Tuned};
use carotid_sim::curve::Point;
use carotid_sim::fleet::Reading;
use carotid_sim::rival::Rule;

use super::{Outcome, RATES, REREAD_SEEDS};

/// A reading's name in tables.
pub(super) const fn name(reading: Reading) -> &'static str {
    match reading {
        Reading::Usual => "usual",
        Reading::LightCongestion => "congestion delays half as much",
        Reading::HeavyCongestion => "congestion delays twice as much",
        Reading::OutagesOnWideArea => "outages on wide-area paths too",
    }
}

/// All tables: the usual reading's with all its seeds, then all readings' with a few.
pub(super) fn markdown(seeds: u64, hours: f64, usual: &Outcome, all: &[Outcome]) -> String {
    let mut text = format!(
        "Seeds 1 to {seeds}, 80 sessions for {hours} h each, a beat a second.\n\n\
         Each detector with the knob that serves it best, found in hindsight:\n\n"
    );
    tuned(&mut text, usual).expect(WRITES);
    text.push_str("\nR2Q left to itself, told nothing but the target:\n\n");
    left_alone(&mut text, &usual.left_alone).expect(WRITES);
    writeln!(
        text,
        "\nWhat hangs on the fleet (the first {REREAD_SEEDS} seeds at most); T_D of R2Q and of the \
         best of the others, and what R2Q left to itself achieves:\n"
    )
    .expect(WRITES);
    readings(&mut text, all).expect(WRITES);
    text
}

const WRITES: &str = "writing to a string does not fail";

fn tuned(text: &mut String, outcome: &Outcome) -> std::fmt::Result {
    let [many, few] = RATES;
    writeln!(
        text,
        "| detector | bytes a session | T_D at ≤ {many} mistakes | T_D at ≤ {few} | knob | at ≤ {many} | at ≤ {few} |\n\
         |---|---|---|---|---|---|---|"
    )?;
    for tuned in &outcome.tuned {
        let best = RATES.map(|rate| tuned.curve.best(rate));
        let detection = best.map(|point| seconds(point.as_ref()));
        let knob = best.map(|point| figure(point.map(|point| point.knob)));
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            tuned.rule.name(),
            tuned.rule.bytes(),
            detection[0],
            detection[1],
            tuned.rule.knob(),
            knob[0],
            knob[1],
        )?;
    }
    Ok(())
}

fn left_alone(text: &mut String, left_alone: &[SelfCalibrated]) -> std::fmt::Result {
    writeln!(
        text,
        "| target | mistakes | least and most of a seed | mistakes / target | T_D |\n|---|---|---|---|---|"
    )?;
    for r2q in left_alone {
        let rates = r2q.rates().iter().copied();
        writeln!(
            text,
            "| {} | {:.2} | {:.2} – {:.2} | {:.2} | {:.2} s |",
            r2q.target,
            r2q.mistakes(),
            rates.clone().fold(f64::INFINITY, f64::min),
            rates.fold(0.0, f64::max),
            r2q.mistakes() / r2q.target,
            r2q.detection(),
        )?;
    }
    Ok(())
}

fn readings(text: &mut String, outcomes: &[Outcome]) -> std::fmt::Result {
    let [many, few] = RATES;
    writeln!(
        text,
        "| fleet | R2Q at ≤ {many} | next best | R2Q at ≤ {few} | next best | target {many}: mistakes | target {few}: mistakes |\n\
         |---|---|---|---|---|---|---|"
    )?;
    for outcome in outcomes {
        write!(text, "| {} |", name(outcome.reading))?;
        for rate in RATES {
            let ours = outcome
                .tuned
                .iter()
                .find(|tuned| tuned.rule == Rule::R2q)
                .and_then(|tuned| tuned.curve.best(rate));
            let rival = best_rival(&outcome.tuned, rate);
            let name = rival.map_or("none", |(rule, _)| rule.name());
            let theirs = rival.map(|(_, point)| point);
            let (ours, theirs) = (seconds(ours.as_ref()), seconds(theirs.as_ref()));
            write!(text, " {ours} | {name} {theirs} |")?;
        }
        for rate in RATES {
            let r2q = outcome.left_alone.iter().find(|r2q| r2q.target == rate);
            write!(text, " {} |", figure(r2q.map(SelfCalibrated::mistakes)))?;
        }
        writeln!(text)?;
    }
    Ok(())
}

/// Which of the others is the first to notice, with no more than so many mistakes.
fn best_rival(tuned: &[Tuned], rate: f64) -> Option<(Rule, Point)> {
    tuned
        .iter()
        .filter(|tuned| tuned.rule != Rule::R2q)
        .filter_map(|tuned| Some((tuned.rule, tuned.curve.best(rate)?)))
        .min_by(|(_, left), (_, right)| left.detection.total_cmp(&right.detection))
}

/// A detection time; a detector that makes more mistakes at any knob has none.
fn seconds(point: Option<&Point>) -> String {
    point.map_or_else(
        || "never".to_owned(),
        |point| format!("{:.2} s", point.detection),
    )
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
}
