//! What truly happened, and what the engine said of it.
//!
//! The history judges from ground truth alone: when signs of life reached the monitor's socket, when
//! the monitor did not run, what terms were granted. What the engine says of itself is only ever
//! compared with that. Each [`Law`] says what must hold.

use std::time::Duration;

use carotid_core::{BreakerConfig, Event, EventKind, Incident, OnDisconnect, Opened, SessionName};
use carotid_core::{Suspicion, Terms, Tick};

mod attention;
mod census;
mod deadline;
mod evidence;
mod fingerprint;
mod law;
mod mass;
mod subject;
mod trace;

pub(crate) use self::attention::Attention;
pub use self::law::{Law, Violation};
pub(crate) use self::subject::{Input, State, Subject};
pub use self::trace::Listening;
pub(crate) use self::trace::Trace;

use self::fingerprint::Fingerprint;
use self::mass::Mass;
use crate::world::Handle;

/// Deadlines are swept at most one slot of the wheel late, 2²⁰ ns.
pub(crate) const TICK: Duration = Duration::from_nanos(1 << 20);

/// How late the monitor may be besides, in attended time.
pub(crate) const LATENESS: Duration = Duration::from_millis(50);

/// What the engine was told to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) suspicion: Suspicion,
    pub(crate) on_disconnect: OnDisconnect,
    pub(crate) breaker: BreakerConfig,
}

/// The ground truth and the checkers that judge by it.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) attention: Attention,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) trace: Trace,
    settings: Settings,
    mass: Mass,
    fingerprint: Fingerprint,
    /// Whose a slot of a shard's table is.
    owners: Vec<Vec<usize>>,
    /// Since when the monitor has been well, if it is.
    unwell_until: Tick,
    events: u64,
    sessions: u64,
}

impl History {
    pub(crate) fn new(settings: Settings, shards: usize, listening: Listening) -> Self {
        Self {
            attention: Attention::default(),
            subjects: Vec::new(),
            trace: Trace::new(listening),
            mass: Mass::new(settings.breaker),
            settings,
            fingerprint: Fingerprint::default(),
            owners: vec![Vec::new(); shards],
            unwell_until: Tick::default(),
            events: 0,
            sessions: 0,
        }
    }

    pub(crate) fn watch(&mut self, name: SessionName, service: Option<usize>) -> usize {
        self.subjects.push(Subject::new(name, service));
        self.subjects.len() - 1
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.fingerprint.value()
    }

    pub(crate) const fn events(&self) -> u64 {
        self.events
    }

    pub(crate) const fn sessions(&self) -> u64 {
        self.sessions
    }

    pub(crate) const fn incidents(&self) -> u64 {
        self.mass.incidents_ever()
    }

    /// Whether every session that was opened has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.subjects.iter().all(|subject| !subject.is_open())
    }

    /// The monitor's process was replaced, and knows nothing any more but what is in its journal.
    pub(crate) fn restart(&mut self, clock: Tick, has_journal: bool) {
        self.attention = Attention::default();
        self.mass.restart();
        self.unwell_until = Tick::default();
        self.owners.iter_mut().for_each(Vec::clear);
        for subject in &mut self.subjects {
            if has_journal {
                subject.carry_over(clock);
            } else {
                subject.forget();
            }
        }
    }

    /// A session came back from the journal.
    pub(crate) fn restored(&mut self, index: usize, handle: Handle) {
        let (owners, slot) = (&mut self.owners[handle.shard], handle.id.index());
        owners.resize(owners.len().max(slot + 1), usize::MAX);
        owners[slot] = index;
        let subject = &mut self.subjects[index];
        subject.handle = Some(handle);
        if subject.is_open() {
            self.mass.on_opened(subject.service);
        }
    }

    /// The monitor was unwell at this time, so suspicion may come late.
    pub(crate) fn note_unwell(&mut self, clock: Tick) {
        self.unwell_until = clock;
    }

    /// A sign of life reached the socket.
    pub(crate) fn arrived(&mut self, subject: usize, clock: Tick) {
        let subject = &mut self.subjects[subject];
        subject.arrived = subject.arrived.max(clock);
        subject.first_unread.get_or_insert(clock);
    }

    /// The engine took a beat or a resumption for a sign of life.
    pub(crate) fn heard(&mut self, subject: usize, clock: Tick, arrived: Tick) {
        let at = self.attention.counted(clock);
        self.subjects[subject].hear(at, arrived);
    }

    /// The engine opened or resumed a session.
    pub(crate) fn opened(
        &mut self,
        index: usize,
        clock: Tick,
        arrived: Tick,
        handle: Handle,
        opened: &Opened,
        asked: Terms,
    ) -> Result<(), Violation> {
        let at = self.attention.counted(clock);
        let subject = &mut self.subjects[index];
        let expected = if opened.resumed && subject.connections > 0 {
            subject::widest(subject.terms, asked)
        } else {
            subject::parts(asked)
        };
        let agrees = subject.is_open()
            && subject.handle == Some(handle)
            && subject.epoch == opened.epoch
            && expected == subject::parts(opened.terms);
        if !agrees {
            let detail = format!("{opened:?} answers {asked:?}, with {subject:?}");
            return Err(Violation::of(Law::OneEnd, subject, detail));
        }
        subject.terms = opened.terms;
        if opened.resumed {
            subject.connections += 1;
            subject.hear(at, arrived);
        } else {
            subject.connections = 1;
            subject.begin(at, arrived);
        }
        Ok(())
    }

    /// The engine was told of other terms for a session that lives, and then said which are in force.
    pub(crate) fn revised(
        &mut self,
        index: usize,
        terms: Terms,
        in_force: Option<Terms>,
    ) -> Result<(), Violation> {
        let subject = &mut self.subjects[index];
        let expected = if subject.connections > 1 {
            subject::widest(subject.terms, terms)
        } else {
            subject::parts(terms)
        };
        match in_force {
            Some(terms) if subject::parts(terms) == expected => {
                subject.terms = terms;
                Ok(())
            }
            _ => {
                let detail = format!("{in_force:?} after a revision to {terms:?} of {subject:?}");
                Err(Violation::of(Law::Return, subject, detail))
            }
        }
    }

    /// The engine concluded something.
    pub(crate) fn on_event(
        &mut self,
        clock: Tick,
        shard: usize,
        input: Input,
        event: &Event,
    ) -> Result<(), Violation> {
        self.events += 1;
        self.fingerprint.event(event);
        self.trace.event(clock, event);
        let slot = event.id.index();
        let owners = &mut self.owners[shard];
        if let (Input::Open { subject }, EventKind::Opened { .. }) = (input, event.kind) {
            owners.resize(owners.len().max(slot + 1), usize::MAX);
            owners[slot] = subject;
        }
        let owner = owners.get(slot).copied().unwrap_or(usize::MAX);
        let Some(subject) = self.subjects.get(owner) else {
            return Err(Violation::new(
                Law::OneEnd,
                format!("{event:?} is of no session"),
            ));
        };
        if subject.name != event.name || input.subject().is_some_and(|index| index != owner) {
            let detail = format!("{event:?} after {input:?}");
            return Err(Violation::of(Law::OneEnd, subject, detail));
        }
        if let EventKind::Opened { .. } = event.kind {
            return self.on_opened(owner, shard, event);
        }
        self.check_order(owner, input, event)?;
        if event.kind == EventKind::Revised {
            // It concludes nothing of silence, and its terms are told by the call that brought them.
            return Ok(());
        }
        self.check_timing(owner, clock, input, event)?;
        let now = self.attention.counted(clock);
        if event.at != now {
            let detail = format!("{event:?} at {now:?} of attended time");
            return Err(Violation::of(
                Law::Attendance,
                &self.subjects[owner],
                detail,
            ));
        }
        self.check_evidence(owner, input, event)?;
        self.mass.on_event(&self.subjects[owner], now, event)?;
        self.subjects[owner].change(event);
        Ok(())
    }

    fn on_opened(&mut self, owner: usize, shard: usize, event: &Event) -> Result<(), Violation> {
        let subject = &mut self.subjects[owner];
        let EventKind::Opened { predecessor } = event.kind else {
            return Ok(());
        };
        let agrees = !subject.is_open()
            && event.epoch == subject.epoch + 1
            && predecessor == subject.handle.map(|handle| handle.id)
            && event.silent.is_zero()
            && event.evidence.is_none();
        if !agrees {
            let detail = format!("{event:?} follows {subject:?}");
            return Err(Violation::of(Law::OneEnd, subject, detail));
        }
        let id = event.id;
        subject.handle = Some(Handle { shard, id });
        subject.epoch = event.epoch;
        subject.state = State::Alive;
        subject.wedged = false;
        subject.lost = None;
        self.sessions += 1;
        self.mass.on_opened(subject.service);
        Ok(())
    }

    /// The breaker noticed mass silence, before anything of it was told as an event.
    pub(crate) fn on_incident(
        &mut self,
        clock: Tick,
        incident: &Incident,
    ) -> Result<(), Violation> {
        self.fingerprint.incident(incident);
        self.trace.incident(clock, incident);
        let now = self.attention.counted(clock);
        self.mass.on_incident(now, incident, &self.subjects)
    }

    /// How long a hold that began just now may last.
    pub(crate) fn longest_hold(&self) -> Duration {
        self.mass.longest_hold()
    }

    /// After everything has come to its end.
    pub(crate) fn conclude(&self) -> Result<(), Violation> {
        match self.subjects.iter().find(|subject| subject.is_open()) {
            Some(subject) => {
                let detail = format!("it never ended: {subject:?}");
                Err(Violation::of(Law::OneEnd, subject, detail))
            }
            None => Ok(()),
        }
    }
}
