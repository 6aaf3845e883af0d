//! The calls of one connection that run as tasks.

use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::codec::CallId;
use crate::error::ServerError;
use crate::router::Running;

/// A call that has come to its end.
pub(super) struct Done {
    pub(super) method: Box<str>,
    pub(super) id: CallId,
    pub(super) outcome: Result<Answer, ServerError>,
}

/// Running calls. Dropping them cancels them.
#[derive(Default)]
pub(super) struct Calls {
    // Most connections never run a task, so the set is made when the first one does.
    tasks: Option<Box<JoinSet<Done>>>,
}

impl Calls {
    pub(super) fn len(&self) -> usize {
        self.tasks.as_ref().map_or(0, |tasks| tasks.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs a call. A panic in it is its own error and nobody else's.
    pub(super) fn spawn(&mut self, method: Box<str>, id: CallId, running: Running) {
        self.tasks.get_or_insert_default().spawn(async move {
            let outcome = match AssertUnwindSafe(running).catch_unwind().await {
                Ok(outcome) => outcome,
                Err(_) => {
                    tracing::error!(method = ?method, "method panicked");
                    Err(ServerError::from(format!("rpc: method {method} panicked")))
                }
            };
            Done {
                method,
                id,
                outcome,
            }
        });
    }

    /// A call that is done; pending while none is, also when none runs.
    pub(super) fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<Done> {
        let Some(tasks) = &mut self.tasks else {
            return Poll::Pending;
        };
        loop {
            match tasks.poll_join_next(cx) {
                Poll::Ready(Some(Ok(done))) => return Poll::Ready(done),
                // Panics are caught inside and only our drop cancels, so what is left is a
                // panic in dropping a method's future: there is no call left to answer.
                Poll::Ready(Some(Err(_))) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}
