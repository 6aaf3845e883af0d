//! Shards of the engine, their deadlines, and the way from a conclusion to the hub.
//!
//! Names are spread over shards by hash; each shard is an engine behind its own lock, so a beat
//! takes one lock that it shares with a fraction of all beats and never a global one.

use std::hash::BuildHasher;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carotid_core::{
    Attendance, Config, ConfigError, Disconnect, Engine, Open, OpenError, Opened, SessionId,
    SessionName, Stall, Terms, Tick, UnknownSession,
};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::hub::{Happening, Hub};

mod query;

pub use query::{Cursor, Verdict, Watched};

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

#[derive(Debug)]
struct Shared {
    clock: Clock,
    hub: Hub,
    shards: Box<[Shard]>,
    hasher: foldhash::fast::RandomState,
    /// The second from which on a refused session is worth a line of the log again.
    next_warning: AtomicU64,
}

#[derive(Debug)]
struct Shard {
    state: Mutex<State>,
    /// The deadline task sleeps too long and must look again.
    deadline_moved: Notify,
}

#[derive(Debug)]
struct State {
    engine: Engine,
    /// Where each session was last heard from, by [`SessionId::index`].
    peers: Vec<Option<SocketAddr>>,
    /// What the deadline task sleeps for.
    armed: Option<Tick>,
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
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let shards = u32::try_from(cores * SHARDS_PER_CORE).map_or(MAX_SHARDS, |shards| {
            shards
                .min(MAX_SHARDS)
                .min(config.max_sessions / MIN_SHARE)
                .max(1)
        });
        let mut config = config.clone();
        config.max_sessions = config.max_sessions.div_ceil(shards);
        let shards = (0..shards)
            .map(|_| {
                config.hash_seed = rand::random();
                Ok(Shard {
                    state: Mutex::new(State {
                        engine: Engine::new(&config)?,
                        peers: Vec::new(),
                        armed: None,
                    }),
                    deadline_moved: Notify::new(),
                })
            })
            .collect::<Result<_, ConfigError>>()?;
        let shared = Shared {
            clock: Clock::start(),
            hub: Hub::new(),
            shards,
            hasher: foldhash::fast::RandomState::default(),
            next_warning: AtomicU64::new(0),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Starts a deadline task for each shard, and one that notices when none of them could run (I6);
    /// they end with `shutdown`.
    pub fn attend(&self, tasks: &TaskTracker, shutdown: &CancellationToken) {
        self.shared.clock.begin();
        let shared = self.shared.clone();
        tasks.spawn(shutdown.clone().run_until_cancelled_owned(async move {
            loop {
                let stall = shared.clock.pulse().await;
                shared.own_up(stall);
            }
        }));
        for shard in 0..self.shared.shards.len() {
            let shared = self.shared.clone();
            tasks.spawn(shutdown.clone().run_until_cancelled_owned(async move {
                shared.attend(&shared.shards[shard]).await;
            }));
        }
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
        peer: SocketAddr,
    ) -> Result<(SessionKey, Opened), OpenError> {
        let index = self.shared.shard_of(name.as_str());
        let shard = &self.shared.shards[index as usize];
        let mut state = shard.lock();
        let opened = state.engine.open(self.shared.now(), Open { name, terms })?;
        let slot = opened.id.index();
        if state.peers.len() <= slot {
            state.peers.resize(slot + 1, None);
        }
        state.peers[slot] = Some(peer);
        self.shared.conclude(&mut state);
        shard.rearm(&mut state);
        let key = SessionKey {
            shard: index,
            id: opened.id,
        };
        Ok((key, opened))
    }

    /// The session showed life. See [`Engine::beat`].
    ///
    /// # Errors
    ///
    /// A session that has ended.
    pub fn beat(&self, key: SessionKey) -> Result<(), UnknownSession> {
        self.input(key, |engine, now| engine.beat(now, key.id))
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

    /// When and for how long we did not run.
    #[must_use]
    pub fn attendance(&self) -> Attendance {
        self.shared.clock.attendance()
    }

    /// Wall time of a point in attended time, for display only.
    #[must_use]
    pub fn wall(&self, tick: Tick) -> Timestamp {
        self.shared.clock.wall(tick)
    }

    /// Logs that sessions are refused, at most once in ten seconds.
    pub(crate) fn warn_of(&self, error: OpenError) {
        let second = self.shared.now().as_nanos() / 1_000_000_000;
        let next = self
            .shared
            .next_warning
            .fetch_max(second + 10, Ordering::Relaxed);
        if next <= second {
            tracing::warn!(%error, "sessions are refused");
        }
    }

    fn input(
        &self,
        key: SessionKey,
        apply: impl FnOnce(&mut Engine, Tick) -> Result<(), UnknownSession>,
    ) -> Result<(), UnknownSession> {
        let shard = &self.shared.shards[key.shard as usize];
        let mut state = shard.lock();
        // Read under the lock, so that a session's times do not run backwards.
        let done = apply(&mut state.engine, self.shared.now());
        self.shared.conclude(&mut state);
        shard.rearm(&mut state);
        done
    }
}

impl Shared {
    /// Attended time (I6).
    fn now(&self) -> Tick {
        let (now, stall) = self.clock.now();
        self.own_up(stall);
        now
    }

    /// Tells everybody that we stalled.
    fn own_up(&self, stall: Option<Stall>) {
        if let Some(stall) = stall {
            let at = self.clock.wall(stall.at);
            self.hub.publish(at, Happening::Stalled(stall));
        }
    }

    fn shard_of(&self, name: &str) -> u32 {
        let shards = self.shards.len() as u64;
        let shard = self.hasher.hash_one(name) % shards;
        u32::try_from(shard).expect("there are at most 64 shards")
    }

    /// Publishes what the engine concluded, under its lock: a session's events keep their order.
    fn conclude(&self, state: &mut State) {
        while let Some(event) = state.engine.poll_event() {
            let peer = state.peers.get(event.id.index()).copied().flatten();
            let at = self.clock.wall(event.at);
            self.hub.publish(at, Happening::Session { event, peer });
        }
    }

    async fn attend(&self, shard: &Shard) {
        loop {
            let due = {
                let mut state = shard.lock();
                state.engine.handle_timeout(self.now());
                self.conclude(&mut state);
                state.armed = state.engine.poll_timeout();
                state.armed
            };
            if due.is_some_and(|due| due <= self.now()) {
                // More is due than one call may do (I4); others go first.
                tokio::task::yield_now().await;
                continue;
            }
            tokio::select! {
                () = self.clock.wait_until(due) => {}
                () = shard.deadline_moved.notified() => {}
            }
        }
    }
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the deadline task if it sleeps for too long.
    fn rearm(&self, state: &mut State) {
        let next = state.engine.poll_timeout();
        if next.is_some_and(|next| state.armed.is_none_or(|armed| next < armed)) {
            state.armed = next;
            self.deadline_moved.notify_one();
        }
    }
}
