//! One connection with its socket, among those of a poll loop.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::mailbox::{Address, Mailbox};
use crate::connection::{Connection, Done, End, Interceptor, Started, Turn, Wish};
use crate::error::ServerError;
use crate::options::Options;
use crate::router::Router;
use crate::socket::Socket;

/// As much as one read takes.
const READ: usize = 64 * 1024;

/// A write buffer that grew beyond this is not kept.
const MAX_KEPT: usize = 256 * 1024;

/// Reads of one connection before others have their turn (I4). A read is what one buffer takes, so a
/// peer that floods has no more than that in a round.
const READS_AT_ONCE: u32 = 1;

/// What all connections of a loop share. A connection needs a buffer only while it has its turn, so an
/// idle one holds none.
pub(super) struct Desk {
    pub(super) router: Arc<Router>,
    pub(super) options: Arc<Options>,
    pub(super) runtime: Handle,
    pub(super) mailbox: Arc<Mailbox>,
    /// When the loop woke.
    pub(super) now: Instant,
    input: Box<[u8]>,
    out: Vec<u8>,
    started: Vec<Started>,
}

impl Desk {
    pub(super) fn new(
        router: Arc<Router>,
        options: Arc<Options>,
        runtime: Handle,
        mailbox: Arc<Mailbox>,
        now: Instant,
    ) -> Self {
        Self {
            router,
            options,
            runtime,
            mailbox,
            now,
            input: vec![0; READ].into_boxed_slice(),
            out: Vec::new(),
            started: Vec::new(),
        }
    }
}

impl Desk {
    /// Forgets what a turn that was cut short has left.
    pub(super) fn reset(&mut self) {
        self.out = Vec::new();
        self.started = Vec::new();
    }
}

/// How a turn ended.
#[derive(Debug)]
pub(super) enum Progress {
    /// There is nothing to do but wait.
    Waits,
    /// There is more to do; others first.
    More,
    /// It is over.
    Over(End),
}

/// A connection with its socket.
#[derive(Debug)]
pub(super) struct Link<I> {
    pub(super) socket: Socket,
    pub(super) interceptor: I,
    connection: Connection,
    generation: u32,
    readable: bool,
    /// It is among those that have more to do.
    pub(super) queued: bool,
    /// The peer has announced the end of what it sends: read on until it comes.
    read_closed: bool,
    /// What the kernel was told of [`Interceptor::idle_timeout`].
    user_timeout: Option<Duration>,
    /// Where it stands among the deadlines.
    pub(super) filed: Option<Instant>,
    /// Cancels the calls that run; `None` while none does.
    calls: Option<DropGuard>,
}

impl<I: Interceptor> Link<I> {
    pub(super) fn new(
        socket: Socket,
        interceptor: I,
        generation: u32,
        now: Instant,
        options: &Options,
    ) -> io::Result<Self> {
        socket.prepare()?;
        let mut link = Self {
            socket,
            interceptor,
            connection: Connection::new(now, options),
            generation,
            readable: false,
            queued: false,
            read_closed: false,
            user_timeout: None,
            filed: None,
            calls: None,
        };
        link.follow_idle_timeout();
        Ok(link)
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    pub(super) fn set_readable(&mut self, read_closed: bool) {
        self.readable = true;
        self.read_closed |= read_closed;
    }

    pub(super) fn stop(&mut self) {
        self.connection.stop();
    }

    /// Takes the answer of a call that was run, to be written at its next turn.
    pub(super) fn handle_done(&mut self, desk: &mut Desk, done: Done) {
        self.connection.handle_done(desk.now, done, &mut desk.out);
        if !self.connection.is_working() {
            self.calls = None;
        }
    }

    /// Reads, answers and writes until there is nothing to do but wait. What is left over in the
    /// desk's `out` is this connection's.
    pub(super) fn advance(&mut self, desk: &mut Desk, slot: u32) -> Progress {
        let progress = self.serve(desk, slot);
        desk.out.clear();
        desk.out.shrink_to(MAX_KEPT);
        progress
    }

    fn serve(&mut self, desk: &mut Desk, slot: u32) -> Progress {
        let mut reads = 0;
        loop {
            let socket = &mut self.socket;
            let written = self
                .connection
                .flush(desk.now, &mut desk.out, |bytes| socket.write(bytes));
            if let Err(error) = written {
                return Progress::Over(self.failed(error));
            }
            match self.connection.wish(&desk.options) {
                Wish::Wait => return self.wait(),
                Wish::End => {
                    self.socket.shut_down();
                    return Progress::Over(self.connection.take_end());
                }
                Wish::Continue => self.with_turn(desk, slot, None),
                Wish::Read if !self.readable => return Progress::Waits,
                Wish::Read if reads == READS_AT_ONCE => return Progress::More,
                Wish::Read => {
                    reads += 1;
                    match self.socket.read(&mut desk.input) {
                        Ok(length) => self.with_turn(desk, slot, Some(length)),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            self.readable = false;
                            // Whoever has closed its side is read to its end and never gets here.
                            self.read_closed = false;
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Progress::Over(End::Reset(error)),
                    }
                }
            }
        }
    }

    /// A peer that is not read any more is not noticed to be gone by reading.
    fn wait(&self) -> Progress {
        match self.read_closed.then(|| self.socket.take_error()).flatten() {
            Some(error) => Progress::Over(End::Reset(error)),
            None => Progress::Waits,
        }
    }

    /// Handles what was read into the desk's buffer, or what is left of what was read before.
    fn with_turn(&mut self, desk: &mut Desk, slot: u32, read: Option<usize>) {
        let mut turn = Turn {
            now: desk.now,
            router: &desk.router,
            options: &desk.options,
            interceptor: &mut self.interceptor,
            started: &mut desk.started,
            out: &mut desk.out,
        };
        match read {
            None => self.connection.handle_backlog(&mut turn),
            Some(0) => {
                self.readable = false;
                self.connection.handle_close(&mut turn);
            }
            Some(length) => {
                // A read that does not fill the buffer has emptied the socket: epoll(7) says so of
                // streams, and what comes after it is announced anew.
                self.readable = length == desk.input.len() || self.read_closed;
                let input = &desk.input[..length];
                self.connection.handle_input(&mut turn, input);
            }
        }
        self.run_started(desk, slot);
        self.follow_idle_timeout();
    }

    /// Runs calls on the application's runtime. A panic in one is its own error and nobody else's.
    fn run_started(&mut self, desk: &mut Desk, slot: u32) {
        let address = Address {
            slot,
            generation: self.generation,
        };
        for Started {
            method,
            id,
            running,
        } in desk.started.drain(..)
        {
            let mailbox = Arc::clone(&desk.mailbox);
            let run = async move {
                let outcome = match AssertUnwindSafe(running).catch_unwind().await {
                    Ok(outcome) => outcome,
                    Err(_) => {
                        tracing::error!(method = ?method, "method panicked");
                        Err(ServerError::panicked(&method))
                    }
                };
                let done = Done {
                    method,
                    id,
                    outcome,
                };
                mailbox.send_done(address, done);
            };
            let calls = self
                .calls
                .get_or_insert_with(|| CancellationToken::new().drop_guard());
            // Its answer comes by mail; nobody waits for the task.
            let _detached = desk
                .runtime
                .spawn(calls.token().clone().run_until_cancelled_owned(run));
        }
    }

    /// A session that agreed on a longer timeout must not lose its connection to a shorter one of the
    /// kernel's.
    fn follow_idle_timeout(&mut self) {
        let wanted = self.interceptor.idle_timeout();
        if self.user_timeout == wanted {
            return;
        }
        self.user_timeout = wanted;
        if let Some(timeout) = wanted
            && let Err(error) = self.socket.set_user_timeout(timeout)
        {
            // Our trouble, not the peer's: the one before stays.
            tracing::debug!(%error, "cannot set TCP_USER_TIMEOUT");
        }
    }

    /// The next deadline and what it means to pass it.
    pub(super) fn deadline(&self, options: &Options) -> Option<(Instant, End)> {
        self.connection
            .deadline(options, self.interceptor.idle_timeout())
    }

    fn failed(&mut self, error: io::Error) -> End {
        if self.connection.is_ending() {
            self.connection.take_end()
        } else {
            End::Reset(error)
        }
    }
}
