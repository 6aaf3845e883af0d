//! The threads of load, and whoever may interrupt them.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use mio::Waker;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, channel};

use super::clock::Moment;
use super::links::Links;
use super::pace::Window;
use super::plan::Plan;
use super::reactor::Reactor;
use super::target::Endpoint;
use super::worker::{Shared, Word, Worker};
use crate::exit::Exit;
use crate::output;

/// How often somebody who watches sees something new.
const TICK: Duration = Duration::from_millis(100);

/// Each thread says three words.
const WORDS: usize = 4;

#[derive(Debug)]
pub(super) struct Crew {
    threads: Vec<(Arc<Shared>, Waker)>,
    words: Receiver<Word>,
    signals: [Signal; 3],
    interrupted: bool,
}

/// What happened.
#[derive(Debug)]
pub(super) enum Step {
    Word(Word),
    /// Nothing.
    Tick,
    /// Somebody asked twice for an end.
    Abort,
}

impl Crew {
    /// Starts all threads; they connect at once.
    pub(super) fn start(plan: &Arc<Plan>, endpoint: &Endpoint) -> Result<Self, Exit> {
        let cannot = |error: io::Error| Exit::usage(error).context("cannot start");
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let [first, second, third] = kinds.map(|kind| signal(kind).map_err(cannot));
        let (sender, words) = channel(plan.threads * WORDS);
        let mut crew = Self {
            threads: Vec::new(),
            words,
            signals: [first?, second?, third?],
            interrupted: false,
        };
        for thread in 0..plan.threads {
            let (reactor, waker) = Reactor::new().map_err(cannot)?;
            let shared = Arc::new(Shared::default());
            crew.threads.push((Arc::clone(&shared), waker));
            let numbers = (thread..plan.connections).step_by(plan.threads);
            let worker = Worker {
                plan: Arc::clone(plan),
                endpoint: endpoint.clone(),
                shared,
                words: sender.clone(),
                reactor,
                links: Links::new(plan, numbers),
            };
            let builder = std::thread::Builder::new().name(format!("load-{thread}"));
            builder.spawn(move || work(worker)).map_err(cannot)?;
        }
        Ok(crew)
    }

    /// Waits for what happens next, at most until then.
    pub(super) async fn next(&mut self, until: Option<Moment>) -> Step {
        let now = Moment::now();
        let patience = until.map_or(TICK, |until| until.since(now).min(TICK));
        let [interrupt, terminate, hangup] = &mut self.signals;
        tokio::select! {
            // Each thread keeps its sender until its last word.
            Some(word) = self.words.recv() => return Step::Word(word),
            () = tokio::time::sleep(patience) => return Step::Tick,
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        if self.interrupted {
            return Step::Abort;
        }
        self.interrupted = true;
        output::talk(format_args!(
            "ending: waiting for the last answers and goodbyes; once more ends at once"
        ));
        self.stop();
        Step::Tick
    }

    /// Whether somebody asked for an end.
    pub(super) const fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    pub(super) fn begin(&self, window: Window) {
        self.tell(|shared| shared.begin(window));
    }

    /// Ends connecting and pinging.
    pub(super) fn stop(&self) {
        self.tell(Shared::stop);
    }

    /// Lets them say goodbye.
    pub(super) fn dismiss(&self) {
        self.tell(Shared::dismiss);
    }

    pub(super) const fn size(&self) -> usize {
        self.threads.len()
    }

    pub(super) fn up(&self) -> u64 {
        self.sum(Shared::up)
    }

    pub(super) fn replies(&self) -> u64 {
        self.sum(Shared::replies)
    }

    pub(super) fn faults(&self) -> u64 {
        self.sum(Shared::faults)
    }

    fn sum(&self, of: impl Fn(&Shared) -> u64) -> u64 {
        self.threads.iter().map(|(shared, _)| of(shared)).sum()
    }

    fn tell(&self, what: impl Fn(&Shared)) {
        for (shared, waker) in &self.threads {
            what(shared);
            // A thread that cannot be woken looks up by itself within a second.
            let _asleep = waker.wake();
        }
    }
}

/// A thread that dies must not be waited for.
fn work(worker: Worker) {
    let words = worker.words.clone();
    if catch_unwind(AssertUnwindSafe(|| worker.work())).is_err() {
        let died = io::Error::other("a thread of load has died");
        let _ended = words.blocking_send(Word::Ended(Err(died)));
    }
}
