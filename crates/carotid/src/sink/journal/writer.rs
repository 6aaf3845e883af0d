//! The thread that writes: whatever is pending, in one transaction, again and again.

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::entry::Entry;
use super::file::{OpenJournalError, Place, PutBackError};
use super::store::Store;
use super::sweep::{Keep, Sweep};
use super::wall::Moment;
use crate::clock::Stopwatch;
use crate::driver::{Driver, Tallies, is_late};
use crate::hub::{Happening, Hub, Record};

/// Events of one transaction: some hundred milliseconds of them, so that what waits behind it does not
/// wait for long.
const AT_ONCE: usize = 16_384;

/// With nothing to write, how soon the thread looks whether it is to end.
const PATIENCE: Duration = Duration::from_millis(200);

/// After a batch of so many events it waits for this long since the last, and takes more at once: their
/// pages have to be written once only.
const MANY_AT_ONCE: usize = 500;
const GATHERING: Duration = Duration::from_millis(100);

/// How old the sign of life of a run may become.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// How soon it tries again what has failed.
const RETRY: Duration = Duration::from_secs(1);

/// How the journal is.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct JournalStatus {
    /// Since when it cannot be written, and why; `None` while all is well.
    pub failing: Option<(Timestamp, Arc<str>)>,
    /// Events that are not durable yet.
    pub pending: u64,
    /// How long the oldest of them has waited.
    pub lag: Duration,
    /// How long the last batch took.
    pub commit: Duration,
    /// Batches so far.
    pub commits: u64,
    /// Events written so far.
    pub written: u64,
    /// Size of its file, in bytes.
    pub size_bytes: u64,
}

impl JournalStatus {
    /// What is wrong with it, in words: deaths wait while something is. `None` while all is well.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let Self { pending, lag, .. } = self;
        let (what, why) = match &self.failing {
            Some((since, why)) => (format!("not written since {since:.0}"), &**why),
            None if is_late(*pending, *lag) => {
                let what = format!("nothing written for {} ms", lag.as_millis());
                (what, "the disk is slow, or does not answer")
            }
            None => return None,
        };
        Some(format!(
            "{what}: {why}; beats go on, deaths wait, {pending} events are kept"
        ))
    }
}

/// The status as the thread tells it and others read it.
pub(super) type SharedStatus = Arc<Mutex<JournalStatus>>;

/// The thread's own.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) driver: Driver,
    pub(super) place: Place,
    pub(super) store: Store,
    pub(super) keep: Keep,
    pub(super) status: SharedStatus,
    /// Services that are to be judged anew.
    pub(super) judged_anew: Vec<Box<str>>,
    /// How the services really were after an event that is not written yet.
    pub(super) recount: Option<Tallies>,
    /// The file that took the place of one that was deleted.
    pub(super) put_back: Option<(u64, u64)>,
    /// Disconnected when this is to end.
    pub(super) stop: Receiver<()>,
}

impl Writer {
    /// Writes until it is told to end, and then what is left.
    pub(super) fn run(mut self) {
        let _lost = Lost {
            hub: self.driver.hub().clone(),
            status: Arc::clone(&self.status),
        };
        let mut file = self.place.identity();
        let mut sweep = Sweep::default();
        let mut written_at = Stopwatch::start();
        loop {
            let ending = matches!(self.stop.try_recv(), Err(TryRecvError::Disconnected));
            let wait = if ending { Duration::ZERO } else { PATIENCE };
            let pending = self.driver.hub().pending(AT_ONCE, wait);
            let begun = Stopwatch::start();
            let is_due = !self.store.run.is_begun || SIGN_OF_LIFE <= written_at.elapsed();
            let outcome = if self.place.identity() == file {
                self.step(&pending, is_due, &mut sweep)
            } else {
                Err(StepError::Gone)
            };
            match outcome {
                Ok(wrote) => {
                    if wrote {
                        written_at = Stopwatch::start();
                    }
                    self.heal();
                }
                Err(error) => {
                    self.fail(&error);
                    if ending || self.is_told_to_end(RETRY) {
                        tracing::error!(
                            lost = self.driver.hub().count_pending(),
                            "ending, and the journal cannot be written"
                        );
                        return;
                    }
                    self.repair(&error, &mut file);
                    continue;
                }
            }
            let waiting = self.driver.hub().count_pending();
            if ending && waiting == 0 {
                break;
            }
            let is_busy = MANY_AT_ONCE <= pending.len() && waiting < AT_ONCE as u64;
            if is_busy && !ending {
                let _told = self
                    .stop
                    .recv_timeout(GATHERING.saturating_sub(begun.elapsed()));
            }
        }
        if let Err(error) = self.store.end(now()) {
            tracing::warn!(%error, "the journal does not say that this run ended in order");
        }
    }

    /// Writes these events, or a sign of life if that is due, and does a little of what else there is.
    fn step(
        &mut self,
        pending: &[Record],
        is_due: bool,
        sweep: &mut Sweep,
    ) -> Result<bool, StepError> {
        let wrote = is_due || !pending.is_empty();
        sweep.look_at_clock(&mut self.store, Moment::now(&self.driver))?;
        self.hold_to()?;
        // What was counted after an event is taken up between that and the next.
        let until = self.recount.as_ref().map_or(u64::MAX, |all| all.through);
        let kept = pending.partition_point(|record| record.seq <= until);
        let pending = &pending[..kept];
        if wrote {
            let watch = Stopwatch::start();
            let now = now();
            let entries: Vec<_> = pending.iter().map(Entry::of).collect();
            self.store.write(&entries, now)?;
            if let Some(last) = pending.last() {
                self.driver.hub().show(last.seq);
            }
            let mut status = self.status();
            status.commit = watch.elapsed();
            status.commits += 1;
            status.written += pending.len() as u64;
        }
        self.recount(pending)?;
        let now = Moment::now(&self.driver);
        sweep.step(&mut self.store, &self.keep, now, pending.len())?;
        let size_bytes = std::fs::metadata(self.place.path()).map_or(0, |file| file.len());
        self.status().size_bytes = size_bytes;
        Ok(wrote)
    }

    /// Judges services anew that are held to something else.
    fn hold_to(&mut self) -> Result<(), StepError> {
        let ledger = &mut self.store.ledger;
        self.judged_anew
            .extend(ledger.hold_to(self.driver.held_to()));
        // A run begins with judging all of them.
        if self.store.run.is_begun && !self.judged_anew.is_empty() {
            let (now, services) = (now(), &self.judged_anew);
            self.store.settle(|draft| {
                let services = services.iter();
                services.for_each(|service| draft.judge_named(service, now));
            })?;
            self.judged_anew.clear();
        }
        Ok(())
    }

    /// Events that found no place are missing in the counts.
    fn recount(&mut self, written: &[Record]) -> Result<(), StepError> {
        if let Some(all) = &self.recount
            && all.through <= self.driver.hub().last_seq()
        {
            self.store.settle(|draft| draft.recount(all, now()))?;
            self.recount = None;
        }
        let is_skipped = |record: &Record| matches!(record.what, Happening::Skipped(_));
        if written.iter().any(is_skipped) {
            self.recount = Some(self.driver.tallies());
        }
        Ok(())
    }

    fn heal(&self) {
        self.driver.hub().set_failing(false);
        let mut status = self.status();
        if let Some((since, _)) = status.failing.take() {
            drop(status);
            tracing::info!(%since, "the journal is written again");
        }
    }

    fn fail(&self, error: &StepError) {
        self.driver.hub().set_failing(true);
        let mut status = self.status();
        let why: Arc<str> = error.to_string().into();
        let (since, is_news) = match &status.failing {
            Some((since, known)) => (*since, *known != why),
            None => (Timestamp::now(), true),
        };
        status.failing = Some((since, why));
        drop(status);
        if is_news {
            tracing::error!(%error, "the journal cannot be written; beats go on, deaths wait");
        }
    }

    /// Does what may help: a connection that has seen an error may not see that it is over.
    fn repair(&mut self, error: &StepError, file: &mut Option<(u64, u64)>) {
        let there = self.place.identity();
        let reopened = match error {
            _ if there.is_none() => self.write_anew(),
            // A stranger's, unless it is what was put back and could not be opened yet.
            StepError::Gone if there != self.put_back => return,
            StepError::Gone
            | StepError::Sqlite(_)
            | StepError::Reopen(_)
            | StepError::PutBack(_) => self.reopen(),
        };
        match reopened {
            Ok(()) => *file = self.place.identity(),
            Err(error) => tracing::debug!(%error, "the journal cannot be repaired yet"),
        }
    }

    fn reopen(&mut self) -> Result<(), StepError> {
        self.store.renew(self.place.reopen()?);
        Ok(())
    }

    /// The file was deleted, and we still have it open: it is put where it was.
    fn write_anew(&mut self) -> Result<(), StepError> {
        self.place.put_back(&self.store.connection)?;
        self.put_back = self.place.identity();
        tracing::warn!("the journal's file was deleted, and is put back");
        self.reopen()
    }

    /// Waits for so long, unless it is told to end.
    fn is_told_to_end(&self, wait: Duration) -> bool {
        self.stop.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected)
    }

    fn status(&self) -> std::sync::MutexGuard<'_, JournalStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells of a writer that panics: nothing is written any more, and nobody dies.
struct Lost {
    hub: Hub,
    status: SharedStatus,
}

impl Drop for Lost {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.hub.set_failing(true);
            let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
            let why = "the thread that writes it has panicked; restart the daemon";
            status.failing = Some((Timestamp::now(), why.into()));
        }
    }
}

/// What keeps the journal from being written.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error("its file is gone, or another one is in its place")]
    Gone,
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Reopen(#[from] OpenJournalError),
    #[error("its file is gone, and cannot be put back: {0}")]
    PutBack(#[from] PutBackError),
}

/// Wall time in milliseconds.
pub(super) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_panics_is_told_of() {
        let (hub, status) = (Hub::new(), SharedStatus::default());
        let lost = Lost {
            hub: hub.clone(),
            status: Arc::clone(&status),
        };
        let writer = std::thread::spawn(move || {
            let _lost = lost;
            panic!("as a defect would");
        });
        assert!(writer.join().is_err());
        assert!(hub.is_failing());
        let trouble = status.lock().unwrap().trouble().unwrap();
        assert!(trouble.contains("panicked"), "{trouble}");
    }
}
