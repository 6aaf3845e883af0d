//! Accepting connections, whatever happens.

use std::io;
use std::time::{Duration, Instant};

use crate::listener::Listener;
use crate::peer::PeerAddr;
use crate::socket::Socket;
use crate::tcp::is_of_one_connection;

/// How long not to accept after accepting failed: the usual cause is a full file table, which
/// only time empties.
const PAUSE: Duration = Duration::from_millis(100);

/// How long to keep silent about failures after telling of one.
const QUIET: Duration = Duration::from_secs(10);

/// A listener and whether somebody may be waiting there.
#[derive(Debug)]
pub(super) struct Acceptor {
    pub(super) listener: Listener,
    ready: bool,
    /// Until when not to try.
    paused: Option<Instant>,
    told: Option<Instant>,
}

impl Acceptor {
    pub(super) fn new(listener: Listener) -> Self {
        Self {
            listener,
            // Whoever came before we asked is not announced.
            ready: true,
            paused: None,
            told: None,
        }
    }

    pub(super) fn set_ready(&mut self) {
        self.ready = true;
    }

    /// When to try next, if somebody may be waiting.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        self.ready.then(|| self.paused.unwrap_or(now))
    }

    /// The next connection; `None` when nobody waits, or after a failure, which is told in the log.
    pub(super) fn accept(&mut self, now: Instant) -> Option<(Socket, PeerAddr)> {
        while self.due(now).is_some_and(|due| due <= now) {
            self.paused = None;
            match self.listener.accept() {
                Ok(accepted) => return Some(accepted),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.ready = false,
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    self.paused = Some(now + PAUSE);
                    if self.told.is_none_or(|told| told + QUIET < now) {
                        self.told = Some(now);
                        tracing::error!(%error, "cannot accept connections; trying again all the time");
                    }
                }
            }
        }
        None
    }
}
