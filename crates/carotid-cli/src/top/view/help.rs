//! What the keys do.

use ratatui::Frame;
use ratatui::layout::{Constraint, Flex, Layout};
use ratatui::widgets::{Block, Clear, Padding, Paragraph};

const KEYS: &str = "\
↑ ↓ j k     one row; PgUp, PgDn, Home, End go further
Enter →     a service's sessions; why we believe that
Esc ←       back
Tab         services, or all sessions
/           filter by a part of the name
h n s       sort by health, name, time of change;
            once more is the other way round
?           this
q Ctrl-C    quit

Times are UTC. NEEDS is how many must be alive, or the
service fails; neither suspect nor wedged ones count.";

pub(super) fn draw(frame: &mut Frame<'_>) {
    let height = u16::try_from(KEYS.lines().count() + 4).unwrap_or(u16::MAX);
    let [area] = Layout::vertical([Constraint::Length(height)])
        .flex(Flex::Center)
        .areas(frame.area());
    let [area] = Layout::horizontal([Constraint::Length(62)])
        .flex(Flex::Center)
        .areas(area);
    let block = Block::bordered()
        .title(" carotid top ")
        .padding(Padding::uniform(1));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(KEYS).block(block), area);
}
