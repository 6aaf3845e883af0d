//! The server's end of one connection, without its socket: bytes in, bytes out, time as an argument.
//!
//! Calls that the interceptor answers are answered inline; the others are handed out to be run, and
//! their answers handed back. While anything waits to be written, or too many calls run, nothing more
//! is wanted of the peer, so that one who does not listen cannot make us collect (I9).

mod end;
#[cfg(test)]
mod tests;
mod unsent;

use std::io;
use std::time::{Duration, Instant};

use crate::answer::Answer;
use crate::argument::Argument;
use crate::codec::{Call, CallId, Incoming, ServerCodec};
use crate::error::{ServerError, WireError};
use crate::options::Options;
use crate::protocol::Protocol;
use crate::router::{Router, Running};
use unsent::Unsent;

pub use end::End;

/// Sees every call on one connection before the router does.
pub trait Interceptor: Send + 'static {
    /// `Some` answers the call here and now, `None` passes it to the router. Runs on the thread that
    /// serves the connection and many others, so it must not block.
    fn call(
        &mut self,
        method: &str,
        argument: &mut Argument<'_>,
    ) -> Option<Result<Answer, ServerError>>;

    /// Calls that came in one read follow.
    fn begin_read(&mut self) {}

    /// The peer has made its first calls, in this protocol. Said once.
    fn speaks(&mut self, protocol: Protocol) {
        let _nobody_asked = protocol;
    }

    /// How long this connection may be without a whole call before it is closed; `None` = for ever.
    /// Time in which a call runs does not count. Asked after every read and whenever the deadline
    /// has come. What we sent may stay unacknowledged for as long (`TCP_USER_TIMEOUT`).
    fn idle_timeout(&self) -> Option<Duration> {
        None
    }

    /// The peer has closed its side while calls of it still run; their answers may reach it yet.
    fn peer_closed(&mut self) {}

    /// The connection is over. Not called when the server is dropped.
    fn end(self, end: &End)
    where
        Self: Sized,
    {
        tracing::debug!(reason = %end, "connection ended");
    }
}

/// A call to be run.
pub(crate) struct Started {
    pub(crate) method: Box<str>,
    pub(crate) id: CallId,
    pub(crate) running: Running,
}

/// A call that has been run.
pub(crate) struct Done {
    pub(crate) method: Box<str>,
    pub(crate) id: CallId,
    pub(crate) outcome: Result<Answer, ServerError>,
}

/// What a connection works with while it has its turn.
pub(crate) struct Turn<'t, I> {
    pub(crate) now: Instant,
    pub(crate) router: &'t Router,
    pub(crate) options: &'t Options,
    pub(crate) interceptor: &'t mut I,
    /// Where calls to be run go.
    pub(crate) started: &'t mut Vec<Started>,
    /// Where bytes for the peer go.
    pub(crate) out: &'t mut Vec<u8>,
}

/// The server's end of one connection.
#[derive(Debug)]
pub(crate) struct Connection {
    codec: ServerCodec,
    /// What the peer has not taken.
    unsent: Option<Box<Unsent>>,
    backlog: Option<Box<Backlog>>,
    running: usize,
    /// When the last whole call came, or was answered; before the first, when the connection began.
    heard: Instant,
    called: bool,
    closed_by_peer: bool,
    stopping: bool,
    /// Set when all that is left is to write what waits, and to go.
    end: Option<Box<End>>,
}

/// Input that came in one read with the call that filled [`Options::max_in_flight`].
#[derive(Debug)]
struct Backlog {
    bytes: Vec<u8>,
    done: usize,
}

/// What a connection would do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Read.
    Read,
    /// Go on with input that it has read before.
    Continue,
    /// Wait until it can write, or until a call is done.
    Wait,
    /// End.
    End,
}

impl Connection {
    pub(crate) fn new(now: Instant, options: &Options) -> Self {
        Self {
            codec: ServerCodec::new(options.max_message),
            unsent: None,
            backlog: None,
            running: 0,
            heard: now,
            called: false,
            closed_by_peer: false,
            stopping: false,
            end: None,
        }
    }

    /// Answers or starts the calls in what was read.
    pub(crate) fn handle_input<I: Interceptor>(&mut self, turn: &mut Turn<'_, I>, input: &[u8]) {
        let rest = self.handle_calls(turn, input);
        if !rest.is_empty() {
            let bytes = rest.to_vec();
            self.backlog = Some(Box::new(Backlog { bytes, done: 0 }));
        }
    }

    /// Goes on with what was too much before; to be called at [`Wish::Continue`].
    pub(crate) fn handle_backlog<I: Interceptor>(&mut self, turn: &mut Turn<'_, I>) {
        if let Some(mut backlog) = self.backlog.take() {
            let rest = self.handle_calls(turn, &backlog.bytes[backlog.done..]);
            if !rest.is_empty() {
                // The rest stays where it is: moving it up for each call would cost its square.
                backlog.done = backlog.bytes.len() - rest.len();
                self.backlog = Some(backlog);
            }
        }
    }

    /// The peer sends no more.
    pub(crate) fn handle_close<I: Interceptor>(&mut self, turn: &mut Turn<'_, I>) {
        // As in Go, calls that run are answered: the peer may have closed only its own side.
        self.closed_by_peer = true;
        if self.running > 0 {
            turn.interceptor.peer_closed();
        }
    }

    /// A call that was started has been run.
    pub(crate) fn handle_done(&mut self, now: Instant, done: Done, out: &mut Vec<u8>) {
        self.running -= 1;
        // The peer's silence begins when nothing of ours keeps it waiting.
        self.heard = now;
        self.codec
            .reply(out, &done.method, &done.id, done.outcome.as_ref());
    }

    /// Writes what is in `out`, after what has not been sent before it; what the peer does not take
    /// is kept.
    pub(crate) fn flush(
        &mut self,
        now: Instant,
        out: &mut Vec<u8>,
        write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        unsent::flush(&mut self.unsent, now, out, write)
    }

    /// No more calls are to be taken; those that run are answered.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
    }

    /// What it would do next. What is in `out` was flushed before.
    pub(crate) fn wish(&mut self, options: &Options) -> Wish {
        if self.unsent.is_some() {
            return Wish::Wait;
        }
        if self.end.is_some() {
            // As in Go, calls before bytes that cannot be read are answered.
            return if self.running > 0 {
                Wish::Wait
            } else {
                Wish::End
            };
        }
        if self.stopping || (self.closed_by_peer && self.backlog.is_none()) {
            if self.running > 0 {
                return Wish::Wait;
            }
            let end = if self.stopping {
                End::Shutdown
            } else {
                End::Closed
            };
            self.end = Some(Box::new(end));
            return Wish::End;
        }
        if self.is_full(options) {
            Wish::Wait
        } else if self.backlog.is_some() {
            Wish::Continue
        } else {
            Wish::Read
        }
    }

    /// The next deadline and what it means to pass it.
    pub(crate) fn deadline(
        &self,
        options: &Options,
        idle_timeout: Option<Duration>,
    ) -> Option<(Instant, End)> {
        if let Some(unsent) = &self.unsent {
            let deadline = unsent.stuck_since().checked_add(options.write_timeout)?;
            return Some((deadline, End::WriteTimeout));
        }
        // While we are stopping or working we cannot blame the peer for its silence.
        if self.stopping || self.running > 0 {
            return None;
        }
        let (timeout, end) = if self.called {
            (idle_timeout?, End::Idle)
        } else {
            (options.first_call_timeout, End::NoFirstCall)
        };
        Some((self.heard.checked_add(timeout)?, end))
    }

    /// Why it ends, at [`Wish::End`].
    pub(crate) fn take_end(&mut self) -> End {
        self.end.take().map_or(End::Closed, |end| *end)
    }

    /// Whether a failing socket tells nothing that was not known: it was to be closed anyway.
    pub(crate) fn is_ending(&self) -> bool {
        self.end.is_some()
    }

    /// Whether calls of it run.
    pub(crate) fn is_working(&self) -> bool {
        self.running > 0
    }

    fn is_full(&self, options: &Options) -> bool {
        self.running >= options.max_in_flight.max(1)
    }

    /// Answers or starts the calls in `input`, and returns what was too much for now.
    fn handle_calls<'i, I: Interceptor>(
        &mut self,
        turn: &mut Turn<'_, I>,
        mut input: &'i [u8],
    ) -> &'i [u8] {
        turn.interceptor.begin_read();
        let mut calls = false;
        let polled = loop {
            if self.is_full(turn.options) {
                break Ok(());
            }
            match self.codec.poll(&mut input) {
                Ok(Some(Incoming::Call(call))) => {
                    calls = true;
                    let Call {
                        method,
                        id,
                        mut argument,
                    } = call;
                    let outcome = match turn.interceptor.call(&method, &mut argument) {
                        Some(outcome) => outcome,
                        None => match turn.router.start(&method, &mut argument) {
                            Ok(running) => {
                                self.running += 1;
                                turn.started.push(Started {
                                    method: method.into(),
                                    id,
                                    running,
                                });
                                continue;
                            }
                            Err(error) => Err(error),
                        },
                    };
                    drop(argument);
                    self.codec.reply(turn.out, &method, &id, outcome.as_ref());
                }
                Ok(Some(Incoming::Send(bytes))) => turn.out.extend_from_slice(bytes),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if calls {
            if !std::mem::replace(&mut self.called, true)
                && let Some(protocol) = self.codec.protocol()
            {
                turn.interceptor.speaks(protocol);
            }
            self.heard = turn.now;
        }
        match polled {
            Ok(()) => input,
            Err(error) => {
                self.refuse(turn, error);
                &[]
            }
        }
    }

    fn refuse<I: Interceptor>(&mut self, turn: &mut Turn<'_, I>, error: WireError) {
        turn.out.extend_from_slice(error.refusal());
        self.end = Some(Box::new(End::Malformed(error)));
    }
}
