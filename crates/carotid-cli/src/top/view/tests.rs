//! What is on the screen.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::KeyCode;

use super::super::state::tests::{answer, answered, key};
use super::super::state::{Input, Top};
use super::*;

/// The screen as text, line by line.
fn lines(top: &Top, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, top, true)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let line = |y| {
        (0..width)
            .map(|x| buffer[(x, y)].symbol())
            .collect::<String>()
    };
    (0..height).map(|y| line(y).trim_end().to_owned()).collect()
}

#[test]
fn services_fit_eighty_columns() {
    let lines = lines(&answered(), 80, 24);
    assert_eq!(
        lines[..6],
        [
            "carotid 127.0.0.1:7401  services  1 fail, 0 warn, 2 pass",
            "worst first",
            "SERVICE            HEALTH ALIVE  SUSPECT WEDGED NEEDS REASON",
            "mail               fail   0      2       0      1     0 alive",
            "payments           pass   1      1       0      1     1 alive",
            "web                pass   1      1       0      1     1 alive",
        ]
    );
    assert_eq!(lines[20], "mail fail: 0 alive");
    assert_eq!(lines[22], "no event since this began");
    assert!(lines[23].starts_with("q quit"));
}

#[test]
fn a_session_is_told_of_in_detail() {
    let mut top = answered();
    top.update(key(KeyCode::Enter));
    answer(&mut top);
    top.update(key(KeyCode::Enter));
    answer(&mut top);
    let lines = lines(&top, 80, 24);
    assert_eq!(lines[0], "carotid 127.0.0.1:7401  sessions of mail  2");
    assert_eq!(
        lines[3],
        "payments/7                   dead    silence     1m01s   9        1     12:03:11"
    );
    let detail = lines[14..].join(" ");
    assert!(detail.contains("payments/7 is dead since"), "{detail}");
    assert!(
        detail.contains("this daemon did not stall meanwhile."),
        "{detail}"
    );
}

#[test]
fn a_daemon_that_does_not_answer_is_said_above_what_it_said_last() {
    let mut top = answered();
    top.update(Input::Answer(Err("cannot reach it".to_owned())));
    let lines = lines(&top, 80, 24);
    assert!(lines[0].ends_with("no answer"), "{lines:#?}");
    assert_eq!(
        lines[1],
        "cannot reach it; trying again; what is shown is old"
    );
    assert!(lines[3].starts_with("mail"));
}

#[test]
fn help_is_readable_and_small_screens_are_drawn_without_a_panic() {
    let mut top = answered();
    top.update(key(KeyCode::Char('?')));
    let text = lines(&top, 80, 24).join("\n");
    assert!(text.contains("filter by a part of the name"), "{text}");
    for (width, height) in [(1, 1), (10, 3), (40, 10)] {
        lines(&top, width, height);
        lines(&answered(), width, height);
    }
}

#[test]
fn without_colours_the_words_remain() {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let top = answered();
    terminal.draw(|frame| draw(frame, &top, false)).unwrap();
    let cells = terminal.backend().buffer().content();
    assert!(
        cells
            .iter()
            .all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset)
    );
}
