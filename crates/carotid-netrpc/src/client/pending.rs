//! A call that was sent and has no reply yet.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use crate::client::CallError;
use crate::client::calls::Calls;

/// Where a call's outcome goes.
pub(super) type Sender<R> = oneshot::Sender<Result<R, CallError>>;
type Receiver<R> = oneshot::Receiver<Result<R, CallError>>;

pub(super) fn channel<R>() -> (Sender<R>, Receiver<R>) {
    oneshot::channel()
}

/// A call on its way, as Go's `*rpc.Call`: await it for its reply, wherever and whenever.
///
/// Dropping it abandons the call without harm to others; the server may still carry it out, so it
/// counts as in flight until its reply comes or the connection is lost.
#[must_use = "dropping it abandons the call"]
pub struct Pending<R> {
    receiver: Receiver<R>,
    calls: Arc<Calls>,
    seq: u64,
    done: bool,
}

impl<R> Pending<R> {
    pub(super) fn new(receiver: Receiver<R>, calls: Arc<Calls>, seq: u64) -> Self {
        Self {
            receiver,
            calls,
            seq,
            done: false,
        }
    }

    /// Keeps `held`, and drops it when the reply has come or the connection is lost; not earlier
    /// if the call is abandoned. So a permit bounds what the server carries out at once.
    pub fn holding(self, held: impl Send + 'static) -> Self {
        self.calls.hold(self.seq, Box::new(held));
        self
    }
}

impl<R> Future for Pending<R> {
    type Output = Result<R, CallError>;

    /// # Panics
    ///
    /// After it has returned the outcome.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(Pin::new(&mut self.receiver).poll(cx));
        self.done = true;
        Poll::Ready(match outcome {
            Ok(outcome) => outcome,
            Err(_) => Err(CallError::ConnectionLost(self.calls.why())),
        })
    }
}

impl<R> Drop for Pending<R> {
    fn drop(&mut self) {
        if !self.done {
            self.calls.abandon(self.seq);
        }
    }
}

impl<R> fmt::Debug for Pending<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("seq", &self.seq)
            .finish_non_exhaustive()
    }
}
