//! The thread that the clients of a process beat on.
//!
//! It has a runtime of its own: an application's that is blocked or starved delays no beat. One
//! thread carries all clients, so a process with thousands of them needs no more threads than one
//! with a single client.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::{Sleep, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Beats for as long as somebody holds it.
#[derive(Debug)]
pub(super) struct Heart {
    runtime: Handle,
    thread: ThreadId,
    stop: CancellationToken,
}

/// Why a [`Client`](super::Client) cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It was given no server.
    #[error("there is no address to connect to")]
    NoAddress,
    /// It was to watch the runtime that it is started on, and there is none.
    #[error("there is no tokio runtime here to watch")]
    NoRuntime,
    /// The system gave no thread to beat on.
    #[error("cannot start the heartbeat's thread: {0}")]
    Thread(io::Error),
    /// The system gave no timers and sockets to that thread.
    #[error("cannot start the heartbeat's runtime: {0}")]
    Runtime(io::Error),
}

impl Heart {
    /// The one that beats, or a new one.
    pub(super) fn shared() -> Result<Arc<Self>, StartError> {
        static SHARED: Mutex<Weak<Heart>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heart) = shared.upgrade() {
            return Ok(heart);
        }
        let heart = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&heart);
        Ok(heart)
    }

    pub(super) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Whether its thread is the one that asks.
    pub(super) fn is_here(&self) -> bool {
        thread::current().id() == self.thread
    }

    /// A time that its thread measures, for whoever waits for it on whatever runtime.
    pub(super) fn sleep(&self, duration: Duration) -> Sleep {
        let _timers = self.runtime.enter();
        sleep(duration)
    }

    fn start() -> Result<Self, StartError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(StartError::Runtime)?;
        let handle = runtime.handle().clone();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let body = Body(Some(runtime));
        let thread = thread::Builder::new().name("carotid-heartbeat".to_owned());
        let spawned = thread.spawn(move || body.run(&stopped));
        Ok(Self {
            runtime: handle,
            thread: spawned.map_err(StartError::Thread)?.thread().id(),
            stop,
        })
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// How long connections may take to close after the last client is gone.
const LINGER: Duration = Duration::from_secs(1);

/// The heart's runtime, which blocks nobody when it ends: it does not wait for a name that is still
/// being resolved, nor within another runtime, where it would panic, if the thread cannot be started.
struct Body(Option<Runtime>);

impl Body {
    fn run(self, stop: &CancellationToken) {
        if let Some(runtime) = &self.0 {
            runtime.block_on(async {
                stop.cancelled().await;
                // A connection that is cut off in the middle looks reset, not closed.
                let _closed = timeout(LINGER, idle(runtime.handle())).await;
            });
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits until every task has ended.
async fn idle(runtime: &Handle) {
    while 0 < runtime.metrics().num_alive_tasks() {
        sleep(Duration::from_millis(1)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_heart_beats_on_a_thread_of_its_own_until_nobody_holds_it() {
        let heart = Heart::start().unwrap();
        let name = async { thread::current().name().map(str::to_owned) };
        let name = heart.runtime().spawn(name).await.unwrap();
        assert_eq!(name.as_deref(), Some("carotid-heartbeat"));
        let endless = heart.runtime().spawn(std::future::pending::<()>());
        drop(heart);
        assert!(endless.await.unwrap_err().is_cancelled());
    }

    #[tokio::test]
    async fn a_heart_knows_its_own_thread() {
        let heart = Arc::new(Heart::start().unwrap());
        assert!(!heart.is_here());
        let inner = Arc::clone(&heart);
        let asked = heart.runtime().spawn(async move { inner.is_here() });
        assert!(asked.await.unwrap());
    }

    #[test]
    fn clients_of_a_process_share_one_heart() {
        let heart = Heart::shared().unwrap();
        assert!(Arc::ptr_eq(&heart, &Heart::shared().unwrap()));
    }

    #[tokio::test]
    async fn a_heart_without_a_thread_ends_quietly_within_another_runtime() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        drop(Body(Some(runtime)));
    }
}
