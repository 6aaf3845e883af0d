//! The shards, and what they share: time, the breaker and the way to the hub.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;

use carotid_core::{Breaker, Engine, Event, EventKind, OpenError, Opened, Stall, Tick};
use carotid_netrpc::PeerAddr;
use tokio::sync::{Notify, watch};

use super::counts::{Concluded, Counts};
use super::deaths::{Deaths, Turn};
use super::services::ServiceConfigs;
use crate::clock::Clock;
use crate::hub::{Conclusion, Happening, Hub};
use crate::vitality::{Mark, TURN};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) hub: Hub,
    pub(super) shards: Box<[Shard]>,
    /// Mass silence concerns all shards. Locked after a shard, never before one.
    pub(super) breaker: Mutex<Breaker>,
    /// A stall that nobody was told of yet. Nothing else is locked after it but the log.
    pub(super) stall: Mutex<Option<Stall>>,
    /// Who has died lately. Nothing else is locked after it.
    pub(super) deaths: Mutex<Deaths>,
    /// That the pulse comes round.
    pub(super) pulse: Mark,
    /// What services are held to.
    pub(super) services: watch::Sender<Arc<ServiceConfigs>>,
    /// There was a name without a slash, which is a service of its own.
    pub(super) has_singles: AtomicBool,
    /// Sessions that have not ended, as the breaker counts them.
    pub(super) sessions: AtomicU32,
    pub(super) hasher: RandomState,
    /// The second from which on a refused session is worth a line of the log again.
    pub(super) next_warning: AtomicU64,
    /// What was concluded, counted. Nothing else is locked after it.
    pub(super) concluded: Mutex<Concluded>,
    /// How many sessions were refused.
    pub(super) refused: AtomicU64,
    /// The highest number of a connection that a session from before is named after.
    pub(super) last_connection: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Shard {
    pub(super) state: Mutex<State>,
    /// That the deadline task comes round.
    pub(super) mark: Mark,
    /// The deadline task sleeps too long and must look again.
    pub(super) deadline_moved: Notify,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) engine: Engine,
    /// Where each session was last heard from, by [`SessionId::index`].
    pub(super) peers: Vec<Option<Peer>>,
    /// What the deadline task sleeps for.
    pub(super) armed: Option<Tick>,
    /// What happened here.
    pub(super) counts: Counts,
}

/// What only the driver knows of a session.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peer {
    pub(super) address: Option<PeerAddr>,
    /// The number of its `opened` event.
    pub(super) session: u64,
    /// The number of its last event; 0 if it has not ended.
    pub(super) verdict: u64,
    /// As the peer measured it last; 0 if it never told.
    pub(super) round_trip_us: u32,
}

impl State {
    /// Keeps in mind where a session was heard from.
    pub(super) fn place(&mut self, opened: &Opened, address: PeerAddr) {
        let slot = opened.id.index();
        if self.peers.len() <= slot {
            self.peers.resize(slot + 1, None);
        }
        // A session that was there already, and not one that had its place before.
        let known = self.peers[slot].filter(|_| opened.resumed);
        self.peers[slot] = Some(Peer {
            address: Some(address),
            ..known.unwrap_or_default()
        });
    }
}

impl Peer {
    pub(super) fn round_trip(self) -> Option<Duration> {
        let us = u64::from(self.round_trip_us);
        (us > 0).then(|| Duration::from_micros(us))
    }
}

impl Shared {
    /// Attended time (I6).
    pub(super) fn now(&self) -> Tick {
        let (now, stall) = self.clock.now();
        self.own_up(stall);
        now
    }

    /// Refuses a name that is not being watched while too much waits for the journal.
    pub(super) fn admit(&self, state: &State, now: Tick, name: &str) -> Result<(), OpenError> {
        if !self.hub.is_closed() {
            return Ok(());
        }
        let id = state.engine.find(name);
        let health = id.and_then(|id| state.engine.health(now, id));
        match health {
            Some(health) if !health.is_final() => Ok(()),
            _ => Err(OpenError::Unkept),
        }
    }

    /// Keeps in mind that we stalled.
    pub(super) fn own_up(&self, stall: Option<Stall>) {
        if stall.is_some() {
            *self.stall() = stall;
        }
    }

    /// Tells everybody of a stall once time goes on after it: until then it may become longer.
    pub(super) fn tell_of_stall(&self) {
        let mut stall = self.stall();
        if let Some(over) = stall.take_if(|stall| stall.at < self.clock.now().0) {
            let at = self.clock.wall(over.at);
            self.hub.publish(at, |_| Happening::Stalled(over));
        }
    }

    pub(super) fn stall(&self) -> MutexGuard<'_, Option<Stall>> {
        self.stall.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn concluded(&self) -> MutexGuard<'_, Concluded> {
        self.concluded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn deaths(&self) -> MutexGuard<'_, Deaths> {
        self.deaths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shard_of(&self, name: &str) -> u32 {
        let shards = u32::try_from(self.shards.len()).expect("there are at most 64 shards");
        shard_of(&self.hasher, name, shards)
    }

    pub(super) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes what the engine concluded, under its lock: a session's events keep their order.
    pub(super) fn conclude(&self, state: &mut State) {
        if let Some(first) = state.engine.poll_event() {
            let mut breaker = self.breaker();
            self.publish(state, &mut breaker, first);
            self.drain(state, &mut breaker);
        }
    }

    /// The same for whoever has the breaker already.
    pub(super) fn drain(&self, state: &mut State, breaker: &mut Breaker) {
        while let Some(incident) = breaker.poll_incident() {
            let at = self.clock.wall(incident.at);
            self.hub.publish(at, |_| Happening::MassSilence(incident));
        }
        while let Some(event) = state.engine.poll_event() {
            self.publish(state, breaker, event);
        }
        while let Some(end) = breaker.poll_end() {
            let at = self.clock.wall(end.at);
            self.hub.publish(at, |_| Happening::MassSilenceOver(end));
        }
        self.count_sessions_of(breaker);
    }

    fn count_sessions_of(&self, breaker: &Breaker) {
        let sessions = breaker.all().sessions;
        self.sessions.store(sessions, Ordering::Relaxed);
    }

    pub(super) fn count_sessions(&self) {
        self.count_sessions_of(&self.breaker());
    }

    pub(super) fn publish(&self, state: &mut State, breaker: &mut Breaker, event: Event) {
        breaker.observe(&event);
        self.concluded().observe(&event);
        let (slot, kind) = (event.id.index(), event.kind);
        let terms = state.engine.terms(event.id).unwrap_or_default();
        let peer = state.peers.get(slot).copied().flatten();
        let at = self.clock.wall(event.at);
        self.note_name(&event.name);
        let turn = Turn::of(&event);
        let last_beat = event.evidence.as_deref().map(|known| known.last_beat);
        let stalled = last_beat.map_or(Duration::ZERO, |last_beat| {
            self.clock.stalled_between(last_beat, event.at)
        });
        let conclude = |seq| {
            let is_first = matches!(kind, EventKind::Opened { .. });
            Happening::Session(Conclusion {
                session: peer.filter(|_| !is_first).map_or(seq, |peer| peer.session),
                terms,
                peer: peer.and_then(|peer| peer.address),
                round_trip: peer.and_then(Peer::round_trip),
                stalled,
                event,
            })
        };
        let seq = self.hub.publish(at, conclude);
        if let (Some(seq), Some(turn)) = (seq, turn) {
            self.deaths().observe(turn, at, seq);
        }
        if let (Some(seq), Some(Some(peer))) = (seq, state.peers.get_mut(slot)) {
            if matches!(kind, EventKind::Opened { .. }) {
                peer.session = seq;
            } else if kind.is_terminal() {
                peer.verdict = seq;
            }
        }
    }

    pub(super) async fn attend(&self, shard: &Shard) {
        loop {
            let due = {
                let _turn = shard.mark.begin();
                let mut state = shard.lock();
                state.engine.set_own_health(self.clock.own_health_score());
                let mut breaker = self.breaker();
                state.engine.handle_timeout(self.now(), &mut breaker);
                self.drain(&mut state, &mut breaker);
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
                // With nothing to do it still shows that it could.
                () = tokio::time::sleep(TURN) => {}
            }
        }
    }
}

/// Which of so many shards a name belongs to.
pub(super) fn shard_of(hasher: &RandomState, name: &str, shards: u32) -> u32 {
    let shard = hasher.hash_one(name) % u64::from(shards);
    u32::try_from(shard).expect("it is one of them")
}

impl Shard {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the deadline task if it sleeps for too long.
    pub(super) fn rearm(&self, state: &mut State) {
        let next = state.engine.poll_timeout();
        if next.is_some_and(|next| state.armed.is_none_or(|armed| next < armed)) {
            state.armed = next;
            self.deadline_moved.notify_one();
        }
    }
}
