//! Whether the loops that everything depends on make progress.
//!
//! Each of them marks its turns; a thread of its own, which waits for none of them and takes no lock of
//! theirs, looks whether the marks move. A process that did not run at all looks at nothing, so a stall
//! is not mistaken for a loop that is stuck. Storage is no loop: what waits for a disk is the deaths,
//! not the shards.

mod judge;
mod mark;

use std::fmt;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::boottime;
use crate::driver::Driver;
use crate::readers::Readers;

use judge::Judge;
pub(crate) use mark::Mark;

/// How often the marks are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How often each loop makes a mark at least, whether or not it has anything to do.
pub(crate) const TURN: Duration = Duration::from_secs(1);

/// A part of the server that must come round again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loop {
    /// Judges the deadlines of a part of the sessions; so many from 0 on.
    Shard(usize),
    /// Notices when we do not run.
    Pulse,
    /// Serves connections; so many from 0 on.
    Poll(usize),
    /// Looks whether the others come round.
    Observer,
}

impl fmt::Display for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shard(index) => write!(f, "shard {index}"),
            Self::Pulse => write!(f, "pulse"),
            Self::Poll(index) => write!(f, "poll loop {index}"),
            Self::Observer => write!(f, "observer"),
        }
    }
}

/// How a loop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It comes round.
    Good,
    /// It has not for 4.5 s in which this process ran: another one on its thread is stuck.
    Starved,
    /// It has not for 3.5 s, and is in the middle of a turn: this is the one to look at.
    Stuck,
}

/// Whether a server's loops make progress. Clones share it.
///
/// Without progress a server should be restarted: it hears nobody, or concludes nothing any more.
/// Meant for `/livez` and for the watchdog of a supervisor, which should be fed only while
/// [`Self::is_live`]; nothing here waits for anything.
#[derive(Clone, Debug, Default)]
pub struct Vitality {
    report: Arc<Mutex<Vec<(Loop, Progress)>>>,
}

impl Vitality {
    /// Whether all loops make progress. They do until the server is started, and after it has stopped.
    #[must_use]
    pub fn is_live(&self) -> bool {
        let report = self.lock();
        report
            .iter()
            .all(|(_, progress)| *progress == Progress::Good)
    }

    /// All loops that are watched.
    #[must_use]
    pub fn loops(&self) -> Vec<(Loop, Progress)> {
        self.lock().clone()
    }

    /// Who makes no progress, in words: `shard 3 is stuck; pulse, shard 0 are starved`. `None` while all do.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let report = self.lock();
        let those = |progress| {
            let loops = report.iter().filter(move |(_, is)| *is == progress);
            loops
                .map(|(which, _)| which.to_string())
                .collect::<Vec<_>>()
        };
        let (stuck, starved) = (those(Progress::Stuck), those(Progress::Starved));
        let are = |many: &[String]| if many.len() == 1 { "is" } else { "are" };
        let stuck =
            (!stuck.is_empty()).then(|| format!("{} {} stuck", stuck.join(", "), are(&stuck)));
        let starved = (!starved.is_empty())
            .then(|| format!("{} {} starved", starved.join(", "), are(&starved)));
        let said: Vec<_> = stuck.into_iter().chain(starved).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// Looks at these loops until what is returned is dropped.
    pub(crate) fn observe(&self, loops: Loops) -> io::Result<Observation> {
        let (until, ended) = sync_channel(0);
        *self.lock() = loops.all().map(|which| (which, Progress::Good)).collect();
        let vitality = self.clone();
        let thread = std::thread::Builder::new().name("carotid-vitality".to_owned());
        thread.spawn(move || vitality.look(&loops, &ended))?;
        Ok(Observation { _until: until })
    }

    fn look(&self, loops: &Loops, ended: &Receiver<()>) {
        let mut lost = Lost(Some(self));
        let mut judge = Judge::new(boottime(), loops.all().count());
        while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            let seen = judge.look(boottime(), loops.turns());
            let report = loops.all().zip(seen).collect::<Vec<_>>();
            let before = std::mem::replace(&mut *self.lock(), report);
            self.tell(&before);
        }
        self.lock().clear();
        lost.0 = None;
    }

    /// Logs what has changed.
    fn tell(&self, before: &[(Loop, Progress)]) {
        let was_live = before
            .iter()
            .all(|(_, progress)| *progress == Progress::Good);
        match self.trouble() {
            Some(trouble) if was_live => {
                tracing::error!(trouble, "no progress; this process should be restarted");
            }
            None if !was_live => tracing::warn!("all loops make progress again"),
            Some(_) | None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Loop, Progress)>> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While this exists, loops are looked at.
#[derive(Debug)]
pub(crate) struct Observation {
    _until: SyncSender<()>,
}

/// Tells of an observer that panics.
struct Lost<'a>(Option<&'a Vitality>);

impl Drop for Lost<'_> {
    fn drop(&mut self) {
        if let Some(vitality) = self.0 {
            vitality.lock().push((Loop::Observer, Progress::Stuck));
        }
    }
}

/// The loops of a server.
#[derive(Debug)]
pub(crate) struct Loops {
    pub(crate) driver: Driver,
    pub(crate) readers: Arc<Readers>,
}

impl Loops {
    fn all(&self) -> impl Iterator<Item = Loop> {
        let shards = (0..self.driver.marks().count() - 1).map(Loop::Shard);
        let polls = (0..self.readers.marks().len()).map(Loop::Poll);
        std::iter::once(Loop::Pulse).chain(shards).chain(polls)
    }

    /// In the same order, how often each has come round. `None` of one that need not any more.
    fn turns(&self) -> impl Iterator<Item = Option<u64>> {
        let polls = self.readers.marks().iter();
        // Each has a thread of its own, so that nobody else is in the middle of a turn there.
        let turns = |mark: &Mark| mark.turns() | 1;
        let polls = polls.map(move |mark| (!self.readers.are_dismissed()).then(|| turns(mark)));
        let driver = self.driver.marks().map(|mark| Some(mark.turns()));
        driver.chain(polls)
    }
}
