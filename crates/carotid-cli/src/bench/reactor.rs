//! One epoll set and one timer of the kernel, which wakes to the microsecond where epoll's own
//! timeout knows only milliseconds: what comes late here would be held against the server.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::clock::Moment;
use super::target::Stream;

const WAKER: Token = Token(usize::MAX - 1);
const TIMER: Token = Token(usize::MAX - 2);

/// How many connections one look at the epoll set tells of.
const EVENTS: usize = 1024;

#[derive(Debug)]
pub(super) struct Reactor {
    poll: Poll,
    events: Events,
    timer: OwnedFd,
    /// What the timer is set to.
    armed: Option<Moment>,
}

impl Reactor {
    /// The reactor, and what wakes it from another thread.
    pub(super) fn new() -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let mut source = SourceFd(&timer.as_raw_fd());
        let registry = poll.registry();
        registry.register(&mut source, TIMER, Interest::READABLE)?;
        let reactor = Self {
            poll,
            events: Events::with_capacity(EVENTS),
            timer,
            armed: None,
        };
        Ok((reactor, waker))
    }

    /// Tells of this connection from now on, under this number.
    pub(super) fn add(&self, stream: &mut Stream, slot: usize) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(stream, Token(slot), interest)
    }

    /// Waits until something happens or it is time; `events` has what happened.
    pub(super) fn wait_until(&mut self, time: Moment, now: Moment) -> io::Result<()> {
        let patience = if time <= now {
            Some(Duration::ZERO)
        } else {
            self.arm(time)?;
            None
        };
        match self.poll.poll(&mut self.events, patience) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.events.clear();
                Ok(())
            }
            polled => polled,
        }
    }

    /// What happened to connections while waiting.
    pub(super) fn events(&self) -> impl Iterator<Item = (usize, &Event)> {
        let of_connections = |event: &&Event| event.token() != WAKER && event.token() != TIMER;
        let events = self.events.iter().filter(of_connections);
        events.map(|event| (event.token().0, event))
    }

    fn arm(&mut self, time: Moment) -> io::Result<()> {
        if self.armed == Some(time) {
            return Ok(());
        }
        self.armed = Some(time);
        let value = Timespec::try_from(time.since_boot()).map_err(io::Error::other)?;
        let once = Itimerspec {
            it_interval: Timespec::default(),
            it_value: value,
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once)?;
        Ok(())
    }
}
