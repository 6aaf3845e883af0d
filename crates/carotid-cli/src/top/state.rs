//! What is shown, what is wanted to be known, and what keys and answers make of it.

use carotid::api::{Event, Service, Session, Verdict};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// All of it.
#[derive(Debug)]
pub(super) struct Top {
    /// Where the daemon is.
    pub(super) daemon: String,
    pub(super) subject: Subject,
    pub(super) search: String,
    /// Keys go into the search.
    pub(super) is_typing: bool,
    pub(super) sorting: Sorting,
    pub(super) rows: Rows,
    /// The name of the row that keys act on; rows come and go.
    pub(super) chosen: Option<String>,
    /// Where that was seen last.
    place: usize,
    pub(super) detail: Option<Detail>,
    pub(super) link: Link,
    pub(super) event: Option<Event>,
    pub(super) is_helping: bool,
}

/// What the rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Services,
    /// Those of one service, or all.
    Sessions(Option<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SortKey {
    /// The worst first.
    Health,
    Name,
    /// What changed last first; services have no such time.
    Since,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sorting {
    pub(super) key: SortKey,
    pub(super) is_reversed: bool,
}

#[derive(Debug)]
pub(super) enum Rows {
    Services {
        services: Vec<Service>,
        has_more: bool,
    },
    Sessions {
        sessions: Vec<Session>,
        /// On all pages.
        total: u64,
    },
}

/// Why we believe what we believe of a session.
#[derive(Debug)]
pub(super) struct Detail {
    pub(super) name: String,
    /// `None` until the daemon has told.
    pub(super) verdict: Option<Result<Box<Verdict>, String>>,
}

/// Whether the daemon answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// It has not been asked before.
    Waiting,
    Up,
    /// Why not, and what is on the screen is old.
    Down(String),
}

/// What is to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) subject: Subject,
    pub(super) search: String,
    pub(super) sorting: Sorting,
    /// A session whose verdict is wanted.
    pub(super) detail: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) question: Question,
    pub(super) rows: Rows,
    pub(super) verdict: Option<Result<Box<Verdict>, String>>,
}

#[derive(Debug)]
pub(super) enum Input {
    Key(KeyEvent),
    Answer(Result<Box<Answer>, String>),
    Event(Box<Event>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    GoOn,
    Quit,
}

/// Rows that a page key goes over.
const PAGE: isize = 10;

/// The longest search.
const MAX_SEARCH: usize = 64;

impl Top {
    pub(super) fn new(daemon: String, search: String) -> Self {
        Self {
            daemon,
            subject: Subject::Services,
            search,
            is_typing: false,
            sorting: Sorting {
                key: SortKey::Health,
                is_reversed: false,
            },
            rows: Rows::Services {
                services: Vec::new(),
                has_more: false,
            },
            chosen: None,
            place: 0,
            detail: None,
            link: Link::Waiting,
            event: None,
            is_helping: false,
        }
    }

    /// What the screen needs to know now.
    pub(super) fn question(&self) -> Question {
        Question {
            subject: self.subject.clone(),
            search: self.search.clone(),
            sorting: self.sorting,
            detail: self.detail.as_ref().map(|detail| detail.name.clone()),
        }
    }

    pub(super) fn update(&mut self, input: Input) -> Step {
        match input {
            Input::Key(key) => return self.on_key(key),
            Input::Event(event) => self.event = Some(*event),
            Input::Answer(Err(why)) => self.link = Link::Down(why),
            Input::Answer(Ok(answer)) => self.on_answer(*answer),
        }
        Step::GoOn
    }

    /// The row that keys act on.
    pub(super) fn position(&self) -> Option<usize> {
        let chosen = self.chosen.as_deref();
        let position = self.rows.names().position(|name| Some(name) == chosen);
        // Where the chosen row is gone, what has come into its place is the nearest.
        let nearest = || Some(self.place.min(self.rows.len().checked_sub(1)?));
        position.or_else(nearest)
    }

    fn on_answer(&mut self, answer: Answer) {
        self.link = Link::Up;
        // What was asked for before a key changed the question is not what is wanted now.
        if answer.question.detail == self.question().detail
            && let Some(detail) = &mut self.detail
            && answer.verdict.is_some()
        {
            detail.verdict = answer.verdict;
        }
        let asked = Question {
            detail: None,
            ..answer.question
        };
        let wanted = Question {
            detail: None,
            ..self.question()
        };
        if asked == wanted {
            self.rows = answer.rows;
            let mut names = self.rows.names();
            if let Some(at) = names.position(|name| Some(name) == self.chosen.as_deref()) {
                self.place = at;
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most keys mean nothing here"
    )]
    fn on_key(&mut self, key: KeyEvent) -> Step {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if is_control => return Step::Quit,
            _ if self.is_typing => self.on_typed(key.code),
            _ if self.is_helping => self.is_helping = false,
            KeyCode::Char('q') => return Step::Quit,
            code => self.on_command(code),
        }
        Step::GoOn
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most keys mean nothing here"
    )]
    fn on_typed(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Esc => {
                self.is_typing = false;
                self.search.clear();
            }
            KeyCode::Backspace => {
                self.search.pop();
            }
            KeyCode::Char(c) if self.search.len() < MAX_SEARCH => self.search.push(c),
            _ => {}
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most keys mean nothing here"
    )]
    fn on_command(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char('?') => self.is_helping = true,
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Char('h') => self.sort_by(SortKey::Health),
            KeyCode::Char('n') => self.sort_by(SortKey::Name),
            KeyCode::Char('s') => self.sort_by(SortKey::Since),
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::PageDown => self.go(PAGE),
            KeyCode::PageUp => self.go(-PAGE),
            KeyCode::Home => self.go(isize::MIN),
            KeyCode::End => self.go(isize::MAX),
            KeyCode::Tab => self.show(match self.subject {
                Subject::Services => Subject::Sessions(None),
                Subject::Sessions(_) => Subject::Services,
            }),
            KeyCode::Enter | KeyCode::Right => self.enter(),
            KeyCode::Esc | KeyCode::Left | KeyCode::Backspace => self.leave(),
            _ => {}
        }
    }

    /// Sorts by this, and the other way round if it is so already.
    fn sort_by(&mut self, key: SortKey) {
        let is_same = self.sorting.key == key;
        self.sorting = Sorting {
            key,
            is_reversed: is_same && !self.sorting.is_reversed,
        };
    }

    fn go(&mut self, by: isize) {
        let Some(last) = self.rows.len().checked_sub(1) else {
            return;
        };
        let from = self.position().unwrap_or(0);
        let to = from.saturating_add_signed(by).min(last);
        self.chosen = self.rows.names().nth(to).map(str::to_owned);
        self.place = to;
        self.follow_choice();
    }

    /// What is told in detail is the chosen one.
    fn follow_choice(&mut self) {
        if self.detail.is_some() {
            self.detail = self.chosen.clone().map(Detail::of);
        }
    }

    fn show(&mut self, subject: Subject) {
        self.rows = match subject {
            Subject::Services => Rows::Services {
                services: Vec::new(),
                has_more: false,
            },
            Subject::Sessions(_) => Rows::Sessions {
                sessions: Vec::new(),
                total: 0,
            },
        };
        self.subject = subject;
        self.search.clear();
        self.chosen = None;
        self.place = 0;
        self.detail = None;
        if self.link == Link::Up {
            self.link = Link::Waiting;
        }
    }

    fn enter(&mut self) {
        let chosen = self.position().and_then(|at| self.rows.names().nth(at));
        let Some(chosen) = chosen.map(str::to_owned) else {
            return;
        };
        match self.subject {
            Subject::Services => self.show(Subject::Sessions(Some(chosen))),
            Subject::Sessions(_) => {
                self.detail = Some(Detail::of(chosen.clone()));
                self.chosen = Some(chosen);
            }
        }
    }

    /// One step back from where one has got to.
    fn leave(&mut self) {
        if self.detail.take().is_some() {
            return;
        }
        if !self.search.is_empty() {
            self.search.clear();
        } else if let Subject::Sessions(service) = &self.subject {
            let service = service.clone();
            self.show(Subject::Services);
            self.chosen = service;
        }
    }
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Services { services, .. } => services.len(),
            Self::Sessions { sessions, .. } => sessions.len(),
        }
    }

    fn names(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            Self::Services { services, .. } => {
                Box::new(services.iter().map(|service| service.service.as_str()))
            }
            Self::Sessions { sessions, .. } => {
                Box::new(sessions.iter().map(|session| session.name.as_str()))
            }
        }
    }
}

impl Detail {
    const fn of(name: String) -> Self {
        Self {
            name,
            verdict: None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
