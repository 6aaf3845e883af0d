//! A screen as a picture: what tmux captured with its colours, as SVG.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

const COLUMNS: usize = 80;
const LINES: usize = 24;
const CELL: (f64, f64) = (8.4, 18.0);
const MARGIN: f64 = 12.0;

/// How a part of a line is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Style {
    /// Of the terminal's first eight.
    colour: Option<u8>,
    is_bold: bool,
    is_dim: bool,
    is_reversed: bool,
}

impl Style {
    /// Follows one escape sequence's numbers (ECMA-48, SGR); what a picture does not show is passed over.
    fn follow(&mut self, numbers: &str) {
        let mut numbers = numbers.split(';').map(|number| number.parse().unwrap_or(0));
        while let Some(number) = numbers.next() {
            match number {
                // One of a table, of which the first eight are the terminal's own.
                38 if numbers.next() == Some(5) => self.colour = numbers.next(),
                0 => *self = Self::default(),
                1 => self.is_bold = true,
                2 => self.is_dim = true,
                7 => self.is_reversed = true,
                22 => (self.is_bold, self.is_dim) = (false, false),
                27 => self.is_reversed = false,
                30..=37 => self.colour = Some(number - 30),
                39 => self.colour = None,
                _ => {}
            }
        }
    }

    const fn fill(self) -> &'static str {
        match (self.is_reversed, self.colour) {
            (true, _) => "#1c2128",
            (false, Some(1)) => "#ff7b72",
            (false, Some(2)) => "#56d364",
            (false, Some(3)) => "#e3b341",
            (false, _) if self.is_dim => "#9198a1",
            (false, _) => "#d1d7e0",
        }
    }
}

/// Leaves the picture in the folder where it is wanted, if it is.
pub(super) fn keep(name: &str, captured: &str) {
    let picture = draw(captured);
    if let Some(folder) = std::env::var_os("CAROTID_PICTURES") {
        std::fs::write(std::path::Path::new(&folder).join(name), picture).unwrap();
    }
}

fn draw(captured: &str) -> String {
    let width = CELL.0 * 80.0 + 2.0 * MARGIN;
    let height = CELL.1 * 24.0 + 2.0 * MARGIN;
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
         font-family=\"ui-monospace,SFMono-Regular,Menlo,DejaVu Sans Mono,monospace\" font-size=\"14\">\n\
         <title>carotid top</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1c2128\"/>\n"
    );
    for (index, line) in captured.lines().take(LINES).enumerate() {
        let top = MARGIN + CELL.1 * f64::from(u32::try_from(index).unwrap());
        for (column, text, style) in spans(line) {
            draw_span(&mut picture, (column, top), &text, style);
        }
    }
    picture + "</svg>\n"
}

fn draw_span(picture: &mut String, (column, top): (usize, f64), text: &str, style: Style) {
    let cells = |count: usize| CELL.0 * f64::from(u32::try_from(count).unwrap());
    let (x, width) = (MARGIN + cells(column), cells(columns_of(text)));
    if style.is_reversed {
        let height = CELL.1;
        writeln!(
            picture,
            "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height}\" fill=\"#d1d7e0\"/>"
        )
        .unwrap();
    }
    if text.trim().is_empty() {
        return;
    }
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    let weight = if style.is_bold {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let (baseline, fill) = (top + 13.5, style.fill());
    writeln!(
        picture,
        "<text x=\"{x:.1}\" y=\"{baseline:.1}\" textLength=\"{width:.1}\" fill=\"{fill}\"{weight} \
         xml:space=\"preserve\">{escaped}</text>"
    )
    .unwrap();
}

/// A line's parts of one style each, with the column where each begins.
fn spans(line: &str) -> Vec<(usize, String, Style)> {
    let mut spans: Vec<(usize, String, Style)> = Vec::new();
    let (mut style, mut column) = (Style::default(), 0);
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        if let Some(sequence) = rest.strip_prefix("\x1b[")
            && let Some((numbers, after)) = sequence.split_once('m')
        {
            style.follow(numbers);
            rest = after;
            continue;
        }
        match spans.last_mut() {
            Some((_, text, of)) if *of == style => text.push(character),
            _ => spans.push((column, character.to_string(), style)),
        }
        column = (column + character.width().unwrap_or(0)).min(COLUMNS);
        rest = &rest[character.len_utf8()..];
    }
    spans
}

fn columns_of(text: &str) -> usize {
    text.chars().filter_map(UnicodeWidthChar::width).sum()
}

#[test]
fn a_screen_is_drawn_in_its_colours_and_its_text_is_no_markup() {
    let picture = draw("plain\x1b[1m\x1b[38;5;1mdead <\x1b[0m &\n\x1b[7mchosen\x1b[0m\n");
    assert!(picture.contains(">plain</text>"), "{picture}");
    let dead = "fill=\"#ff7b72\" font-weight=\"bold\" xml:space=\"preserve\">dead &lt;</text>";
    assert!(picture.contains(dead), "{picture}");
    assert!(picture.contains("> &amp;</text>"), "{picture}");
    assert!(picture.contains("<rect x=\"12.0\" y=\"30.0\""), "{picture}");
}
