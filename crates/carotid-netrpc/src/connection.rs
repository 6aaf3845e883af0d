//! Serves one connection.
//!
//! One task polls everything: it reads what is there into the thread's scratch buffer, answers
//! inline what can be answered inline, gathers all replies into one write, and looks at its
//! timer last, when nothing is left to read. While anything waits to be written, or too many
//! calls run, nothing is read, so that a peer who does not listen cannot make us collect.

mod calls;
mod last_chance;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::argument::Argument;
use crate::codec::{Call, Incoming, ServerCodec};
use crate::error::{ServerError, WireError};
use crate::options::Options;
use crate::outbox::Outbox;
use crate::router::Router;
use crate::scratch::Scratch;
use calls::Calls;
use last_chance::LastChance;

/// Sees every call on one connection before the router does.
pub trait Interceptor: Send {
    /// `Some` answers the call here and now, `None` passes it to the router. Runs inside the
    /// connection's task, so it must not block.
    fn call(
        &mut self,
        method: &str,
        argument: &mut Argument<'_>,
    ) -> Option<Result<Answer, ServerError>>;

    /// How long this connection may be without a whole call before it is closed, a moment (0.25 s)
    /// in which it is read once more not included; `None` = for ever. Time in which a call runs does not count. Asked after every read and whenever the
    /// timer fires.
    fn idle_timeout(&self) -> Option<Duration>;
}

/// Why a connection ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum End {
    /// The peer closed it.
    Closed,
    /// Reading or writing failed.
    Reset(io::Error),
    /// No call came for as long as [`Interceptor::idle_timeout`] allows.
    Idle,
    /// No whole call came within [`Options::first_call_timeout`].
    NoFirstCall,
    /// The peer took nothing of what was sent for [`Options::write_timeout`].
    WriteTimeout,
    /// The peer sent what cannot be read.
    Malformed(WireError),
    /// We were asked to stop.
    Shutdown,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed by the peer"),
            Self::Reset(error) => write!(f, "connection failed: {error}"),
            Self::Idle => f.write_str("no call within the idle timeout"),
            Self::NoFirstCall => f.write_str("no whole call within the first-call timeout"),
            Self::WriteTimeout => f.write_str("the peer does not read its replies"),
            Self::Malformed(error) => write!(f, "malformed input: {error}"),
            Self::Shutdown => f.write_str("shut down"),
        }
    }
}

/// Serves one connection to its end.
///
/// When `shutdown` is cancelled, reading stops, calls in flight finish, their replies are
/// written, and [`End::Shutdown`] is returned; whoever calls bounds that time and drops the
/// future. Calls still running when the connection ends are cancelled.
///
/// Must run inside a tokio runtime with time enabled.
pub async fn serve_connection<S>(
    mut io: S,
    router: &Router,
    options: &Options,
    interceptor: &mut impl Interceptor,
    shutdown: &CancellationToken,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let begun = Instant::now();
    let mut connection = Connection {
        router,
        options,
        interceptor,
        codec: ServerCodec::new(options.max_message),
        calls: Calls::default(),
        outbox: Outbox::default(),
        backlog: Vec::new(),
        backlog_done: 0,
        begun,
        last_call: None,
        last_chance: LastChance::default(),
        stopping: false,
        end: None,
    };
    let mut timer = pin!(sleep_until(begun + options.first_call_timeout));
    let mut stop = pin!(shutdown.cancelled());
    poll_fn(|cx| {
        if !connection.stopping && stop.as_mut().poll(cx).is_ready() {
            connection.stopping = true;
        }
        let mut scratch = Scratch::take();
        let polled = connection.poll(cx, &mut io, timer.as_mut(), &mut scratch);
        scratch.put_back();
        polled
    })
    .await
}

struct Connection<'c, I> {
    router: &'c Router,
    options: &'c Options,
    interceptor: &'c mut I,
    codec: ServerCodec,
    calls: Calls,
    outbox: Outbox,
    /// Input that came in one read with the call that filled `max_in_flight`.
    backlog: Vec<u8>,
    backlog_done: usize,
    begun: Instant,
    last_call: Option<Instant>,
    last_chance: LastChance,
    stopping: bool,
    /// Set when all that is left is to write what waits, and to go.
    end: Option<End>,
}

impl<I: Interceptor> Connection<'_, I> {
    fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut S,
        timer: Pin<&mut Sleep>,
        scratch: &mut Scratch,
    ) -> Poll<End> {
        // Lent for the time of this poll, unless the peer leaves something in it; then it is this
        // connection's until it is empty.
        let lent = self.outbox.is_empty();
        if lent {
            self.outbox.swap(&mut scratch.write);
        }
        let progress = self.progress(cx, io, &mut scratch.read);
        if self.outbox.is_empty() {
            if lent {
                self.outbox.swap(&mut scratch.write);
            } else {
                self.outbox = Outbox::default();
            }
        }
        match progress {
            Poll::Ready(end) => Poll::Ready(end),
            Poll::Pending => self.poll_timer(cx, timer),
        }
    }

    /// Reads, answers and writes until there is nothing to do but wait.
    fn progress<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut S,
        buffer: &mut [u8],
    ) -> Poll<End> {
        loop {
            while let Poll::Ready(done) = self.calls.poll_done(cx) {
                let outcome = done.outcome.as_ref();
                // The peer's silence begins when nothing of ours keeps it waiting.
                self.last_call = Some(Instant::now());
                self.codec
                    .reply(self.outbox.bytes(), &done.method, &done.id, outcome);
            }
            match self.outbox.poll_flush(cx, io) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(self.end.take().unwrap_or(End::Reset(error)));
                }
                Poll::Pending => return Poll::Pending,
            }
            if self.end.is_some() {
                return self.poll_close(cx, io);
            }
            if self.stopping {
                if !self.calls.is_empty() {
                    return Poll::Pending;
                }
                self.end = Some(End::Shutdown);
                continue;
            }
            if self.is_full() {
                return Poll::Pending;
            }
            if !self.backlog.is_empty() {
                self.handle_backlog();
                continue;
            }
            let mut read = ReadBuf::new(buffer);
            match Pin::new(&mut *io).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if read.filled().is_empty() => self.end = Some(End::Closed),
                Poll::Ready(Ok(())) => {
                    let rest = self.handle_input(read.filled());
                    self.backlog = rest.to_vec();
                }
                Poll::Ready(Err(error)) => return Poll::Ready(End::Reset(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn is_full(&self) -> bool {
        self.calls.len() >= self.options.max_in_flight.max(1)
    }

    fn handle_backlog(&mut self) {
        let backlog = std::mem::take(&mut self.backlog);
        let rest = self.handle_input(&backlog[self.backlog_done..]).len();
        // The rest stays where it is: moving it up for each call would cost its square.
        if rest == 0 {
            self.backlog_done = 0;
        } else {
            self.backlog_done = backlog.len() - rest;
            self.backlog = backlog;
        }
    }

    /// Answers or starts the calls in `input`, and returns what was too much for now.
    fn handle_input<'i>(&mut self, mut input: &'i [u8]) -> &'i [u8] {
        let mut calls = false;
        let polled = loop {
            if self.is_full() {
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
                    let outcome = match self.interceptor.call(&method, &mut argument) {
                        Some(outcome) => outcome,
                        None => match self.router.start(&method, &mut argument) {
                            Ok(running) => {
                                self.calls.spawn(method.into(), id, running);
                                continue;
                            }
                            Err(error) => Err(error),
                        },
                    };
                    drop(argument);
                    let out = self.outbox.bytes();
                    self.codec.reply(out, &method, &id, outcome.as_ref());
                }
                Ok(Some(Incoming::Send(bytes))) => self.outbox.bytes().extend_from_slice(bytes),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        if calls {
            self.last_call = Some(Instant::now());
        }
        if let Err(error) = polled {
            self.outbox.bytes().extend_from_slice(error.refusal());
            self.end = Some(End::Malformed(error));
            return &[];
        }
        input
    }

    fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<End> {
        // Whether the peer hears of our closing does not change why we close.
        let closed = Pin::new(io).poll_shutdown(cx);
        closed.map(|_| self.end.take().unwrap_or(End::Closed))
    }

    /// Ends the connection if a deadline has passed, and sees that the timer fires no later
    /// than the next one.
    fn poll_timer(&mut self, cx: &mut Context<'_>, mut timer: Pin<&mut Sleep>) -> Poll<End> {
        loop {
            let (deadline, end) = self.deadline();
            let deadline = deadline.unwrap_or_else(|| far_from(self.begun));
            let due = self.last_chance.until(deadline);
            if due < timer.deadline() {
                timer.as_mut().reset(due);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if self.last_chance.is_over(deadline, Instant::now()) {
                return Poll::Ready(self.end.take().unwrap_or(end));
            }
            // Calls only store their time; the timer finds out here that it fired early.
            timer.as_mut().reset(self.last_chance.until(deadline));
        }
    }

    /// The next deadline and what it means to pass it.
    fn deadline(&self) -> (Option<Instant>, End) {
        let silent = match self.last_call {
            None => (
                Some(self.begun + self.options.first_call_timeout),
                End::NoFirstCall,
            ),
            Some(at) => {
                let timeout = self.interceptor.idle_timeout();
                (
                    timeout.and_then(|timeout| at.checked_add(timeout)),
                    End::Idle,
                )
            }
        };
        // While we are stopping, working or full we do not listen, and cannot blame the peer for
        // its silence.
        let deaf = self.stopping || !self.calls.is_empty() || !self.outbox.is_empty();
        let silent = if deaf { (None, End::Idle) } else { silent };
        let stuck = self.outbox.stuck_since();
        match (stuck.map(|at| at + self.options.write_timeout), silent) {
            (Some(write), (silent, _)) if silent.is_none_or(|silent| write <= silent) => {
                (Some(write), End::WriteTimeout)
            }
            (_, silent) => silent,
        }
    }
}

fn far_from(instant: Instant) -> Instant {
    // Thirty years, as tokio itself does: further may overflow on some systems.
    instant + Duration::from_secs(86_400 * 365 * 30)
}
