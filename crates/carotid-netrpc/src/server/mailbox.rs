//! How the rest of the process reaches a poll loop.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use mio::{Registry, Token, Waker};

use crate::connection::Done;
use crate::peer::PeerAddr;
use crate::socket::Socket;

/// The token of a loop's waker.
pub(super) const WAKER: Token = Token(usize::MAX);

/// What a poll loop is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Serve.
    #[default]
    Serving,
    /// Answer the calls that run, and end.
    Stopping,
    /// End at once.
    Aborting,
}

/// A poll loop, seen from outside.
#[derive(Debug)]
pub(super) struct Mailbox {
    waker: Waker,
    /// It was woken and has not looked since.
    woken: AtomicBool,
    /// Connections that it has, or will have when it looks.
    connections: AtomicUsize,
    letters: Mutex<Letters>,
}

/// What waits for a loop. Bounded by its connections, and by the calls that these may run.
#[derive(Default)]
pub(super) struct Letters {
    /// What it is to do from now on.
    pub(super) phase: Phase,
    pub(super) accepted: Vec<(Socket, PeerAddr)>,
    pub(super) done: Vec<(Address, Done)>,
}

impl std::fmt::Debug for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letters")
            .field("phase", &self.phase)
            .field("accepted", &self.accepted.len())
            .field("done", &self.done.len())
            .finish()
    }
}

/// A connection among those of its loop: a slot is reused, a generation is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

impl Mailbox {
    pub(super) fn new(registry: &Registry) -> io::Result<Self> {
        Ok(Self {
            waker: Waker::new(registry, WAKER)?,
            woken: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            letters: Mutex::default(),
        })
    }

    /// The loop will have one connection more.
    pub(super) fn expect_connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Hands over a connection; one that comes while the loop is stopping is closed.
    pub(super) fn send_accepted(&self, socket: Socket, peer: PeerAddr) {
        self.write(|letters| {
            // Nobody may look any more.
            if letters.phase == Phase::Serving {
                self.expect_connection();
                letters.accepted.push((socket, peer));
            }
        });
    }

    /// Hands back a call.
    pub(super) fn send_done(&self, address: Address, done: Done) {
        self.write(|letters| letters.done.push((address, done)));
    }

    /// Asks for this phase, unless a later one was asked for.
    pub(super) fn ask_for(&self, phase: Phase) {
        self.write(|letters| letters.phase = letters.phase.max(phase));
    }

    /// How many connections the loop has.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// A connection has ended.
    pub(super) fn forget_connection(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// What has come, for the loop itself.
    pub(super) fn open(&self) -> Letters {
        // Before the letters are taken: one that is written from here on wakes again.
        self.woken.store(false, Ordering::SeqCst);
        let mut letters = self.lock();
        let phase = letters.phase;
        let emptied = Letters {
            phase,
            ..Letters::default()
        };
        std::mem::replace(&mut *letters, emptied)
    }

    fn write(&self, add: impl FnOnce(&mut Letters)) {
        add(&mut self.lock());
        self.wake();
    }

    fn wake(&self) {
        if !self.woken.swap(true, Ordering::SeqCst) {
            let woken = self.waker.wake();
            woken.expect("an event counter of our own can be counted up");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Letters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
