//! Detection time against mistakes, as an SVG that follows the reader's light or dark mode.

use std::fmt::{self, Write as _};

use carotid_sim::comparison::Tuned;
use carotid_sim::curve::Point;
use carotid_sim::rival::Rule;

use super::{Outcome, RATES};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 465.0;

/// Mistakes for each session and day.
const X: Axis = Axis {
    least: 2.0,
    most: 200.0,
    from: LEFT,
    to: RIGHT,
    marks: &[2.0, 5.0, 10.0, 24.0, 50.0, 100.0, 200.0],
};

/// Seconds from a crash to its suspicion.
const Y: Axis = Axis {
    least: 1.0,
    most: 30.0,
    from: BOTTOM,
    to: TOP,
    marks: &[1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0],
};

/// Neighbouring points of a line are at least so far apart, in pixels.
const RESOLUTION: f64 = 3.0;

/// Colours of a middle lightness, to be told from white and from black; the dashes are for those
/// who cannot tell the colours from each other.
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#333}\
.grid{stroke:#8884;stroke-width:1}.goal{stroke:#888;stroke-width:1;stroke-dasharray:2 3}\
.line{fill:none;stroke-width:1.8;stroke-linejoin:round}\
@media(prefers-color-scheme:dark){text{fill:#ddd}}";

/// A logarithmic axis.
struct Axis {
    least: f64,
    most: f64,
    from: f64,
    to: f64,
    marks: &'static [f64],
}

impl Axis {
    fn place(&self, value: f64) -> f64 {
        let share = (value / self.least).ln() / (self.most / self.least).ln();
        self.from + share * (self.to - self.from)
    }

    fn holds(&self, value: f64) -> bool {
        (self.least..=self.most).contains(&value)
    }
}

/// The plot of one outcome.
pub(super) fn svg(outcome: &Outcome) -> String {
    let mut text = String::new();
    draw(&mut text, outcome).expect("writing to a string does not fail");
    text
}

fn draw(svg: &mut String, outcome: &Outcome) -> fmt::Result {
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
         <title>Detection time against false suspicions, for eight detectors</title>\n\
         <style>{STYLE}</style>"
    )?;
    grid(svg)?;
    for tuned in outcome.tuned.iter().rev() {
        let (colour, dashes) = look(tuned.rule);
        let width = if tuned.rule == Rule::R2q { 3.5 } else { 1.8 };
        let path = path(&tuned.curve.points());
        writeln!(
            svg,
            "<path class=\"line\" stroke=\"{colour}\" stroke-dasharray=\"{dashes}\" style=\"stroke-width:{width}\" d=\"{path}\"/>"
        )?;
    }
    for r2q in &outcome.left_alone {
        let (x, y) = (X.place(r2q.mistakes()), Y.place(r2q.detection()));
        let colour = look(Rule::R2q).0;
        if X.holds(r2q.mistakes()) && Y.holds(r2q.detection()) {
            writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" fill=\"{colour}\"><title>R2Q, target {}</title></circle>",
                r2q.target
            )?;
        }
    }
    legend(svg, &outcome.tuned)?;
    writeln!(svg, "</svg>")
}

fn grid(svg: &mut String) -> fmt::Result {
    for mark in X.marks {
        let x = X.place(*mark);
        let class = if RATES.contains(mark) { "goal" } else { "grid" };
        writeln!(
            svg,
            "<line class=\"{class}\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{BOTTOM}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{mark}</text>",
            BOTTOM + 18.0
        )?;
    }
    for mark in Y.marks {
        let y = Y.place(*mark);
        writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{mark} s</text>",
            LEFT - 8.0,
            y + 4.0
        )?;
    }
    writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{:.1}\">mean detection time</text>\
         <text x=\"{RIGHT}\" y=\"{:.1}\" text-anchor=\"end\">false suspicions for each session and day</text>",
        TOP - 12.0,
        BOTTOM + 40.0
    )
}

/// The detectors from the latest to the soonest, as their lines lie at the rarer goal.
fn legend(svg: &mut String, tuned: &[Tuned]) -> fmt::Result {
    let [.., rare] = RATES;
    let detection = |tuned: &Tuned| {
        let best = tuned.curve.best(rare);
        best.map_or(f64::INFINITY, |point| point.detection)
    };
    let mut rows: Vec<&Tuned> = tuned.iter().collect();
    rows.sort_by(|left, right| detection(right).total_cmp(&detection(left)));
    let (from, to, mut y) = (RIGHT + 16.0, RIGHT + 46.0, TOP + 12.0);
    for tuned in rows {
        let (colour, dashes) = look(tuned.rule);
        writeln!(
            svg,
            "<line x1=\"{from}\" y1=\"{y}\" x2=\"{to}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-dasharray=\"{dashes}\"/>\
             <text x=\"{}\" y=\"{}\">{}</text>",
            to + 8.0,
            y + 4.0,
            tuned.rule.name()
        )?;
        y += 24.0;
    }
    writeln!(
        svg,
        "<circle cx=\"{}\" cy=\"{y}\" r=\"4.5\" fill=\"{}\"/><text x=\"{}\" y=\"{}\">R2Q, left alone</text>",
        (from + to) / 2.0,
        look(Rule::R2q).0,
        to + 8.0,
        y + 4.0
    )
}

/// The curve's part within both axes, thinned to what can be seen.
fn path(points: &[Point]) -> String {
    let mut path = String::new();
    let mut last: Option<(f64, f64)> = None;
    for point in points {
        if !X.holds(point.mistakes) || !Y.holds(point.detection) {
            continue;
        }
        let (x, y) = (X.place(point.mistakes), Y.place(point.detection));
        if last.is_some_and(|(last_x, last_y)| (x - last_x).hypot(y - last_y) < RESOLUTION) {
            continue;
        }
        let command = if last.is_none() { 'M' } else { 'L' };
        write!(path, "{command}{x:.1} {y:.1}").expect("writing to a string does not fail");
        last = Some((x, y));
    }
    path
}

/// A detector's colour and dashes.
const fn look(rule: Rule) -> (&'static str, &'static str) {
    match rule {
        Rule::R2q => ("#d6336c", "none"),
        Rule::Fixed => ("#868e96", "none"),
        Rule::PhiNormal => ("#1c7ed6", "none"),
        Rule::Akka => ("#1098ad", "6 3"),
        Rule::Cassandra => ("#4263eb", "2 3"),
        Rule::Jacobson => ("#2f9e44", "none"),
        Rule::TwoWindows => ("#e8890c", "6 3"),
        Rule::Chen => ("#ae3ec9", "8 3 2 3"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Point, X, Y, path};

    #[test]
    fn axes_run_from_end_to_end() {
        assert!((X.place(X.least) - X.from).abs() < 1e-9);
        assert!((Y.place(Y.most) - Y.to).abs() < 1e-9);
    }

    #[test]
    fn a_line_keeps_within_the_axes_and_is_thinned() {
        let point = |mistakes, detection| Point {
            knob: 1.0,
            mistakes,
            detection,
        };
        let points = [
            point(500.0, 1.5),
            point(200.0, 1.0),
            point(199.9, 1.001),
            point(2.0, 30.0),
            point(1.0, 31.0),
        ];
        assert_eq!(path(&points), "M690.0 465.0L60.0 30.0");
    }
}
