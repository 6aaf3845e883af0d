//! One name, as it truly is.

use std::time::Duration;

use carotid_core::{Cause, Disconnect, Event, EventKind, Health, SessionName, Terms, Tick};

use crate::world::Handle;

/// What was last said of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// There is none of this name yet, as far as this process knows.
    Unborn,
    Alive,
    Suspect,
    Dead,
    Left,
}

/// What the engine was told when it concluded something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Nothing but the time.
    Sweep,
    Open {
        subject: usize,
    },
    Beat {
        subject: usize,
        progress: Option<Duration>,
    },
    Detach {
        subject: usize,
        why: Disconnect,
        is_last: bool,
    },
    Close {
        subject: usize,
        is_last: bool,
    },
}

impl Input {
    /// What the end of the last connection says of the peer, if it is one.
    pub(super) const fn loss(self) -> Option<Cause> {
        match self {
            Self::Detach {
                why, is_last: true, ..
            } => cause_of(why),
            Self::Detach { is_last: false, .. }
            | Self::Sweep
            | Self::Open { .. }
            | Self::Beat { .. }
            | Self::Close { .. } => None,
        }
    }

    /// What a beat says of the peer's main loop.
    pub(super) const fn progress(self) -> Option<Duration> {
        match self {
            Self::Beat { progress, .. } => progress,
            Self::Sweep | Self::Open { .. } | Self::Detach { .. } | Self::Close { .. } => None,
        }
    }

    /// Whether it shows that the peer lives.
    pub(super) const fn is_life(self) -> bool {
        matches!(self, Self::Open { .. } | Self::Beat { .. })
    }

    /// Whom it is about.
    pub(crate) const fn subject(self) -> Option<usize> {
        match self {
            Self::Sweep => None,
            Self::Open { subject }
            | Self::Beat { subject, .. }
            | Self::Detach { subject, .. }
            | Self::Close { subject, .. } => Some(subject),
        }
    }
}

/// How many beats to remember for the gaps between them.
const BEATS: usize = 9;

/// What is true of a name.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) name: SessionName,
    pub(crate) service: Option<usize>,
    pub(crate) handle: Option<Handle>,
    pub(crate) epoch: u32,
    pub(crate) state: State,
    pub(crate) wedged: bool,
    pub(crate) connections: u32,
    /// How the last connection was lost.
    pub(crate) lost: Option<Cause>,
    pub(crate) terms: Terms,
    /// When its last sign of life reached our socket, on the clock.
    pub(crate) arrived: Tick,
    /// When the first sign of life that was not read yet reached it.
    pub(crate) first_unread: Option<Tick>,
    /// When the last one that was read had reached it.
    pub(crate) heard_from: Tick,
    /// When that was read, in counted time.
    pub(crate) heard: Tick,
    /// When the last beats were read, in counted time, oldest first.
    beats: [Tick; BEATS],
    known_beats: usize,
}

impl Subject {
    pub(super) fn new(name: SessionName, service: Option<usize>) -> Self {
        Self {
            name,
            service,
            handle: None,
            epoch: 0,
            state: State::Unborn,
            wedged: false,
            connections: 0,
            lost: None,
            terms: Terms::default(),
            arrived: Tick::default(),
            first_unread: None,
            heard_from: Tick::default(),
            heard: Tick::default(),
            beats: [Tick::default(); BEATS],
            known_beats: 0,
        }
    }

    /// A process that knows nothing of it takes over.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.name.clone(), self.service);
    }

    /// A process takes over that knows of it. If it has not ended it is suspect, and has its full
    /// timeout from now on: that nobody listened is not held against it.
    pub(super) fn carry_over(&mut self, clock: Tick) {
        let was_open = self.is_open();
        *self = Self {
            epoch: self.epoch,
            terms: self.terms,
            state: if was_open { State::Suspect } else { self.state },
            arrived: clock,
            heard_from: clock,
            heard: clock,
            ..Self::new(self.name.clone(), self.service)
        };
    }

    /// Whether it was opened and has not ended.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.state, State::Alive | State::Suspect)
    }

    /// When its silence reaches the timeout, in counted time.
    pub(crate) fn timeout_at(&self) -> Tick {
        self.heard.after(self.terms.timeout())
    }

    /// The silence that puts it at risk.
    pub(crate) fn at_risk_after(&self) -> Duration {
        let (interval, timeout) = (self.terms.interval(), self.terms.timeout());
        (timeout - interval).max(interval * 3 / 2)
    }

    /// How long it is at risk before it dies.
    pub(crate) fn at_risk_for(&self) -> Duration {
        self.terms.timeout() - self.at_risk_after()
    }

    /// Whether a main loop that made no progress for so long is wedged.
    pub(crate) fn is_wedged_by(&self, progress: Duration) -> bool {
        let stall = self.terms.longest_stall();
        let allowed = if stall.is_zero() {
            self.terms.interval() * 2
        } else {
            stall
        };
        allowed < progress
    }

    pub(super) fn begin(&mut self, at: Tick, arrived: Tick) {
        self.known_beats = 0;
        (self.heard, self.arrived) = (at, arrived);
        self.hear(at, arrived);
    }

    pub(super) fn hear(&mut self, at: Tick, arrived: Tick) {
        self.heard = self.heard.max(at);
        self.arrived = self.arrived.max(arrived);
        self.heard_from = arrived;
        self.first_unread = (arrived < self.arrived).then_some(self.arrived);
        self.lost = None;
        if self.known_beats == BEATS {
            self.beats.copy_within(1.., 0);
            self.known_beats -= 1;
        }
        self.beats[self.known_beats] = self.heard;
        self.known_beats += 1;
    }

    /// Its last connection is over.
    pub(crate) fn lose(&mut self, why: Disconnect) {
        let cause = cause_of(why).filter(|_| self.is_open());
        self.lost = self.lost.or(cause);
    }

    /// The gaps between its last beats, oldest first.
    pub(super) fn gaps(&self) -> impl ExactSizeIterator<Item = Duration> {
        let beats = &self.beats[..self.known_beats];
        beats.windows(2).map(|pair| pair[1].since(pair[0]))
    }

    /// What an event makes of it.
    pub(super) fn change(&mut self, event: &Event) {
        match event.kind {
            EventKind::Opened { .. } | EventKind::Back => {
                self.state = State::Alive;
                self.lost = None;
            }
            EventKind::Suspect { .. } => self.state = State::Suspect,
            EventKind::Dead { .. } => self.state = State::Dead,
            EventKind::Left => self.state = State::Left,
            EventKind::Wedged { .. } => self.wedged = true,
            EventKind::Unwedged => self.wedged = false,
            EventKind::Revised | _ => {}
        }
    }
}

impl State {
    pub(crate) const fn health(self) -> Option<Health> {
        match self {
            Self::Unborn => None,
            Self::Alive => Some(Health::Alive),
            Self::Suspect => Some(Health::Suspect),
            Self::Dead => Some(Health::Dead),
            Self::Left => Some(Health::Left),
        }
    }
}

/// Interval, timeout and longest stall.
pub(super) fn parts(terms: Terms) -> [Duration; 3] {
    [terms.interval(), terms.timeout(), terms.longest_stall()]
}

/// The longest of two in each respect.
pub(super) fn widest(one: Terms, other: Terms) -> [Duration; 3] {
    let interval = one.interval().max(other.interval());
    let stall = one.longest_stall().max(other.longest_stall());
    let timeout = one.timeout().max(other.timeout());
    [interval, timeout.max(interval * 2 + stall), stall]
}

/// What the loss of a connection says of the peer; nothing if we ended it ourselves.
pub(super) const fn cause_of(why: Disconnect) -> Option<Cause> {
    match why {
        Disconnect::Closed => Some(Cause::Closed),
        Disconnect::Reset => Some(Cause::Reset),
        Disconnect::Unreachable => Some(Cause::Unreachable),
        Disconnect::Local | _ => None,
    }
}
