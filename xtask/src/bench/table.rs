//! The table that people read.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

use anyhow::Context;

/// A part of docs/benchmarks.md that is made by a measurement, between markers of its name.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    /// Markdown.
    pub(crate) text: String,
    /// Whether what was measured is as it should be.
    pub(crate) passed: bool,
}

/// One measured thing. A contender that has no such thing has no figure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) go: Option<f64>,
    pub(crate) raw: Option<f64>,
    pub(crate) redis: Option<f64>,
    pub(crate) carotid: Option<f64>,
    /// The ratios, where they are known better than by dividing the figures.
    pub(crate) ratios: Option<Ratios>,
}

/// What carotid takes, as a multiple of what others take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratios {
    pub(crate) to_raw: f64,
    pub(crate) to_go: f64,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |value: Option<f64>| {
            value.map_or_else(
                || "–".to_owned(),
                |value| format!("{} {}", three_digits(value), self.unit),
            )
        };
        let ratio = |known: Option<f64>, other: Option<f64>| {
            let divided = match (self.carotid, other) {
                (Some(ours), Some(theirs)) if theirs > 0.0 => Some(ours / theirs),
                _ => None,
            };
            known.or(divided).map_or_else(
                || "–".to_owned(),
                |ratio| format!("{}×", three_digits(ratio)),
            )
        };
        write!(
            f,
            "| {} | {} | {} | {} | {} | {} | {} |",
            self.what,
            figure(self.go),
            figure(self.raw),
            figure(self.redis),
            figure(self.carotid),
            ratio(self.ratios.map(|ratios| ratios.to_raw), self.raw),
            ratio(self.ratios.map(|ratios| ratios.to_go), self.go),
        )
    }
}

fn three_digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The lines as a Markdown table.
pub(crate) fn markdown(lines: &[Line]) -> String {
    let mut text = String::from(
        "| | Go recipe | raw echo | Redis | carotid | carotid / raw | carotid / Go |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for line in lines {
        writeln!(text, "{line}").expect("writing to a string does not fail");
    }
    text
}

/// Puts the text between the markers of that name in a file, which gets them if it has none.
pub(crate) fn replace_in(path: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let old = fs::read_to_string(path).unwrap_or_else(|_| "# Benchmarks\n".to_owned());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, between_markers(&old, name, text))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn between_markers(old: &str, name: &str, text: &str) -> String {
    let (begin, end) = (
        format!("<!-- {name}: begin -->"),
        format!("<!-- {name}: end -->"),
    );
    let (before, after) = match (old.split_once(&begin), old.split_once(&end)) {
        (Some((before, _)), Some((_, after))) => (before.to_owned(), after.to_owned()),
        _ => (format!("{}\n\n", old.trim_end()), "\n".to_owned()),
    };
    format!("{before}{begin}\n{}\n{end}{after}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{Line, Ratios, between_markers};

    #[test]
    fn a_line_shows_ratios_only_where_both_figures_are() {
        let line = Line {
            what: "ping".into(),
            unit: "µs",
            go: Some(20.0),
            raw: None,
            redis: None,
            carotid: Some(5.0),
            ratios: None,
        };
        assert_eq!(
            line.to_string(),
            "| ping | 20.0 µs | – | – | 5.00 µs | – | 0.25× |"
        );
        let ratios = Some(Ratios {
            to_raw: 1.5,
            to_go: 0.2,
        });
        assert_eq!(
            Line { ratios, ..line }.to_string(),
            "| ping | 20.0 µs | – | – | 5.00 µs | 1.50× | 0.20× |"
        );
    }

    #[test]
    fn only_the_text_between_the_markers_changes() {
        let old = "top\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nbottom\n";
        let new = between_markers(old, "bench", "new\n");
        assert_eq!(
            new,
            "top\n<!-- bench: begin -->\nnew\n<!-- bench: end -->\nbottom\n"
        );
        assert_eq!(between_markers(&new, "bench", "new"), new);
    }

    #[test]
    fn a_file_without_markers_gets_them_at_its_end() {
        let new = between_markers("# Benchmarks\n", "bench", "new");
        assert_eq!(
            new,
            "# Benchmarks\n\n<!-- bench: begin -->\nnew\n<!-- bench: end -->\n"
        );
    }
}
