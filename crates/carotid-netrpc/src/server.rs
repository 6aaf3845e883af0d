//! A server: poll loops on threads of their own, and an application's methods on its runtime.

mod acceptor;
mod deadlines;
mod link;
mod mailbox;
mod poll_loop;

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use mio::Poll;
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::answer::Answer;
use crate::argument::Argument;
use crate::connection::Interceptor;
use crate::error::ServerError;
use crate::listener::Listener;
use crate::options::Options;
use crate::peer::PeerAddr;
use crate::router::Router;
use acceptor::Acceptor;
use link::Desk;
use mailbox::{Mailbox, Phase};
use poll_loop::PollLoop;

#[cfg(test)]
pub(crate) use poll_loop::clock;

/// Sees the connections of a server.
pub trait Host: Send + Sync + 'static {
    /// What sees the calls of one connection.
    type Interceptor: Interceptor;

    /// A connection has come. Runs on the thread that serves it, so it must not block.
    fn accept(self: &Arc<Self>, peer: PeerAddr) -> Self::Interceptor;

    /// How often to hear from each poll loop that it keeps up; `None` = not at all.
    fn keep_up_every(&self) -> Option<Duration> {
        None
    }

    /// A poll loop, one of [`Server::loops`], begins another round: as often as it is asked to keep up,
    /// whether or not it does.
    fn begin_round(&self, poll_loop: usize) {
        let _nobody_asked = poll_loop;
    }

    /// A poll loop, one of [`Server::loops`], has handled all that its peers had sent when it told so
    /// last. Missing that for long, peers are not heard through no fault of theirs.
    fn kept_up(&self, poll_loop: usize) {
        let _nobody_asked = poll_loop;
    }
}

/// Serves a router's methods.
///
/// Connections are served by poll loops, each on a thread of its own that waits for many connections
/// at once; the methods themselves run on the tokio runtime that [`serve`](Self::serve) is called on,
/// so that a slow or blocking one delays no other connection.
#[derive(Debug)]
pub struct Server<H = Everything> {
    host: Arc<H>,
    router: Arc<Router>,
    options: Arc<Options>,
    loops: NonZeroUsize,
}

impl Server {
    /// A server with default options.
    pub fn new(router: impl Into<Arc<Router>>) -> Self {
        Self {
            host: Arc::new(Everything),
            router: router.into(),
            options: Arc::default(),
            loops: default_loops(),
        }
    }
}

impl<H: Host> Server<H> {
    /// The same server with these limits for each connection.
    #[must_use]
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = Arc::new(options);
        self
    }

    /// The same server, whose connections `host` sees.
    #[must_use]
    pub fn with_host<O: Host>(self, host: Arc<O>) -> Server<O> {
        let Self {
            router,
            options,
            loops,
            ..
        } = self;
        Server {
            host,
            router,
            options,
            loops,
        }
    }

    /// The same server with this many poll loops. Default: one for two cores, as the other half of the
    /// work is the kernel's and the methods'.
    #[must_use]
    pub fn with_loops(mut self, loops: NonZeroUsize) -> Self {
        self.loops = loops;
        self
    }

    /// How many poll loops it has.
    #[must_use]
    pub fn loops(&self) -> usize {
        self.loops.get()
    }

    /// Accepts connections until `shutdown` is cancelled, then lets calls in flight finish.
    ///
    /// That has no bound of its own: drop the future to cut it short, which makes the loops close all
    /// connections and cancel all calls; a moment later they have. Without a listener it only waits.
    ///
    /// # Errors
    ///
    /// The system gives no thread or no poll set, or takes one away.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, and with a panic of the host.
    pub async fn serve(
        self,
        listeners: impl IntoIterator<Item = Listener>,
        shutdown: CancellationToken,
    ) -> io::Result<()> {
        let running = self.start(listeners.into_iter().map(Acceptor::new).collect())?;
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = running.one_ended.cancelled() => {}
        }
        running.stop().await
    }

    fn start(&self, acceptors: Vec<Acceptor>) -> io::Result<Running> {
        let polls = (0..self.loops()).map(|_| Poll::new());
        let polls: Vec<_> = polls.collect::<io::Result<_>>()?;
        let mailboxes = polls.iter().map(|poll| Mailbox::new(poll.registry()));
        let mailboxes = mailboxes.map(|made| made.map(Arc::new));
        let mailboxes: Arc<[_]> = mailboxes.collect::<io::Result<_>>()?;
        let mut running = Running {
            mailboxes: Arc::clone(&mailboxes),
            one_ended: CancellationToken::new(),
            threads: Vec::new(),
        };
        let mut acceptors = Some(acceptors);
        for (index, poll) in polls.into_iter().enumerate() {
            let desk = Desk::new(
                Arc::clone(&self.router),
                Arc::clone(&self.options),
                Handle::current(),
                Arc::clone(&mailboxes[index]),
                poll_loop::clock(),
            );
            let poll_loop = PollLoop::new(
                Arc::clone(&self.host),
                index,
                poll,
                desk,
                Arc::clone(&mailboxes),
                acceptors.take().unwrap_or_default(),
            )?;
            running.spawn(index, || poll_loop.run())?;
        }
        Ok(running)
    }
}

/// Half of the cores.
fn default_loops() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN)
}

/// The threads of a server; dropping it ends them at once.
struct Running {
    mailboxes: Arc<[Arc<Mailbox>]>,
    /// A loop has ended, which it does of its own accord only if something is wrong.
    one_ended: CancellationToken,
    threads: Vec<Thread>,
}

struct Thread {
    handle: JoinHandle<io::Result<()>>,
    ended: CancellationToken,
}

impl Running {
    fn spawn(
        &mut self,
        index: usize,
        run: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let ended = CancellationToken::new();
        let tell: [DropGuard; 2] = [
            ended.clone().drop_guard(),
            self.one_ended.clone().drop_guard(),
        ];
        let thread = Builder::new().name(format!("carotid-rpc-{index}"));
        let handle = thread.spawn(move || {
            // However it ends.
            let _tell = tell;
            run()
        })?;
        self.threads.push(Thread { handle, ended });
        Ok(())
    }

    /// Waits until all calls in flight are answered.
    async fn stop(mut self) -> io::Result<()> {
        let failed = self.one_ended.is_cancelled();
        self.ask_for(if failed {
            Phase::Aborting
        } else {
            Phase::Stopping
        });
        let mut outcome = Ok(());
        while let Some(thread) = self.threads.last() {
            thread.ended.cancelled().await;
            if let Some(thread) = self.threads.pop() {
                match thread.handle.join() {
                    Ok(ended) => outcome = outcome.and(ended),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        }
        outcome
    }

    fn ask_for(&self, phase: Phase) {
        for mailbox in self.mailboxes.iter() {
            mailbox.ask_for(phase);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.ask_for(Phase::Aborting);
    }
}

/// Passes every call to the router, and lets peers be silent for ever.
#[derive(Debug)]
pub struct Everything;

impl Host for Everything {
    type Interceptor = Self;

    fn accept(self: &Arc<Self>, _peer: PeerAddr) -> Self {
        Self
    }
}

impl Interceptor for Everything {
    fn call(&mut self, _: &str, _: &mut Argument<'_>) -> Option<Result<Answer, ServerError>> {
        None
    }
}
