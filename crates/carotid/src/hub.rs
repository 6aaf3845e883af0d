//! The ordered event log: every conclusion gets the next sequence number, and whoever wants to
//! follow reads from any number that is still kept. No reader holds up a writer for longer than the
//! copying of one batch (I8): one that falls behind the log is told how many events it missed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carotid_core::{Event, Incident, IncidentEnd, Stall};
use carotid_netrpc::PeerAddr;
use jiff::Timestamp;
use tokio::sync::watch;

/// How many events are kept for those who come late: two for each of a hundred thousand sessions
/// that die together, and room for the next.
const KEPT: usize = 1 << 18;

/// One event with its place in the order.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// Wall time of it, for display only.
    pub at: Timestamp,
    /// What happened.
    pub what: Happening,
}

/// What the log tells of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Happening {
    /// Something was concluded of a session.
    Session(Conclusion),
    /// We did not run for a while, for which no session is held to account.
    Stalled(Stall),
    /// Many sessions fell silent together, and their deaths are held back.
    MassSilence(Incident),
    /// That is over, and no death of it is held any more.
    MassSilenceOver(IncidentEnd),
}

/// Something that was concluded of a session, with what the engine cannot know.
#[derive(Clone, Debug)]
pub struct Conclusion {
    /// What.
    pub event: Event,
    /// Where the session was last heard from.
    pub peer: Option<PeerAddr>,
    /// The round trip to it, as the peer itself measured it last.
    pub round_trip: Option<Duration>,
    /// How long we did not run since its last beat.
    pub stalled: Duration,
}

impl Happening {
    /// What was concluded, if it was of a session.
    #[must_use]
    pub const fn event(&self) -> Option<&Event> {
        match self {
            Self::Session(conclusion) => Some(&conclusion.event),
            Self::Stalled(_) | Self::MassSilence(_) | Self::MassSilenceOver(_) => None,
        }
    }

    /// The mass silence, if it is one.
    #[must_use]
    pub const fn incident(&self) -> Option<&Incident> {
        match self {
            Self::MassSilence(incident) => Some(incident),
            Self::Session(_) | Self::Stalled(_) | Self::MassSilenceOver(_) => None,
        }
    }

    /// The word for it: that of [`EventKind::as_str`](carotid_core::EventKind::as_str), `stalled`,
    /// `mass_silence` or `mass_silence_over`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Session(conclusion) => conclusion.event.kind.as_str(),
            Self::Stalled(_) => "stalled",
            Self::MassSilence(_) => "mass_silence",
            Self::MassSilenceOver(_) => "mass_silence_over",
        }
    }
}

/// The event log. Clones share it.
#[derive(Clone, Debug)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Tells this run of the daemon from others, whose numbers began anew.
    run: u64,
    log: Mutex<Log>,
    /// The last number given; also wakes those who wait for the next.
    last: watch::Sender<u64>,
}

#[derive(Debug)]
struct Log {
    records: VecDeque<Record>,
    next_seq: u64,
    kept: usize,
}

/// A place in the log.
#[derive(Debug)]
pub struct Subscription {
    shared: Arc<Shared>,
    last: watch::Receiver<u64>,
    next_seq: u64,
}

/// What a subscription got.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Events that were dropped from the log before they could be read.
    pub missed: u64,
    /// The next events, in order.
    pub records: Vec<Record>,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self::keeping(KEPT)
    }

    fn keeping(kept: usize) -> Self {
        let log = Log {
            records: VecDeque::new(),
            next_seq: 1,
            kept,
        };
        let shared = Shared {
            run: rand::random(),
            log: Mutex::new(log),
            last: watch::Sender::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(crate) fn publish(&self, at: Timestamp, what: Happening) {
        let mut log = self.shared.lock();
        let seq = log.next_seq;
        log.next_seq += 1;
        if log.records.len() == log.kept {
            log.records.pop_front();
        }
        log.records.push_back(Record { seq, at, what });
        // Under the lock, so that the numbers shown only rise.
        self.shared.last.send_replace(seq);
    }

    /// The number of the latest event; 0 before the first.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        *self.shared.last.borrow()
    }

    /// A random number of this log, which no other run has.
    #[must_use]
    pub fn run(&self) -> u64 {
        self.shared.run
    }

    /// Follows the log from the event after number `after`; `None` starts with what happens next.
    ///
    /// A number this log has not reached yet belongs to an earlier run, so such a reader starts at
    /// the beginning.
    #[must_use]
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        let last = self.shared.last.subscribe();
        let last_seq = *last.borrow();
        let next_seq = match after {
            Some(after) if after <= last_seq => after + 1,
            Some(_) => 1,
            None => last_seq + 1,
        };
        Subscription {
            shared: self.shared.clone(),
            last,
            next_seq,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Log> {
        // The log is consistent between any two statements that touch it.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// The number of the event before the next one.
    #[must_use]
    pub fn after(&self) -> u64 {
        self.next_seq - 1
    }

    /// Waits for the next events and returns at most `limit` of them. Cancel safe.
    pub async fn next(&mut self, limit: usize) -> Batch {
        let next_seq = self.next_seq;
        if self.last.wait_for(|last| next_seq <= *last).await.is_err() {
            // The hub is gone, and we hold it: this cannot be.
            std::future::pending::<()>().await;
        }
        let log = self.shared.lock();
        let first = log
            .records
            .front()
            .map_or(log.next_seq, |record| record.seq);
        let missed = first.saturating_sub(self.next_seq);
        self.next_seq += missed;
        let skip = usize::try_from(self.next_seq - first).unwrap_or(usize::MAX);
        let records: Vec<_> = log.records.iter().skip(skip).take(limit).cloned().collect();
        self.next_seq += records.len() as u64;
        Batch { missed, records }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carotid_core::{Config, Engine, Open, Tick};

    fn events(count: usize) -> Vec<Event> {
        let mut engine = Engine::new(&Config::default()).unwrap();
        for index in 0..count {
            let name = format!("a/{index}").parse().unwrap();
            let open = Open { name, terms: None };
            engine.open(Tick::from_nanos(0), open).unwrap();
        }
        std::iter::from_fn(|| engine.poll_event()).collect()
    }

    fn publish(hub: &Hub, count: usize) {
        for event in events(count) {
            let what = Happening::Session(Conclusion {
                event,
                peer: None,
                round_trip: None,
                stalled: Duration::ZERO,
            });
            hub.publish(Timestamp::UNIX_EPOCH, what);
        }
    }

    fn seqs(batch: &Batch) -> Vec<u64> {
        batch.records.iter().map(|record| record.seq).collect()
    }

    #[tokio::test]
    async fn a_subscription_starts_where_it_asks_to() {
        let hub = Hub::keeping(10);
        publish(&hub, 3);
        assert_eq!(seqs(&hub.subscribe(Some(0)).next(9).await), [1, 2, 3]);
        assert_eq!(seqs(&hub.subscribe(Some(2)).next(9).await), [3]);
        assert_eq!(seqs(&hub.subscribe(Some(0)).next(2).await), [1, 2]);
        let mut live = hub.subscribe(None);
        publish(&hub, 1);
        assert_eq!(seqs(&live.next(9).await), [4]);
    }

    #[tokio::test]
    async fn a_slow_reader_is_told_what_it_missed() {
        let hub = Hub::keeping(4);
        let mut slow = hub.subscribe(Some(0));
        publish(&hub, 10);
        let batch = slow.next(2).await;
        assert_eq!((batch.missed, seqs(&batch)), (6, vec![7, 8]));
        let batch = slow.next(9).await;
        assert_eq!((batch.missed, seqs(&batch)), (0, vec![9, 10]));
    }

    #[tokio::test]
    async fn a_number_from_an_earlier_run_starts_at_the_beginning() {
        let hub = Hub::keeping(4);
        publish(&hub, 2);
        assert_eq!(seqs(&hub.subscribe(Some(500)).next(9).await), [1, 2]);
    }
}
