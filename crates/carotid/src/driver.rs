//! Shards of the engine, their deadlines, and the way from a conclusion to the hub.
//!
//! Names are spread over shards by hash; each shard is an engine behind its own lock, so a beat
//! takes one lock that it shares with a fraction of all beats and never a global one.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carotid_core::{
    Attendance, Breaker, BreakerConfig, Config, ConfigError, Disconnect, Engine, Open, OpenError,
    Opened, SessionId, SessionName, Terms, Tick, UnknownSession, Vitals,
};
use carotid_netrpc::PeerAddr;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::hub::Hub;
use crate::readers::{Readers, Roll};
use crate::vitality::Mark;

mod counts;
mod deaths;
mod figures;
mod past;
mod query;
mod services;
mod shard;
mod sorted;
mod storage;
mod visit;

use counts::Counts;
use deaths::Deaths;
use shard::{Peer, Shard, Shared, State, shard_of};
use storage::Storage;

pub(crate) use counts::Histogram;
pub use deaths::Death;
pub(crate) use figures::{Figures, Listed, Services};
pub use past::RestoreError;
pub(crate) use past::{Past, PastSession, PastVerdict};
pub use query::{Cursor, Verdict, Watched};
pub(crate) use services::contains;
pub use services::{ServiceConfig, ServiceConfigs, ServiceStatus};
pub use sorted::{Page, Place, SortKey, Sorting};
pub(crate) use storage::{Tallies, is_late};

/// Watches sessions and publishes what it concludes of them. Clones share it.
#[derive(Clone, Debug)]
pub struct Driver {
    shared: Arc<Shared>,
}

/// Which session, for the calls that follow [`Driver::open`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKey {
    shard: u32,
    id: SessionId,
}

/// Two threads want the same shard at the same time less often than with one for each core, see
/// `docs/adr/0003-shards-behind-locks.md`.
const SHARDS_PER_CORE: usize = 4;
const MAX_SHARDS: u32 = 64;

/// A shard of fewer sessions than this would be full long before its siblings.
const MIN_SHARE: u32 = 4096;

impl Driver {
    /// A driver with several shards for each core. Call [`Self::attend`] for its deadlines.
    ///
    /// [`Config::max_sessions`] is divided among the shards. Names spread over them almost evenly,
    /// so a table may say that it is full a few per cent earlier or later than the number says.
    ///
    /// # Errors
    ///
    /// Settings that contradict themselves.
    pub fn new(config: &Config, breaker: BreakerConfig) -> Result<Self, ConfigError> {
        Self::with_hub(config, breaker, Hub::new(), &[])
    }

    /// A driver with room for these names, however unevenly they spread.
    fn with_hub(
        config: &Config,
        breaker: BreakerConfig,
        hub: Hub,
        names: &[SessionName],
    ) -> Result<Self, ConfigError> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let shards = u32::try_from(cores * SHARDS_PER_CORE).map_or(MAX_SHARDS, |shards| {
            shards
                .min(MAX_SHARDS)
                .min(config.max_sessions / MIN_SHARE)
                .max(1)
        });
        let mut config = config.clone();
        let share = config.max_sessions.div_ceil(shards);
        let hasher = foldhash::fast::RandomState::default();
        let mut taken = vec![0_u32; shards as usize];
        for name in names {
            taken[shard_of(&hasher, name.as_str(), shards) as usize] += 1;
        }
        let shards = taken
            .into_iter()
            .map(|taken| {
                config.max_sessions = share.max(taken);
                config.hash_seed = rand::random();
                Ok(Shard {
                    state: Mutex::new(State {
                        engine: Engine::new(&config)?,
                        peers: Vec::new(),
                        armed: None,
                        counts: Counts::default(),
                    }),
                    mark: Mark::default(),
                    deadline_moved: Notify::new(),
                })
            })
            .collect::<Result<_, ConfigError>>()?;
        let shared = Shared {
            clock: Clock::start(),
            hub,
            shards,
            breaker: Mutex::new(Breaker::new(breaker, rand::random())?),
            stall: Mutex::new(None),
            pulse: Mark::default(),
            deaths: Mutex::new(Deaths::new(config.retention)),
            services: watch::Sender::default(),
            has_singles: AtomicBool::new(false),
            sessions: AtomicU32::new(0),
            hasher,
            next_warning: AtomicU64::new(0),
            concluded: Mutex::default(),
            refused: AtomicU64::new(0),
            last_connection: AtomicU64::new(0),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Starts a deadline task for each shard, and one that notices when none of them could run (I6);
    /// they end with `shutdown`.
    pub fn attend(&self, tasks: &TaskTracker, shutdown: &CancellationToken) {
        self.attend_with(Arc::default(), tasks, shutdown);
    }

    /// Lets time run; until then no silence counts.
    pub(crate) fn begin(&self) {
        self.shared.clock.begin();
    }

    /// The same where others read what peers send: while they do not keep up, we do not attend.
    pub(crate) fn attend_with(
        &self,
        readers: Arc<Readers>,
        tasks: &TaskTracker,
        shutdown: &CancellationToken,
    ) {
        self.begin();
        let driver = self.clone();
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(async move {
            let shared = &driver.shared;
            let mut storage = Storage::default();
            let mut roll = Roll::new(readers);
            loop {
                let stall = shared.clock.pulse(&mut roll).await;
                let _turn = shared.pulse.begin();
                shared.own_up(stall);
                shared.tell_of_stall();
                storage.look(&driver);
            }
        }));
        for shard in 0..self.shared.shards.len() {
            let shared = self.shared.clone();
            tasks.spawn(shutdown.clone().run_until_cancelled_owned(async move {
                shared.attend(&shared.shards[shard]).await;
            }));
        }
    }

    /// The marks of all its loops, that of the pulse first.
    pub(crate) fn marks(&self) -> impl Iterator<Item = &Mark> {
        let shards = self.shared.shards.iter();
        std::iter::once(&self.shared.pulse).chain(shards.map(|shard| &shard.mark))
    }

    /// Holds the lock of a shard until what is returned is dropped, as a defect could: for tests of
    /// what is done about it. There is no such thing in a release build.
    #[cfg(debug_assertions)]
    #[doc(hidden)]
    #[must_use]
    pub fn hold_shard(&self, shard: usize) -> impl Drop {
        self.shared.shards[shard].lock()
    }

    /// The event log.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.shared.hub
    }

    /// A peer at `peer` names itself on a connection. See [`Engine::open`].
    ///
    /// # Errors
    ///
    /// A full session table.
    pub fn open(
        &self,
        name: SessionName,
        terms: Option<Terms>,
        peer: impl Into<PeerAddr>,
    ) -> Result<(SessionKey, Opened), OpenError> {
        let index = self.shared.shard_of(name.as_str());
        let shard = &self.shared.shards[index as usize];
        let mut state = shard.lock();
        let now = self.shared.now();
        self.shared.admit(&state, now, name.as_str())?;
        let opened = state.engine.open(now, Open { name, terms })?;
        state.place(&opened, peer.into());
        state.counts.beat(None);
        self.shared.conclude(&mut state);
        shard.rearm(&mut state);
        let key = SessionKey {
            shard: index,
            id: opened.id,
        };
        Ok((key, opened))
    }

    /// The session showed life, and may have told how it is; returns the terms in force. See
    /// [`Engine::beat`].
    ///
    /// # Errors
    ///
    /// A session that has ended.
    pub fn beat(
        &self,
        key: SessionKey,
        vitals: Vitals,
        round_trip: Option<Duration>,
    ) -> Result<Terms, UnknownSession> {
        let shard = &self.shared.shards[key.shard as usize];
        let mut state = shard.lock();
        state.counts.beat(round_trip);
        if let Some(round_trip) = round_trip
            && let Some(Some(peer)) = state.peers.get_mut(key.id.index())
        {
            peer.round_trip_us = u32::try_from(round_trip.as_micros()).unwrap_or(u32::MAX);
        }
        self.apply(shard, &mut state, |engine, now| {
            engine.beat(now, key.id, vitals)?;
            engine.terms(key.id).ok_or(UnknownSession)
        })
    }

    /// The session lives by other terms from now on, which are returned. See [`Engine::revise`].
    ///
    /// # Errors
    ///
    /// A session that has ended.
    pub fn revise(&self, key: SessionKey, terms: Terms) -> Result<Terms, UnknownSession> {
        self.input(key, |engine, now| engine.revise(now, key.id, terms))
    }

    /// One of the session's connections ended. See [`Engine::detach`].
    ///
    /// # Errors
    ///
    /// A session that is not remembered any more.
    pub fn detach(&self, key: SessionKey, why: Disconnect) -> Result<(), UnknownSession> {
        self.input(key, |engine, now| engine.detach(now, key.id, why))
    }

    /// The peer said goodbye. See [`Engine::close`].
    ///
    /// # Errors
    ///
    /// A session that has ended already.
    pub fn close(&self, key: SessionKey) -> Result<(), UnknownSession> {
        self.input(key, |engine, now| engine.close(now, key.id))
    }

    /// Whether the session has not ended.
    #[must_use]
    pub fn is_watched(&self, key: SessionKey) -> bool {
        let state = self.shared.shards[key.shard as usize].lock();
        let health = state.engine.health(self.shared.now(), key.id);
        health.is_some_and(|health| !health.is_final())
    }

    /// How many sessions have not ended.
    #[must_use]
    pub fn sessions(&self) -> u32 {
        self.shared.sessions.load(Ordering::Relaxed)
    }

    /// When and for how long we did not run.
    #[must_use]
    pub fn attendance(&self) -> Attendance {
        self.shared.clock.attendance()
    }

    /// Wall time, for display only.
    pub(crate) fn wall_now(&self) -> Timestamp {
        self.shared.clock.wall(self.shared.now())
    }

    /// Wall time of a point in attended time, for display only.
    #[must_use]
    pub fn wall(&self, tick: Tick) -> Timestamp {
        self.shared.clock.wall(tick)
    }

    /// Counts a refused session, and logs that there are some, at most once in ten seconds.
    pub(crate) fn warn_of(&self, error: OpenError) {
        self.shared.refused.fetch_add(1, Ordering::Relaxed);
        let second = self.shared.now().as_nanos() / 1_000_000_000;
        let next = self
            .shared
            .next_warning
            .fetch_max(second + 10, Ordering::Relaxed);
        if next <= second {
            tracing::warn!(%error, "sessions are refused");
        }
    }

    fn input<T>(
        &self,
        key: SessionKey,
        apply: impl FnOnce(&mut Engine, Tick) -> Result<T, UnknownSession>,
    ) -> Result<T, UnknownSession> {
        let shard = &self.shared.shards[key.shard as usize];
        self.apply(shard, &mut shard.lock(), apply)
    }

    fn apply<T>(
        &self,
        shard: &Shard,
        state: &mut State,
        apply: impl FnOnce(&mut Engine, Tick) -> Result<T, UnknownSession>,
    ) -> Result<T, UnknownSession> {
        // Read under the lock, so that a session's times do not run backwards.
        let done = apply(&mut state.engine, self.shared.now());
        self.shared.conclude(state);
        shard.rearm(state);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Subscription;
    use carotid_core::Standing;

    /// A driver that attends, and its events.
    fn attending(readers: &Arc<Readers>, tasks: &TaskTracker) -> (Driver, Subscription) {
        let ms = Duration::from_millis;
        let config = Config {
            terms: Terms::new(ms(150), ms(400)).unwrap(),
            ..Config::default()
        };
        let driver = Driver::new(&config, BreakerConfig::default()).unwrap();
        let events = driver.hub().subscribe(Some(0));
        driver.attend_with(Arc::clone(readers), tasks, &CancellationToken::new());
        (driver, events)
    }

    fn open(driver: &Driver, name: &str) {
        let peer = PeerAddr::Unix { pid: None };
        driver.open(name.parse().unwrap(), None, peer).unwrap();
    }

    /// What happens until somebody is dead.
    async fn until_dead(events: &mut Subscription) -> Vec<&'static str> {
        let mut told = Vec::new();
        while told.last() != Some(&"dead") {
            told.push(events.next(1).await.records[0].what.as_str());
        }
        told
    }

    #[tokio::test]
    async fn nobody_dies_while_barred_and_whoever_is_still_silent_does_after_that() {
        let tasks = TaskTracker::new();
        let (driver, mut events) = attending(&Arc::default(), &tasks);
        let (witness, mut witnessed) = attending(&Arc::default(), &tasks);
        driver.bar(true);
        open(&driver, "a");
        for _timeout in 0..3 {
            open(&witness, "a");
            until_dead(&mut witnessed).await;
        }
        assert_eq!(driver.find("a").unwrap().view.standing, Standing::Held);
        driver.bar(false);
        assert_eq!(until_dead(&mut events).await, ["opened", "suspect", "dead"]);
    }

    #[tokio::test]
    async fn nobody_is_accused_while_what_peers_send_is_not_read() {
        let tasks = TaskTracker::new();
        let readers = Arc::new(Readers::new(1));
        let (driver, mut events) = attending(&readers, &tasks);
        let (witness, mut witnessed) = attending(&Arc::default(), &tasks);
        open(&driver, "a");
        for _timeout in 0..3 {
            open(&witness, "a");
            until_dead(&mut witnessed).await;
        }
        assert!(!driver.find("a").unwrap().view.health.is_final());
        // The reader goes on, and that it did not is told; then silence counts.
        tasks.spawn(async move {
            loop {
                readers.kept_up(0);
                tokio::time::sleep(Attendance::PULSE / 2).await;
            }
        });
        let told = until_dead(&mut events).await;
        assert!(told.contains(&"stalled"), "{told:?}");
    }
}
