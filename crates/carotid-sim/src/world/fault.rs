//! What befalls the monitor itself, and how everything ends.

use std::time::Duration;

use carotid_core::{Cause, Disconnect, Health, PastEnd, Restored};

use super::monitor::Monitor;
use super::path::seconds;
use super::plan::{Crash, chance};
use super::schedule::Action;
use super::{Presence, World};
use crate::history::{Law, State, Violation};

/// Reading what queued up takes so long at most: it must be done within the grace.
const DRAINED_WITHIN: f64 = 0.4;

/// A span in which the monitor does not run, too short for it to notice.
const LONGEST_HICCUP: f64 = 0.2;

impl World {
    pub(super) fn on_stall(&mut self, number: usize) {
        if self.presence != Presence::Runs {
            return;
        }
        self.monitor.now(self.clock, &mut self.history);
        self.presence = Presence::Stalls(self.clock);
        let length = self.plan.stalls[number].length;
        let clock = self.clock;
        self.history
            .trace
            .everybody(clock, || format!("the monitor stalls for {length:.3} s"));
    }

    pub(super) fn on_wake(&mut self, number: usize) -> Result<(), Violation> {
        let Presence::Stalls(since) = self.presence else {
            return Ok(());
        };
        self.presence = Presence::Runs;
        let stall = self.plan.stalls[number];
        let is_hiccup = stall.length < LONGEST_HICCUP;
        let suspended = Duration::from_secs_f64(stall.suspended);
        if is_hiccup {
            self.history.attention.hiccuped(since, self.clock);
            self.monitor.wake(self.clock, Duration::ZERO);
        } else {
            self.history.attention.stalled(since, self.clock);
            self.monitor.wake(self.clock, suspended);
        }
        self.monitor.disarm();
        if is_hiccup {
            self.read_everything()?;
        } else {
            self.plan_reading();
        }
        for shard in 0..self.plan.shards {
            if let Some((wake, round)) = self.monitor.rearm(self.clock, shard) {
                // Whoever wakes first is first: deadlines may be looked at before any input.
                let late = self.random.uniform(0.0, 0.02);
                let wake = wake.after(Duration::from_secs_f64(late));
                self.schedule.at(wake, Action::Sweep { shard, round });
            }
        }
        Ok(())
    }

    /// Reads what queued up in a span that is no stall, so that nothing waits for the reading.
    fn read_everything(&mut self) -> Result<(), Violation> {
        loop {
            let fronts = self.connections.iter().enumerate();
            let fronts = fronts.filter_map(|(index, connection)| {
                let (arrived, _) = connection.queue.front()?;
                Some((*arrived, index))
            });
            let Some((_, index)) = fronts.min() else {
                return Ok(());
            };
            self.connections[index].is_draining = false;
            self.read_one(index)?;
        }
    }

    /// Reads what queued up in a stall in an order of its own, connection by connection.
    fn plan_reading(&mut self) {
        for connection in 0..self.connections.len() {
            let link = &mut self.connections[connection];
            if link.queue.is_empty() {
                continue;
            }
            link.is_draining = true;
            link.round += 1;
            let round = link.round;
            let delay = self.random.uniform(0.0, DRAINED_WITHIN);
            self.after(delay, Action::Drain { connection, round });
        }
    }

    pub(super) fn on_stop(&mut self) {
        self.presence = Presence::Gone;
        self.history
            .trace
            .everybody(self.clock, || "the monitor ends".to_owned());
        for index in 0..self.connections.len() {
            let connection = &mut self.connections[index];
            connection.session = None;
            connection.queue.clear();
            connection.round += 1;
            connection.is_draining = false;
            if !connection.path.is_stream() || !connection.is_known {
                continue;
            }
            connection.is_known = false;
            let peer = connection.peer;
            let life = self.peers[peer].life;
            let delay = self.random.uniform(0.0, 1.0);
            self.after(
                delay,
                Action::Notice {
                    peer,
                    life,
                    connection: index,
                },
            );
        }
    }

    pub(super) fn on_start(&mut self) {
        let words = if self.plan.has_journal {
            "another monitor goes on with the journal"
        } else {
            "another monitor begins"
        };
        self.history
            .trace
            .everybody(self.clock, || words.to_owned());
        self.presence = Presence::Runs;
        self.history.restart(self.clock, self.plan.has_journal);
        self.monitor = Monitor::new(&self.plan, self.random.split(), self.clock);
        for subject in 0..self.history.subjects.len() {
            self.take_up(subject);
        }
    }

    /// What the journal has of a session comes back.
    fn take_up(&mut self, subject: usize) {
        let truth = &self.history.subjects[subject];
        let Some(health) = truth.state.health() else {
            return;
        };
        let ended = health.is_final().then_some(PastEnd {
            at: self.clock,
            silent: Duration::ZERO,
            died_of: (health == Health::Dead).then_some(Cause::Silence),
        });
        let restored = Restored {
            name: truth.name.clone(),
            epoch: truth.epoch,
            terms: truth.terms,
            ended,
        };
        let handle = self.monitor.restore(self.clock, restored);
        self.history.restored(subject, handle);
        self.rearm(handle.shard);
    }

    /// All peers fall silent, or say goodbye.
    pub(super) fn on_end(&mut self) {
        self.history
            .trace
            .everybody(self.clock, || "all peers end".to_owned());
        for peer in 0..self.peers.len() {
            if chance(&mut self.random, 0.2) {
                self.leave(peer);
            } else {
                self.crash(peer, Crash::Silent);
            }
        }
        self.after(1.0, Action::Settle);
    }

    /// Waits until everything is over, then lets one more session die.
    pub(super) fn on_settle(&mut self) -> Result<(), Violation> {
        let is_over = self.history.is_over() && self.under_way == 0;
        let waited = seconds(self.clock) - self.plan.end;
        if !is_over && waited < 4000.0 {
            self.after(self.plan.asks_every, Action::Settle);
            return Ok(());
        }
        self.history.conclude()?;
        self.over_at.get_or_insert(self.clock);
        // Until the last turn that was ever promised has passed, a hold may still be in force.
        self.after(self.history.longest_hold().as_secs_f64(), Action::Farewell);
        Ok(())
    }

    /// A session all alone dies on its own: every incident is over.
    pub(super) fn on_farewell(&mut self) -> Result<(), Violation> {
        if let Some(witness) = self.witness {
            let truth = &self.history.subjects[witness];
            if truth.state == State::Dead {
                return Ok(());
            }
            let detail = format!("a session all alone did not die in time: {truth:?}");
            return Err(Violation::of(Law::Incident, truth, detail));
        }
        let name = "witness".parse().expect("it is a word");
        let witness = self.history.watch(name, None);
        self.witness = Some(witness);
        let handle = self.open_session(witness, self.clock, carotid_core::Terms::default())?;
        let now = self.monitor.now(self.clock, &mut self.history);
        let detached = self.monitor.engines[handle.shard].detach(now, handle.id, Disconnect::Local);
        debug_assert_eq!(detached, Ok(()), "it is open");
        self.history.subjects[witness].connections = 0;
        self.after(60.06, Action::Farewell);
        Ok(())
    }
}
