//! Peers: they beat, connect, and are struck by mishaps.

use std::time::Duration;

use carotid_core::Terms;

use super::connection::{Connection, Message};
use super::path::{Path, seconds, tick};
use super::plan::{Crash, Mishap, PeerPlan, logarithmic};
use super::schedule::Action;
use super::{Presence, World};
use crate::random::Random;

/// A process that means to beat.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) random: Random,
    /// Timers of an earlier life do not count.
    pub(super) life: u32,
    pub(super) is_running: bool,
    /// The terms that it asks for, and keeps to.
    pub(super) terms: Terms,
    /// The connections that it has, as far as it knows.
    pub(super) connections: Vec<usize>,
    /// Connections of a life before this one, of whose end we were told nothing.
    orphans: Vec<usize>,
    /// When its timer says that it shall beat next, in seconds.
    due: f64,
    /// Since when its main loop hangs, and until when.
    hangs: Option<(f64, f64)>,
    /// Terms that it is to be told of with its next beat.
    pub(super) revision: Option<Terms>,
}

impl Peer {
    pub(super) const fn new(plan: &PeerPlan, random: Random) -> Self {
        Self {
            random,
            life: 0,
            is_running: false,
            terms: plan.terms,
            connections: Vec::new(),
            orphans: Vec::new(),
            due: 0.0,
            hangs: None,
            revision: None,
        }
    }

    /// How long ago its main loop made progress.
    fn progress(&mut self, now: f64) -> Duration {
        match self.hangs {
            Some((since, until)) if now < until => Duration::from_secs_f64((now - since).max(0.0)),
            _ => Duration::from_secs_f64(self.random.uniform(0.0, 0.001)),
        }
    }
}

impl World {
    /// Whether a peer's timer still counts.
    fn is_current(&self, peer: usize, life: u32) -> bool {
        let peer = &self.peers[peer];
        peer.is_running && peer.life == life
    }

    pub(super) fn on_beat_due(&mut self, index: usize, life: u32) {
        if !self.is_current(index, life) {
            return;
        }
        let plan = &self.plan.peers[index];
        let peer = &mut self.peers[index];
        let now = seconds(self.clock);
        let progress = plan.tells_progress.then(|| peer.progress(now));
        peer.due += peer.terms.interval().as_secs_f64() * (1.0 + plan.drift);
        let next = peer.due + plan.jitter * peer.random.normal().abs();
        let next = next.max(now);
        self.schedule
            .at(tick(next), Action::Beat { peer: index, life });
        if !peer.connections.is_empty() {
            let chosen = peer.random.below(peer.connections.len());
            let connection = peer.connections[chosen];
            self.send(connection, Message::Beat { progress });
        }
    }

    pub(super) fn on_return(&mut self, index: usize, life: u32) {
        let peer = &mut self.peers[index];
        if peer.life != life || peer.is_running || self.plan.end <= seconds(self.clock) {
            return;
        }
        peer.is_running = true;
        peer.life += 1;
        let life = peer.life;
        let now = seconds(self.clock);
        peer.due = now
            + peer
                .random
                .uniform(0.0, peer.terms.interval().as_secs_f64());
        let due = tick(peer.due);
        let orphans = std::mem::take(&mut peer.orphans);
        self.schedule
            .at(self.clock, Action::Connect { peer: index, life });
        self.schedule.at(due, Action::Beat { peer: index, life });
        // Its host refuses what we send on connections of the life before, when we send something.
        for connection in orphans {
            let random = &mut self.peers[index].random;
            if super::plan::chance(random, 0.5) {
                let delay = logarithmic(random, 0.001, 5.0);
                self.under_way += 1;
                let message = Message::Reset;
                self.after(
                    delay,
                    Action::Arrive {
                        connection,
                        message,
                    },
                );
            }
        }
    }

    pub(super) fn on_connect(&mut self, index: usize, life: u32) {
        if self.is_current(index, life) {
            self.connect(index);
        }
    }

    fn connect(&mut self, index: usize) {
        let plan = &self.plan.peers[index];
        let peer = &mut self.peers[index];
        if self.presence == Presence::Gone && plan.medium != super::path::Medium::Datagram {
            self.reconnect(index);
            return;
        }
        let path = Path::new(peer.random.split(), plan.medium, plan.cuts.clone());
        let says_hello = plan.says_hello;
        let connection = self.connections.len();
        self.connections.push(Connection::new(index, path));
        self.peers[index].connections.push(connection);
        let message = if says_hello {
            Message::Hello
        } else {
            Message::Beat { progress: None }
        };
        self.send(connection, message);
    }

    /// Connects anew after a while, as clients do.
    fn reconnect(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        let life = peer.life;
        let delay = peer.random.uniform(0.01, 0.5) * peer.terms.interval().as_secs_f64();
        self.after(delay, Action::Connect { peer: index, life });
    }

    pub(super) fn send(&mut self, connection: usize, message: Message) {
        let link = &mut self.connections[connection];
        let index = link.peer;
        let arrives = link.path.carry(self.clock);
        let plan = &self.plan.peers[index];
        let patience = Duration::from_secs_f64(plan.patience);
        let gives_up = self.clock.after(patience);
        let is_late = arrives.is_none_or(|at| gives_up < at);
        if link.path.is_stream() && is_late && !link.is_doubted {
            link.is_doubted = true;
            let life = self.peers[index].life;
            self.schedule.at(
                gives_up,
                Action::Abandon {
                    peer: index,
                    life,
                    connection,
                },
            );
        }
        if let Some(at) = arrives {
            self.under_way += 1;
            self.schedule.at(
                at,
                Action::Arrive {
                    connection,
                    message,
                },
            );
        }
    }

    /// Nothing got through on a connection: the peer gives it up and tries another one.
    pub(super) fn on_abandon(&mut self, index: usize, life: u32, connection: usize) {
        if self.lose(index, life, connection) {
            self.send(connection, Message::Close);
        }
    }

    /// The peer finds that our end does not know its connection any more.
    pub(super) fn on_notice(&mut self, index: usize, life: u32, connection: usize) {
        self.lose(index, life, connection);
    }

    fn lose(&mut self, index: usize, life: u32, connection: usize) -> bool {
        if !self.is_current(index, life) {
            return false;
        }
        let connections = &mut self.peers[index].connections;
        let Some(place) = connections.iter().position(|known| *known == connection) else {
            return false;
        };
        connections.remove(place);
        if connections.is_empty() {
            self.reconnect(index);
        }
        true
    }

    /// Whoever opens sessions opens one more when its beat is answered so.
    pub(super) fn on_refused(&mut self, index: usize, life: u32, connection: usize) {
        if self.is_current(index, life) && self.peers[index].connections.contains(&connection) {
            self.send(connection, Message::Hello);
        }
    }

    pub(super) fn on_mishap(
        &mut self,
        index: usize,
        number: usize,
    ) -> Result<(), crate::history::Violation> {
        let (_, mishap) = self.plan.peers[index].mishaps[number];
        if !self.peers[index].is_running {
            return Ok(());
        }
        let name = self.plan.peers[index].name.as_str();
        self.history
            .trace
            .about(self.clock, name, || format!("{mishap:?}"));
        match mishap {
            Mishap::Crash { way, back_after } => {
                self.crash(index, way);
                self.come_back(index, back_after);
            }
            Mishap::Leave { back_after } => {
                self.leave(index);
                self.come_back(index, back_after);
            }
            Mishap::Pause { length } => self.pause(index, length),
            Mishap::Wedge { length } => {
                let now = seconds(self.clock);
                self.peers[index].hangs = Some((now, now + length));
            }
            Mishap::Second { terms } => {
                self.peers[index].terms = terms;
                if self.plan.peers[index].medium != super::path::Medium::Datagram {
                    self.connect(index);
                }
            }
            Mishap::Evict => self.evict(index)?,
            Mishap::Revise { terms } => self.peers[index].revision = Some(terms),
        }
        Ok(())
    }

    fn come_back(&mut self, index: usize, after: Option<f64>) {
        if let Some(delay) = after {
            let life = self.peers[index].life;
            self.after(delay, Action::Return { peer: index, life });
        }
    }

    /// Its timer stands still for so long.
    fn pause(&mut self, index: usize, length: f64) {
        let peer = &mut self.peers[index];
        peer.life += 1;
        let now = seconds(self.clock);
        peer.due = peer.due.max(now) + length;
        let (due, life) = (tick(peer.due), peer.life);
        self.schedule.at(due, Action::Beat { peer: index, life });
        if self.peers[index].connections.is_empty() {
            self.after(length, Action::Connect { peer: index, life });
        }
    }

    pub(super) fn crash(&mut self, index: usize, way: Crash) {
        let peer = &mut self.peers[index];
        peer.is_running = false;
        peer.life += 1;
        peer.hangs = None;
        let connections = std::mem::take(&mut peer.connections);
        for connection in connections {
            if !self.connections[connection].path.is_stream() {
                continue;
            }
            match way {
                Crash::Silent => self.peers[index].orphans.push(connection),
                Crash::Closed => self.send(connection, Message::Close),
                Crash::Reset => self.send(connection, Message::Reset),
            }
        }
    }

    pub(super) fn leave(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        peer.is_running = false;
        peer.life += 1;
        peer.hangs = None;
        for connection in std::mem::take(&mut peer.connections) {
            self.send(connection, Message::Goodbye);
            if self.connections[connection].path.is_stream() {
                self.send(connection, Message::Close);
            }
        }
    }
}
