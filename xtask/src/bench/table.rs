//! The table that people read.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

use anyhow::Context;

const BEGIN: &str = "<!-- bench: begin -->";
const END: &str = "<!-- bench: end -->";

/// One measured thing. A contender that has no such thing has no figure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    pub(crate) go: Option<f64>,
    pub(crate) raw: Option<f64>,
    pub(crate) redis: Option<f64>,
    pub(crate) carotid: Option<f64>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |value: Option<f64>| {
            value.map_or_else(
                || "–".to_owned(),
                |value| format!("{} {}", three_digits(value), self.unit),
            )
        };
        let ratio = |other: Option<f64>| match (self.carotid, other) {
            (Some(ours), Some(theirs)) if theirs > 0.0 => {
                format!("{}×", three_digits(ours / theirs))
            }
            _ => "–".to_owned(),
        };
        write!(
            f,
            "| {} | {} | {} | {} | {} | {} | {} |",
            self.what,
            figure(self.go),
            figure(self.raw),
            figure(self.redis),
            figure(self.carotid),
            ratio(self.raw),
            ratio(self.go),
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

/// The lines as Markdown, below a note on where they were measured.
pub(crate) fn markdown(machine: &str, lines: &[Line]) -> String {
    let mut text = format!(
        "{machine}\n\n\
         | | Go recipe | raw echo | Redis | carotid | carotid / raw | carotid / Go |\n\
         |---|---|---|---|---|---|---|\n"
    );
    for line in lines {
        writeln!(text, "{line}").expect("writing to a string does not fail");
    }
    text
}

/// Puts the text between the markers of a file, which gets them if it has none.
pub(crate) fn replace_in(path: &Path, text: &str) -> anyhow::Result<()> {
    let old = fs::read_to_string(path).unwrap_or_else(|_| "# Benchmarks\n".to_owned());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, between_markers(&old, text))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn between_markers(old: &str, text: &str) -> String {
    let (before, after) = match (old.split_once(BEGIN), old.split_once(END)) {
        (Some((before, _)), Some((_, after))) => (before.to_owned(), after.to_owned()),
        _ => (format!("{}\n\n", old.trim_end()), "\n".to_owned()),
    };
    format!("{before}{BEGIN}\n{}\n{END}{after}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{Line, between_markers};

    #[test]
    fn a_line_shows_ratios_only_where_both_figures_are() {
        let line = Line {
            what: "ping".into(),
            unit: "µs",
            go: Some(20.0),
            raw: None,
            redis: None,
            carotid: Some(5.0),
        };
        assert_eq!(
            line.to_string(),
            "| ping | 20.0 µs | – | – | 5.00 µs | – | 0.25× |"
        );
    }

    #[test]
    fn only_the_text_between_the_markers_changes() {
        let old = "top\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nbottom\n";
        let new = between_markers(old, "new\n");
        assert_eq!(
            new,
            "top\n<!-- bench: begin -->\nnew\n<!-- bench: end -->\nbottom\n"
        );
        assert_eq!(between_markers(&new, "new"), new);
    }

    #[test]
    fn a_file_without_markers_gets_them_at_its_end() {
        let new = between_markers("# Benchmarks\n", "new");
        assert_eq!(
            new,
            "# Benchmarks\n\n<!-- bench: begin -->\nnew\n<!-- bench: end -->\n"
        );
    }
}
