//! What a driver can be asked.

use std::time::Duration;

use carotid_core::{Health, SessionView, Standing, Tally, Tick};
use carotid_netrpc::PeerAddr;
use jiff::Timestamp;

use super::services::tally_of;
use super::{Driver, Peer, Shared, State};

/// A session with what only the driver knows of it.
#[derive(Clone, Debug)]
pub struct Watched {
    /// What the engine knows.
    pub view: SessionView,
    /// Where it was last heard from.
    pub peer: Option<PeerAddr>,
    /// The round trip to it, as the peer itself measured it last.
    pub round_trip: Option<Duration>,
    /// Wall time of [`SessionView::since`], for display only.
    pub since: Timestamp,
    /// How long it has been silent.
    pub silent: Duration,
}

/// What the belief in a session stands on: for one that is alive as of now, for any other as of the
/// moment when it was concluded.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The session.
    pub watched: Watched,
    /// The gaps between its last beats, at most eight, oldest first.
    pub gaps: Vec<Duration>,
    /// Wall time of its last beat, for display only.
    pub last_beat: Timestamp,
    /// How long it was silent then.
    pub silent: Duration,
    /// How long we did not run between its last beat and then; not part of [`Self::silent`].
    pub stalled: Duration,
    /// How unwell this host is now: 0 is well.
    pub own_health_score: u32,
}

/// A place in the list of all sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) shard: u32,
    pub(crate) slot: u32,
}

/// Table slots looked at under one lock: some tens of microseconds.
pub(super) const SLOTS_AT_ONCE: u32 = 512;

impl Driver {
    /// How all sessions are, while there is mass silence that is not over.
    #[must_use]
    pub fn mass_silence(&self) -> Option<Tally> {
        let breaker = self.shared.breaker();
        (breaker.ongoing() > 0).then(|| breaker.all())
    }

    /// What is known of a name's latest session.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Watched> {
        let shard = &self.shared.shards[self.shared.shard_of(name) as usize];
        let state = shard.lock();
        let now = self.shared.now();
        let view = state.engine.view(now, state.engine.find(name)?)?;
        Some(self.shared.watched(&state, view, now))
    }

    /// How the sessions of a service are, ended ones left out; a session whose name has no slash is a
    /// service of its own. `None` if it has none.
    #[must_use]
    pub fn service(&self, service: &str) -> Option<Tally> {
        if let Some(tally) = self.shared.breaker().service(service) {
            return Some(tally);
        }
        let view = self.find(service)?.view;
        let is_one = !service.contains('/') && !view.health.is_final();
        is_one.then(|| tally_of(&view))
    }

    /// What the belief in a name's latest session stands on.
    #[must_use]
    pub fn verdict(&self, name: &str) -> Option<Verdict> {
        let shard = &self.shared.shards[self.shared.shard_of(name) as usize];
        let state = shard.lock();
        let now = self.shared.now();
        let view = state.engine.view(now, state.engine.find(name)?)?;
        let gaps = state.engine.gaps(view.id).collect();
        // Of one that is alive we know until now, of the others until they were not.
        let concluded = match view.health {
            Health::Alive => now,
            Health::Suspect | Health::Dead | Health::Left => view.since,
        };
        Some(Verdict {
            gaps,
            silent: concluded.since(view.last_beat),
            stalled: (self.shared.clock).stalled_between(view.last_beat, concluded),
            own_health_score: self.shared.clock.own_health_score(),
            last_beat: self.shared.clock.wall(view.last_beat),
            watched: self.shared.watched(&state, view, now),
        })
    }

    /// At most `limit` sessions that `wanted` accepts, from `after` on, and where to go on. A
    /// session that is there throughout is listed once, whatever comes and goes meanwhile. No lock
    /// is held for long, however few sessions are wanted.
    pub async fn list(
        &self,
        after: Cursor,
        limit: usize,
        wanted: impl Fn(&SessionView) -> bool,
    ) -> (Vec<Watched>, Option<Cursor>) {
        let mut found = Vec::new();
        let mut at = after;
        while let Some(shard) = self.shared.shards.get(at.shard as usize) {
            let end = {
                let state = shard.lock();
                let now = self.shared.now();
                let end = state.engine.slots();
                let slots = at.slot..end.min(at.slot.saturating_add(SLOTS_AT_ONCE));
                at.slot = slots.end;
                for mut view in state.engine.scan(now, slots) {
                    self.shared.mask(&state, &mut view);
                    if !wanted(&view) {
                        continue;
                    }
                    if found.len() == limit {
                        at.slot = u32::try_from(view.id.index()).unwrap_or(u32::MAX);
                        return (found, Some(at));
                    }
                    found.push(self.shared.watched(&state, view, now));
                }
                end
            };
            if end <= at.slot {
                at = Cursor {
                    shard: at.shard + 1,
                    slot: 0,
                };
            }
            tokio::task::yield_now().await;
        }
        (found, None)
    }

    /// Shows each session that is remembered, ended ones included, to `visit`, with where it was last
    /// heard from and how to make all of it that is known. Whoever is there throughout is shown once,
    /// whatever comes and goes meanwhile. No lock is held for long; a million sessions take some tenths of
    /// a second of one core.
    pub(crate) async fn each(
        &self,
        mut visit: impl FnMut(SessionView, Option<PeerAddr>, &dyn Fn(SessionView) -> Watched),
    ) {
        for shard in &self.shared.shards {
            let (mut from, mut end) = (0, u32::MAX);
            while from < end {
                {
                    let state = shard.lock();
                    let now = self.shared.now();
                    end = state.engine.slots();
                    let watch = |view| self.shared.watched(&state, view, now);
                    let until = end.min(from.saturating_add(SLOTS_AT_ONCE));
                    for mut view in state.engine.scan(now, from..until) {
                        self.shared.mask(&state, &mut view);
                        let peer = state.peers.get(view.id.index()).copied().flatten();
                        visit(view, peer.and_then(|peer| peer.address), &watch);
                    }
                    from = until;
                }
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Shared {
    /// A verdict that a crash may still undo is none yet: whoever is not shown as dead or gone is suspect.
    pub(super) fn mask(&self, state: &State, view: &mut SessionView) {
        let peer = state.peers.get(view.id.index()).copied().flatten();
        let is_shown = |peer: Peer| peer.verdict <= self.hub.last_seq();
        if view.health.is_final() && !peer.is_none_or(is_shown) {
            view.health = Health::Suspect;
            view.standing = Standing::Held;
        }
    }

    pub(super) fn watched(&self, state: &State, mut view: SessionView, now: Tick) -> Watched {
        let peer = state.peers.get(view.id.index()).copied().flatten();
        self.mask(state, &mut view);
        Watched {
            peer: peer.and_then(|peer| peer.address),
            round_trip: peer.and_then(Peer::round_trip),
            since: self.clock.wall(view.since),
            silent: now.since(view.last_beat),
            view,
        }
    }
}
