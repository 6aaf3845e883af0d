//! A thread that waits for many connections at once, and serves those that have something to say.
//!
//! What a peer sends is read, decided on and answered in one go on this thread: nothing is woken and
//! nothing is queued between the socket and the interceptor.

use std::io;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use super::Host;
use super::acceptor::Acceptor;
use super::deadlines::Deadlines;
use super::link::{Desk, Link, Progress};
use super::mailbox::{Address, Letters, Mailbox, Phase, WAKER};
use crate::connection::{Done, End, Interceptor};
use crate::peer::PeerAddr;
use crate::socket::Socket;

/// Connections that are served between two looks at everything else (I4).
const EVENTS_AT_ONCE: usize = 1024;

/// Connections that are accepted between two looks at everything else.
const ACCEPTED_AT_ONCE: usize = 64;

/// Deadlines that are looked at between two looks at everything else.
const EXPIRED_AT_ONCE: usize = 256;

/// Waking this much later than asked shows that we did not run.
const TOLERANCE: Duration = Duration::from_millis(250);

/// How long no deadline is held against a peer after we did not run.
const MERCY: Duration = Duration::from_secs(1);

/// The longest wait, when nobody asks for a shorter one.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// Listeners have the tokens below the waker's.
fn listener_token(index: usize) -> Token {
    Token(WAKER.0 - 1 - index)
}

/// What the deadlines of connections are measured by.
#[expect(clippy::disallowed_methods, reason = "the only read of this clock")]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

pub(super) struct PollLoop<H: Host> {
    host: Arc<H>,
    index: usize,
    poll: Poll,
    desk: Desk,
    /// All loops, to share what is accepted.
    mailboxes: Arc<[Arc<Mailbox>]>,
    acceptors: Vec<Acceptor>,
    links: Slab<Link<H::Interceptor>>,
    generation: u32,
    deadlines: Deadlines,
    /// Slots that have more to do.
    unfinished: Vec<u32>,
    phase: Phase,
    /// Until when no deadline is held against anybody.
    mercy: Option<Instant>,
    /// Events since it last kept up.
    behind: usize,
}

impl<H: Host> PollLoop<H> {
    pub(super) fn new(
        host: Arc<H>,
        index: usize,
        poll: Poll,
        desk: Desk,
        mailboxes: Arc<[Arc<Mailbox>]>,
        acceptors: Vec<Acceptor>,
    ) -> io::Result<Self> {
        for (index, acceptor) in acceptors.iter().enumerate() {
            let descriptor = acceptor.listener.as_raw_fd();
            let token = listener_token(index);
            poll.registry()
                .register(&mut SourceFd(&descriptor), token, Interest::READABLE)?;
        }
        Ok(Self {
            host,
            index,
            poll,
            desk,
            mailboxes,
            acceptors,
            links: Slab::new(),
            generation: 0,
            deadlines: Deadlines::default(),
            unfinished: Vec::new(),
            phase: Phase::Serving,
            mercy: None,
            behind: 0,
        })
    }

    /// Serves until it is told to stop and all calls are answered.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_AT_ONCE);
        loop {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                polled => polled?,
            }
            self.host.begin_round(self.index);
            self.look_at_the_clock(timeout);
            let mut handled = 0;
            for event in &events {
                handled += 1;
                self.handle(event);
            }
            for slot in std::mem::take(&mut self.unfinished) {
                if let Some(link) = self.links.get_mut(slot as usize) {
                    link.queued = false;
                }
                self.advance(slot);
            }
            self.accept();
            self.expire();
            self.keep_up(handled);
            if self.phase == Phase::Aborting
                || (self.phase == Phase::Stopping && self.links.is_empty())
            {
                return Ok(());
            }
        }
    }

    fn timeout(&self) -> Duration {
        if !self.unfinished.is_empty() {
            return Duration::ZERO;
        }
        let now = self.desk.now;
        let deadline = self.deadlines.next().map(|at| self.not_before_mercy(at));
        let accept = self.acceptors.iter().filter_map(|a| a.due(now));
        let next = accept.chain(deadline).min();
        let wait = next.map_or(FOR_EVER, |at| at.saturating_duration_since(now));
        wait.min(self.host.keep_up_every().unwrap_or(FOR_EVER))
    }

    fn look_at_the_clock(&mut self, asked: Duration) {
        let before = self.desk.now;
        let now = clock();
        self.desk.now = now;
        // The time that the last round took counts as well: what came meanwhile waited.
        if now.duration_since(before) > asked + TOLERANCE {
            self.mercy = Some(now + MERCY);
        }
    }

    fn handle(&mut self, event: &Event) {
        let token = event.token();
        if token == WAKER {
            return self.read_letters();
        }
        let listener = (WAKER.0 - 1).wrapping_sub(token.0);
        if let Some(acceptor) = self.acceptors.get_mut(listener) {
            return acceptor.set_ready();
        }
        // Whoever had the slot when the event came may be gone: then this is a look in vain.
        if let Some(link) = self.links.get_mut(token.0) {
            let closed = event.is_read_closed() || event.is_error();
            if event.is_readable() || closed {
                link.set_readable(closed);
            }
            // Its turn comes anyway, and one more in the same round would be others'.
            if !link.queued {
                self.advance(u32::try_from(token.0).expect("slots are made from 32 bits"));
            }
        }
    }

    fn read_letters(&mut self) {
        let mailbox = Arc::clone(&self.desk.mailbox);
        let Letters {
            phase,
            accepted,
            done,
        } = mailbox.open();
        for (socket, peer) in accepted {
            self.begin(socket, peer);
        }
        self.answer(done);
        if self.phase < phase {
            self.phase = phase;
            // Nobody else may connect.
            self.acceptors.clear();
            let slots: Vec<_> = self.links.iter().map(|(slot, _)| slot).collect();
            for slot in slots {
                self.links[slot].stop();
                self.advance(u32::try_from(slot).expect("slots are made from 32 bits"));
            }
        }
    }

    /// Answers calls that were run, those of a connection in one write.
    fn answer(&mut self, mut done: Vec<(Address, Done)>) {
        done.sort_by_key(|(address, _)| address.slot);
        let mut done = done.into_iter().peekable();
        while let Some((address, answered)) = done.next() {
            let Address { slot, generation } = address;
            if let Some(link) = self.links.get_mut(slot as usize)
                && link.generation() == generation
            {
                link.handle_done(&mut self.desk, answered);
                if done.peek().is_none_or(|(next, _)| *next != address) {
                    self.advance(slot);
                }
            }
        }
    }

    fn accept(&mut self) {
        for index in 0..self.acceptors.len() {
            for _ in 0..ACCEPTED_AT_ONCE {
                let Some((socket, peer)) = self.acceptors[index].accept(self.desk.now) else {
                    break;
                };
                let least = self.mailboxes.iter().min_by_key(|m| m.connections());
                let mailbox = least.expect("this loop has one itself");
                if Arc::ptr_eq(mailbox, &self.desk.mailbox) {
                    mailbox.expect_connection();
                    self.begin(socket, peer);
                } else {
                    mailbox.send_accepted(socket, peer);
                }
            }
        }
    }

    fn begin(&mut self, socket: Socket, peer: PeerAddr) {
        let entry = self.links.vacant_entry();
        let slot = entry.key();
        let descriptor = socket.as_raw_fd();
        self.generation = self.generation.wrapping_add(1);
        let interceptor = self.host.accept(peer);
        let (now, options) = (self.desk.now, &self.desk.options);
        let begun =
            Link::new(socket, interceptor, self.generation, now, options).and_then(|link| {
                self.poll.registry().register(
                    &mut SourceFd(&descriptor),
                    Token(slot),
                    Interest::READABLE | Interest::WRITABLE,
                )?;
                Ok(link)
            });
        match begun {
            Ok(link) => {
                entry.insert(link);
                // What it sent before it was registered is announced as well.
                let slot = u32::try_from(slot).expect("there are fewer descriptors");
                self.refile(slot);
                if self.phase > Phase::Serving {
                    self.links[slot as usize].stop();
                    self.advance(slot);
                }
            }
            Err(error) => {
                self.desk.mailbox.forget_connection();
                tracing::debug!(%peer, %error, "connection refused: its socket failed");
            }
        }
    }

    /// Gives a connection its turn.
    fn advance(&mut self, slot: u32) {
        let Some(link) = self.links.get_mut(slot as usize) else {
            return;
        };
        // A panic in what serves a connection is the end of that one, not of all (I9).
        let advanced = catch_unwind(AssertUnwindSafe(|| link.advance(&mut self.desk, slot)));
        match advanced {
            Ok(Progress::Waits) => self.refile(slot),
            Ok(Progress::More) => {
                if !std::mem::replace(&mut link.queued, true) {
                    self.unfinished.push(slot);
                }
            }
            Ok(Progress::Over(end)) => self.end(slot, &end),
            Err(_) => {
                tracing::error!("serving a connection panicked");
                self.desk.reset();
                let error = io::Error::other("serving it panicked");
                self.end(slot, &End::Reset(error));
            }
        }
    }

    /// Sees that the deadline is looked at no later than it is due.
    fn refile(&mut self, slot: u32) {
        let Some(link) = self.links.get_mut(slot as usize) else {
            return;
        };
        let Some((due, _)) = link.deadline(&self.desk.options) else {
            return;
        };
        if link.filed.is_some_and(|filed| filed <= due) {
            return;
        }
        if let Some(filed) = link.filed.replace(due) {
            self.deadlines.remove(filed, slot);
        }
        self.deadlines.file(due, slot);
    }

    fn not_before_mercy(&self, at: Instant) -> Instant {
        self.mercy.map_or(at, |mercy| at.max(mercy))
    }

    fn expire(&mut self) {
        let now = self.desk.now;
        if self.mercy.is_some_and(|mercy| now < mercy) {
            return;
        }
        self.mercy = None;
        for _ in 0..EXPIRED_AT_ONCE {
            let Some(slot) = self.deadlines.pop_due(now) else {
                return;
            };
            let link = &mut self.links[slot as usize];
            link.filed = None;
            // What has come and was not announced yet still counts.
            link.set_readable(false);
            self.advance(slot);
            let Some(link) = self.links.get(slot as usize) else {
                continue;
            };
            match link.deadline(&self.desk.options) {
                Some((due, end)) if due <= now => self.end(slot, &end),
                Some(_) | None => self.refile(slot),
            }
        }
    }

    fn end(&mut self, slot: u32, end: &End) {
        let mut link = self.links.remove(slot as usize);
        if let Some(filed) = link.filed.take() {
            self.deadlines.remove(filed, slot);
        }
        self.desk.mailbox.forget_connection();
        // Closing the socket takes it from the poll set.
        drop(link.socket);
        link.interceptor.end(end);
    }

    /// Tells the host once everything that was there when it was told last has been handled.
    fn keep_up(&mut self, handled: usize) {
        self.behind += handled;
        // A connection with more to do has had its turn: whoever floods is heard, and not waited for.
        let drained = handled < EVENTS_AT_ONCE;
        // Those with news wait in a queue, so after as many events as there are connections each of
        // them has had its turn.
        if drained || self.behind > self.links.len() {
            self.behind = 0;
            self.host.kept_up(self.index);
        }
    }
}
