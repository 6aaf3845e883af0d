//! The monitor, as the driver of the library runs it: shards, one breaker, attended time.

use std::time::Duration;

use carotid_core::{Attendance, Breaker, Engine, Restored, Tick};

use super::Handle;
use super::plan::Plan;
use crate::history::{History, Input, Law, Violation};
use crate::random::Random;

/// One process that watches.
#[derive(Debug)]
pub(super) struct Monitor {
    pub(super) engines: Vec<Engine>,
    pub(super) breaker: Breaker,
    attendance: Attendance,
    random: Random,
    /// When it last looked at the clock to see whether it had stalled.
    seen: Tick,
    next_pulse: Tick,
    /// For each shard, what its deadline task sleeps for, and which of its alarms counts.
    alarms: Vec<(Option<Tick>, u32)>,
    /// How long the machine slept, which the next look at the clock tells.
    suspended: Duration,
    max_steps_per_call: u32,
}

impl Monitor {
    pub(super) fn new(plan: &Plan, random: Random, clock: Tick) -> Self {
        let engine = || Engine::new(&plan.config).expect("plans do not contradict themselves");
        let breaker = Breaker::new(plan.breaker, plan.breaker_seed);
        Self {
            engines: (0..plan.shards).map(|_| engine()).collect(),
            breaker: breaker.expect("plans do not contradict themselves"),
            attendance: Attendance::new(clock),
            random,
            seen: clock,
            next_pulse: clock.after(Attendance::PULSE),
            alarms: vec![(None, 0); plan.shards],
            suspended: Duration::ZERO,
            max_steps_per_call: plan.config.max_steps_per_call,
        }
    }

    /// Takes up a session from before a restart.
    pub(super) fn restore(&mut self, clock: Tick, restored: Restored) -> Handle {
        let shard = self.shard_of(restored.name.as_str());
        let now = self.attendance.now(clock);
        let restored = self.engines[shard].restore(now, restored, &mut self.breaker);
        let id = restored.expect("there was room for it before");
        Handle { shard, id }
    }

    /// It runs again, and looks at the clock before long.
    pub(super) fn wake(&mut self, clock: Tick, suspended: Duration) {
        self.suspended += suspended;
        let pause = self.random.uniform(0.0, 0.03);
        self.next_pulse = clock.after(Duration::from_secs_f64(pause));
    }

    /// Attended time; notices a stall as the first of all who ask.
    pub(super) fn now(&mut self, clock: Tick, history: &mut History) -> Tick {
        while self.next_pulse <= clock {
            let pulse = self.next_pulse;
            self.attend(pulse, history);
            // A timer is a little late, never early.
            let late = Duration::from_micros(self.random.next() % 2000);
            self.next_pulse = pulse.after(Attendance::PULSE).after(late);
        }
        if clock.since(self.seen) > Attendance::TOLERANCE {
            self.attend(clock, history);
        }
        if self.attendance.score() > 0 {
            history.note_unwell(clock);
        }
        self.attendance.now(clock)
    }

    fn attend(&mut self, clock: Tick, history: &mut History) {
        let is_stall = clock.since(self.seen) > Attendance::TOLERANCE;
        self.attendance
            .attend(clock, std::mem::take(&mut self.suspended));
        if is_stall {
            history.attention.noticed(self.seen, clock);
        }
        self.seen = clock;
    }

    /// Whether the ledger lists all stalls, with their lengths but for what lies between pulses.
    pub(super) fn check_ledger(&self, history: &History) -> Result<(), Violation> {
        let (count, total) = (history.attention.count(), history.attention.total());
        let stalled = self.attendance.stalled();
        let most = total + Duration::from_millis(90) * u32::try_from(count).unwrap_or(u32::MAX);
        let listed: Duration = self.attendance.stalls().map(|stall| stall.length).sum();
        if total <= stalled && stalled <= most && listed == stalled {
            return Ok(());
        }
        let detail = format!(
            "{count} stalls of {total:?} together, and the ledger has {stalled:?}, {listed:?}"
        );
        Err(Violation::new(Law::Attendance, detail))
    }

    /// Shows the breaker and the history what a shard concluded.
    pub(super) fn drain(
        &mut self,
        clock: Tick,
        shard: usize,
        input: Input,
        history: &mut History,
    ) -> Result<(), Violation> {
        while let Some(incident) = self.breaker.poll_incident() {
            history.on_incident(clock, &incident)?;
        }
        let mut events = 0;
        while let Some(event) = self.engines[shard].poll_event() {
            self.breaker.observe(&event);
            history.on_event(clock, shard, input, &event)?;
            events += 1;
        }
        if events > self.max_steps_per_call.saturating_mul(2).max(4) {
            let detail = format!("{events} events at once");
            return Err(Violation::new(Law::BoundedWork, detail));
        }
        Ok(())
    }

    /// A shard's deadline task looks what is due.
    pub(super) fn sweep(
        &mut self,
        clock: Tick,
        shard: usize,
        history: &mut History,
    ) -> Result<(), Violation> {
        for _ in 0..100_000 {
            let now = self.now(clock, history);
            let engine = &mut self.engines[shard];
            engine.set_own_health(self.attendance.score());
            engine.handle_timeout(now, &mut self.breaker);
            self.drain(clock, shard, Input::Sweep, history)?;
            let due = self.engines[shard].poll_timeout();
            if due.is_none_or(|due| now < due) {
                return Ok(());
            }
        }
        let detail = format!("shard {shard} is due at once over and over");
        Err(Violation::new(Law::Wake, detail))
    }

    /// When to wake a shard's deadline task, if it sleeps for too long, and which alarm that is.
    pub(super) fn rearm(&mut self, clock: Tick, shard: usize) -> Option<(Tick, u32)> {
        let due = self.engines[shard].poll_timeout()?;
        let (armed, round) = &mut self.alarms[shard];
        if armed.is_some_and(|armed| armed <= due) {
            return None;
        }
        *armed = Some(due);
        *round += 1;
        let wake = due.after(self.attendance.credit()).max(clock);
        let late = match self.random.next() {
            // A busy machine, now and then.
            bits if bits % 64 == 0 => self.random.uniform(0.0, 0.015),
            _ => self.random.uniform(0.0, 0.001),
        };
        Some((wake.after(Duration::from_secs_f64(late)), *round))
    }

    /// Whether an alarm still counts; it is over then.
    pub(super) fn rings(&mut self, shard: usize, round: u32) -> bool {
        let (armed, current) = &mut self.alarms[shard];
        let rings = *current == round && armed.is_some();
        if rings {
            *armed = None;
        }
        rings
    }

    /// After a stall, all alarms ring anew.
    pub(super) fn disarm(&mut self) {
        for (armed, _) in &mut self.alarms {
            *armed = None;
        }
    }

    /// The shard of a name.
    pub(super) fn shard_of(&self, name: &str) -> usize {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        (hash >> 32) as usize % self.engines.len()
    }
}
