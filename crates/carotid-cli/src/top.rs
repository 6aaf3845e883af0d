//! `carotid top`: services and sessions on a terminal, as they are now.
//!
//! `state` is what is shown and wanted, without a terminal, a socket or a clock; `view` draws it, `fetch`
//! asks the daemon what it wants to know. This module joins them.

mod fetch;
mod state;
mod view;

use std::io::{self, IsTerminal, Stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use carotid::api::Event;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, KeyEvent, KeyEventKind};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::args::TopArgs;
use crate::exit::Exit;
use crate::operations::Operations;
use crate::output;

use state::{Input, Step, Top};

/// How often the line of events is looked at, and the screen drawn if nothing else happens.
const TICK: Duration = Duration::from_millis(250);

/// Keys that wait to be looked at; whoever types faster waits.
const KEYS: usize = 64;

pub(crate) async fn run(args: TopArgs) -> Result<ExitCode, Exit> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        let why = anyhow::anyhow!("carotid top needs a terminal, for its keys and for its screen");
        return Err(Exit::usage(why).advise(
            "List once with carotid ps --services or carotid ps, or follow with carotid watch.",
        ));
    }
    let operations = Arc::new(Operations::new(&args.daemon)?);
    let mut end = Ends::register()?;
    let mut screen = Screen::take()?;
    let mut top = Top::new(operations.address(), args.search.unwrap_or_default());
    let (question, asked) = watch::channel(top.question());
    let (answers, mut answered) = mpsc::channel(1);
    let (told, mut events) = watch::channel(None);
    tokio::spawn(fetch::ask(operations.clone(), asked, answers));
    tokio::spawn(fetch::follow(operations, told));
    let mut keys = keys();
    loop {
        screen.draw(&top)?;
        let input = tokio::select! {
            () = end.next() => return Ok(ExitCode::SUCCESS),
            Some(key) = keys.recv() => Input::Key(key),
            Some(answer) = answered.recv() => Input::Answer(answer.map(Box::new)),
            () = tokio::time::sleep(TICK) => match latest(&mut events) {
                Some(event) => Input::Event(Box::new(event)),
                None => continue,
            },
        };
        if top.update(input) == Step::Quit {
            return Ok(ExitCode::SUCCESS);
        }
        // Only a change wakes whoever asks.
        question.send_if_modified(|asked| {
            let wanted = top.question();
            let is_news = *asked != wanted;
            *asked = wanted;
            is_news
        });
    }
}

fn latest(events: &mut watch::Receiver<Option<Event>>) -> Option<Event> {
    let is_news = events.has_changed().unwrap_or(false);
    if is_news {
        events.borrow_and_update().clone()
    } else {
        None
    }
}

/// Reads keys on a thread of its own, which ends with the process: nothing else interrupts a read.
fn keys() -> mpsc::Receiver<KeyEvent> {
    let (sender, receiver) = mpsc::channel(KEYS);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            // A new size of the window is drawn with the next tick.
            if let event::Event::Key(key) = event
                && key.kind != KeyEventKind::Release
                && sender.blocking_send(key).is_err()
            {
                return;
            }
        }
    });
    receiver
}

/// The terminal while it is ours: given back when dropped, and by a panic.
struct Screen {
    terminal: ratatui::Terminal<CrosstermBackend<Stdout>>,
    is_colourful: bool,
}

impl Screen {
    fn take() -> Result<Self, Exit> {
        let terminal = ratatui::try_init();
        let terminal =
            terminal.map_err(|error| Exit::usage(error).context("cannot use this terminal"))?;
        let is_colourful = output::is_colourful(&io::stdout());
        Ok(Self {
            terminal,
            is_colourful,
        })
    }

    fn draw(&mut self, top: &Top) -> Result<(), Exit> {
        let drawn = self
            .terminal
            .draw(|frame| view::draw(frame, top, self.is_colourful));
        drawn.map_err(|error| Exit::usage(error).context("cannot draw on this terminal"))?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// What asks us to end from outside; the terminal must be given back then, too.
struct Ends([tokio::signal::unix::Signal; 3]);

impl Ends {
    fn register() -> Result<Self, Exit> {
        let register = |kind| {
            signal(kind).map_err(|error| Exit::usage(error).context("cannot listen for signals"))
        };
        Ok(Self([
            register(SignalKind::interrupt())?,
            register(SignalKind::terminate())?,
            register(SignalKind::hangup())?,
        ]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
