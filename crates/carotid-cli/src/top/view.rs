//! Draws the state.

mod help;

use carotid::api::{Event, Service, Session};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table, TableState, Wrap};

use super::state::{Link, Rows, SortKey, Subject, Top};
use crate::output::{harmless, roughly};
use crate::why;

/// Lines of the pane that tells why.
const DETAIL: u16 = 8;

/// Lines of the same pane for a service.
const REASON: u16 = 3;

pub(super) fn draw(frame: &mut Frame<'_>, top: &Top, is_colourful: bool) {
    let paint = Paint { is_colourful };
    let detail = match (&top.subject, &top.detail) {
        (Subject::Services, _) => REASON,
        (Subject::Sessions(_), Some(_)) => DETAIL,
        (Subject::Sessions(_), None) => 0,
    };
    let [title, filter, table, pane, event, hints] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(detail),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(title_line(top, paint), title);
    frame.render_widget(filter_line(top), filter);
    draw_rows(frame, table, top, paint);
    if let Some(text) = detail_text(top) {
        let block = Block::new().borders(Borders::TOP).title(" why ");
        let text = Paragraph::new(text).wrap(Wrap { trim: true });
        frame.render_widget(text.block(block), pane);
    }
    frame.render_widget(event_line(top, paint), event);
    frame.render_widget(Line::styled(hints_of(top), DIM), hints);
    if top.is_helping {
        help::draw(frame);
    }
}

const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const REVERSED: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Colours, if they are wanted; what they say is in the words, too.
#[derive(Clone, Copy)]
struct Paint {
    is_colourful: bool,
}

impl Paint {
    fn of(self, word: &str) -> Style {
        if !self.is_colourful {
            return Style::new();
        }
        match word {
            "alive" | "pass" | "back" | "opened" | "unwedged" => Style::new().fg(Color::Green),
            "suspect" | "warn" | "wedged" | "stalled" | "mass_silence" | "mass_silence_over" => {
                Style::new().fg(Color::Yellow)
            }
            "dead" | "fail" => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
            _ => DIM,
        }
    }

    fn word(self, word: &str) -> Span<'static> {
        Span::styled(word.to_owned(), self.of(word))
    }
}

fn title_line(top: &Top, paint: Paint) -> Line<'static> {
    let subject = match &top.subject {
        Subject::Services => "services".to_owned(),
        Subject::Sessions(None) => "all sessions".to_owned(),
        Subject::Sessions(Some(service)) => format!("sessions of {}", harmless(service)),
    };
    let count = match &top.rows {
        Rows::Services { services, has_more } => {
            let of = |health: &str| services.iter().filter(|it| it.health == health).count();
            let more = if *has_more { "; first shown" } else { "" };
            let (fail, warn, pass) = (of("fail"), of("warn"), of("pass"));
            format!("{fail} fail, {warn} warn, {pass} pass{more}")
        }
        Rows::Sessions { sessions, total } if sessions.len() as u64 == *total => total.to_string(),
        Rows::Sessions { sessions, total } => format!("first {} of {total}", sessions.len()),
    };
    let mut spans = vec![
        Span::styled("carotid", BOLD),
        Span::raw(format!(" {}  ", top.daemon)),
        Span::styled(subject, BOLD),
        Span::raw(format!("  {count}  ")),
    ];
    match &top.link {
        Link::Up => {}
        Link::Waiting => spans.push(Span::styled("asking…", DIM)),
        Link::Down(_) => spans.push(Span::styled("no answer", paint.of("dead"))),
    }
    Line::from(spans)
}

fn filter_line(top: &Top) -> Line<'static> {
    if let Link::Down(why) = &top.link {
        let why = format!("{}; trying again; what is shown is old", harmless(why));
        return Line::styled(why, REVERSED);
    }
    let sorting = match top.sorting.key {
        SortKey::Name => "by name",
        SortKey::Since if top.subject != Subject::Services => "latest first",
        SortKey::Health | SortKey::Since => "worst first",
    };
    let reversed = if top.sorting.is_reversed {
        ", reversed"
    } else {
        ""
    };
    let mut spans = Vec::new();
    if top.is_typing || !top.search.is_empty() {
        spans.push(Span::raw(format!("/{}", harmless(&top.search))));
        if top.is_typing {
            spans.push(Span::styled(" ", REVERSED));
        }
        spans.push(Span::raw("  "));
    }
    spans.push(Span::styled(format!("{sorting}{reversed}"), DIM));
    Line::from(spans)
}

fn draw_rows(frame: &mut Frame<'_>, area: Rect, top: &Top, paint: Paint) {
    let table = match &top.rows {
        Rows::Services { services, .. } => {
            let rows = services.iter().map(|service| service_row(service, paint));
            let widths = [
                Constraint::Fill(2),
                Constraint::Length(6),
                Constraint::Length(6),
                Constraint::Length(7),
                Constraint::Length(6),
                Constraint::Length(5),
                Constraint::Fill(3),
            ];
            let header = [
                "SERVICE", "HEALTH", "ALIVE", "SUSPECT", "WEDGED", "NEEDS", "REASON",
            ];
            Table::new(rows, widths).header(Row::new(header).style(BOLD))
        }
        Rows::Sessions { sessions, .. } => {
            let rows = sessions.iter().map(|session| session_row(session, paint));
            let widths = [
                Constraint::Fill(1),
                Constraint::Length(7),
                Constraint::Length(11),
                Constraint::Length(7),
                Constraint::Length(8),
                Constraint::Length(5),
                Constraint::Length(8),
            ];
            let header = [
                "SESSION", "HEALTH", "CAUSE", "SILENT", "BEATS", "CONNS", "SINCE",
            ];
            Table::new(rows, widths).header(Row::new(header).style(BOLD))
        }
    };
    if top.rows.len() == 0 && top.link == Link::Up {
        let [header, rest] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        frame.render_widget(table, header);
        let what = match (&top.subject, top.search.is_empty()) {
            (_, false) => "nothing has such a name; Esc forgets the filter",
            (Subject::Services, true) => "no service yet: nobody has called the daemon",
            (Subject::Sessions(_), true) => "no sessions",
        };
        frame.render_widget(Line::styled(what, DIM), rest);
        return;
    }
    let mut state = TableState::new().with_selected(top.position());
    frame.render_stateful_widget(table.row_highlight_style(REVERSED), area, &mut state);
}

fn service_row(service: &Service, paint: Paint) -> Row<'static> {
    Row::new([
        Span::raw(harmless(&service.service)),
        paint.word(&service.health),
        Span::raw(service.alive.to_string()),
        Span::raw(service.suspect.to_string()),
        Span::raw(service.wedged.to_string()),
        Span::raw(service.min_alive.to_string()),
        Span::raw(harmless(&service.reason)),
    ])
}

fn session_row(session: &Session, paint: Paint) -> Row<'static> {
    let wedged = session.wedged.then_some("wedged");
    let cause = session.cause.as_deref().or(wedged).unwrap_or("-");
    let health = if session.wedged && session.health == "alive" {
        paint.of("wedged")
    } else {
        paint.of(&session.health)
    };
    Row::new([
        Span::raw(harmless(&session.name)),
        Span::styled(session.health.clone().into_owned(), health),
        Span::raw(cause.to_owned()),
        Span::raw(roughly(session.last_beat_ms)),
        Span::raw(session.beats.to_string()),
        Span::raw(session.connections.to_string()),
        Span::raw(session.since.strftime("%H:%M:%S").to_string()),
    ])
}

fn detail_text(top: &Top) -> Option<String> {
    if let Rows::Services { services, .. } = &top.rows {
        let service = services.get(top.position()?)?;
        let (name, health) = (&service.service, &service.health);
        return Some(harmless(&format!("{name} {health}: {}", service.reason)));
    }
    let detail = top.detail.as_ref()?;
    Some(match &detail.verdict {
        None => "asking…".to_owned(),
        Some(Ok(verdict)) => why::tell(verdict),
        Some(Err(why)) => harmless(why),
    })
}

fn event_line(top: &Top, paint: Paint) -> Line<'static> {
    let Some(event) = &top.event else {
        return Line::styled("no event since this began", DIM);
    };
    let Event {
        at, kind, cause, ..
    } = event;
    let name = event.name.as_deref().unwrap_or("(this daemon)");
    let cause = cause.as_deref().map(|cause| format!(", {cause}"));
    Line::from(vec![
        Span::styled(format!("{} ", at.strftime("%H:%M:%S")), DIM),
        paint.word(kind),
        Span::raw(format!(" {}{}", harmless(name), cause.unwrap_or_default())),
    ])
}

fn hints_of(top: &Top) -> &'static str {
    if top.is_typing {
        return "type a part of the name   Enter keep   Esc forget";
    }
    match (&top.subject, &top.detail) {
        (Subject::Services, _) => "q quit  ? help  / filter  Enter its sessions  Tab all sessions",
        (Subject::Sessions(_), None) => {
            "q quit  ? help  / filter  Enter why  Esc back  Tab services"
        }
        (Subject::Sessions(_), Some(_)) => "q quit  ? help  ↑↓ another  Esc close",
    }
}

#[cfg(test)]
mod tests;
