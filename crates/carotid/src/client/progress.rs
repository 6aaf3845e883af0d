//! Whether the application makes progress, as seen from the heartbeat's thread.
//!
//! A runtime is asked, and is stuck for as long as it owes an answer: it needs no timers for that,
//! and its clock may be anyone's. Any other loop marks its rounds itself, which costs it one load
//! and reads no clock. Time in which nobody looked does not count, so a process that was stopped as a
//! whole is not wedged when it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use carotid_core::Terms;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::Instant;

/// The progress of a main loop that is no tokio runtime, see
/// [`Client::progress`](super::Client::progress).
///
/// Clones mark the same progress. From the first mark on the loop is expected to go on: one that
/// makes no mark for longer than the terms' [`wedged_after`](Terms::wedged_after) is wedged.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    marked: Arc<AtomicBool>,
}

impl Progress {
    /// Tells that the loop goes on; cheap enough for each round of it, from any thread.
    pub fn mark(&self) {
        // Rounds are much more frequent than looks, and a store would take the cache line away from
        // all others that mark.
        if !self.marked.load(Ordering::Relaxed) {
            self.marked.store(true, Ordering::Relaxed);
        }
    }

    fn take(&self) -> bool {
        self.marked.swap(false, Ordering::Relaxed)
    }
}

/// Looks at the progress of a runtime, of a loop that marks its own, of both or of none.
#[derive(Debug)]
pub(super) struct Watch {
    looked: Instant,
    /// Has room for one question to the runtime: while it is full, that one is not answered.
    questions: Option<Sender<()>>,
    /// How long the runtime has owed an answer.
    unanswered: Duration,
    progress: Progress,
    /// How long the loop has made no mark; `None` before its first.
    unmarked: Option<Duration>,
}

impl Watch {
    pub(super) fn new(runtime: Option<&Handle>, progress: Progress) -> Self {
        let ask = |runtime: &Handle| {
            let (questions, asked) = mpsc::channel(1);
            runtime.spawn(answer(asked));
            questions
        };
        Self {
            looked: Instant::now(),
            questions: runtime.map(ask),
            unanswered: Duration::ZERO,
            progress,
            unmarked: None,
        }
    }

    /// Whether anybody tells.
    pub(super) fn is_told(&self) -> bool {
        self.questions.is_some() || self.unmarked.is_some()
    }

    /// How long there has been no progress; zero, too, if nobody tells. It is the longer one where
    /// both a runtime and a loop are watched. To be called every [`look_every`] of these terms.
    pub(super) fn look(&mut self, now: Instant, terms: Terms) -> Duration {
        let passed = (now - self.looked).min(look_every(terms) * 2);
        self.looked = now;
        if self.progress.take() {
            self.unmarked = Some(Duration::ZERO);
        } else if let Some(unmarked) = &mut self.unmarked {
            *unmarked += passed;
        }
        let asked = self.questions.as_ref().map(|runtime| runtime.try_send(()));
        match asked {
            Some(Err(TrySendError::Full(()))) => self.unanswered += passed,
            // A runtime that was shut down is not stuck.
            Some(Ok(()) | Err(TrySendError::Closed(()))) | None => self.unanswered = Duration::ZERO,
        }
        self.unmarked.unwrap_or_default().max(self.unanswered)
    }
}

/// Taking a question is the answer. Ends with the client.
async fn answer(mut questions: Receiver<()>) {
    while questions.recv().await.is_some() {}
}

/// How often to look: what is said of progress is too little by no more than this. Often enough for
/// the two intervals after which a session is wedged, and never often enough to cost anything.
pub(super) fn look_every(terms: Terms) -> Duration {
    (terms.interval() / 4).clamp(Duration::from_millis(10), Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::runtime::Builder;

    const SECOND: Duration = Duration::from_secs(1);

    impl Watch {
        /// Looks for as many seconds, as often as it should.
        fn look_for(&mut self, seconds: u32) -> Duration {
            let looks = (0..seconds).map(|_| self.look(self.looked + SECOND, Terms::default()));
            looks.last().unwrap()
        }
    }

    #[test]
    fn a_runtime_is_stuck_from_the_first_question_that_it_does_not_answer() {
        // This one runs only within `block_on`.
        let runtime = Builder::new_current_thread().build().unwrap();
        let mut watch = Watch::new(Some(runtime.handle()), Progress::default());
        let run = || runtime.block_on(tokio::task::yield_now());
        assert_eq!(watch.look_for(1), Duration::ZERO, "the first question");
        assert_eq!(watch.look_for(1), SECOND);
        assert_eq!(watch.look_for(2), 3 * SECOND);
        run();
        assert_eq!(watch.look_for(1), Duration::ZERO);
        run();
        assert_eq!(watch.look_for(1), Duration::ZERO);
        assert_eq!(watch.look_for(1), SECOND);
        drop(runtime);
        assert_eq!(watch.look_for(1), Duration::ZERO, "shut down");
    }

    #[test]
    fn a_loop_says_nothing_before_its_first_mark_and_is_expected_to_go_on_after_it() {
        let progress = Progress::default();
        let mut watch = Watch::new(None, progress.clone());
        assert_eq!(watch.look_for(9), Duration::ZERO);
        progress.mark();
        progress.mark();
        assert_eq!(watch.look_for(1), Duration::ZERO);
        assert_eq!(watch.look_for(2), 2 * SECOND);
        progress.mark();
        assert_eq!(watch.look_for(1), Duration::ZERO);
    }

    #[test]
    fn whichever_is_stuck_for_longer_counts() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let progress = Progress::default();
        let mut watch = Watch::new(Some(runtime.handle()), progress.clone());
        watch.look_for(1);
        progress.mark();
        assert_eq!(watch.look_for(1), SECOND, "the runtime");
        runtime.block_on(tokio::task::yield_now());
        assert_eq!(watch.look_for(2), 2 * SECOND, "the loop");
    }

    #[test]
    fn time_in_which_nobody_looked_does_not_count() {
        let progress = Progress::default();
        let mut watch = Watch::new(None, progress.clone());
        progress.mark();
        watch.look_for(1);
        assert_eq!(watch.look_for(5), 5 * SECOND);
        let later = watch.looked + 3600 * SECOND;
        let stuck = watch.look(later, Terms::default());
        assert_eq!(stuck, 7 * SECOND, "what was known of it still holds");
    }

    #[test]
    fn it_looks_four_times_an_interval_within_bounds() {
        for (interval_ms, look_ms) in [(10, 10), (100, 25), (4000, 1000), (60_000, 1000)] {
            let interval = Duration::from_millis(interval_ms);
            let terms = Terms::new(interval, interval * 3).unwrap();
            assert_eq!(look_every(terms), Duration::from_millis(look_ms));
        }
    }
}
