//! One connection of a client, as its calls and its beats share it.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use carotid_netrpc::{self as netrpc, CallError, FromGob, Lost, ToGob};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::counters::whole_us;
use super::link::LinkError;
use crate::address::Address;

/// A connection carries [`carotid_netrpc::Options::max_in_flight`] calls, 256: so many fewer of the
/// application's that a beat always finds room.
const CALLS_AT_ONCE: usize = 240;

#[derive(Debug)]
pub(super) struct Line {
    address: Address,
    calls: netrpc::Client,
    /// For calls that are no beats. It is the line's own: what a server that is gone has not
    /// answered takes no room from the next one.
    room: Arc<Semaphore>,
    made: Instant,
    /// When the last reply was seen, in microseconds after `made`.
    heard: AtomicU64,
    /// For how many microseconds after that it is believed in without asking.
    trusted: AtomicU64,
    /// A call wants to know whether anybody is there.
    asked: Notify,
    /// A reply has shown that somebody is.
    answered: Notify,
    over: CancellationToken,
    /// Why it is over.
    why: OnceLock<Arc<LinkError>>,
}

/// Why a call over a line has no result.
#[derive(Debug)]
pub(super) enum LineError {
    /// The line was over before the call: nothing was sent.
    Unsent(Arc<LinkError>),
    /// The line is over, and the call with it.
    Over(Arc<LinkError>),
    /// The call failed.
    Call(CallError),
}

impl Line {
    pub(super) fn new(address: Address, calls: netrpc::Client) -> Self {
        Self {
            address,
            calls,
            room: Arc::new(Semaphore::new(CALLS_AT_ONCE)),
            made: Instant::now(),
            heard: AtomicU64::new(0),
            trusted: AtomicU64::new(0),
            asked: Notify::new(),
            answered: Notify::new(),
            over: CancellationToken::new(),
            why: OnceLock::new(),
        }
    }

    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    /// For how long after a reply to believe that somebody is there.
    pub(super) fn trust_for(&self, trusted: Duration) {
        self.trusted.store(whole_us(trusted), Ordering::Relaxed);
    }

    /// A reply came.
    fn heard(&self) {
        let now = whole_us(self.made.elapsed());
        self.heard.fetch_max(now, Ordering::Relaxed);
        self.answered.notify_waiters();
    }

    fn is_trusted(&self) -> bool {
        let now = whole_us(self.made.elapsed());
        let silent = now.saturating_sub(self.heard.load(Ordering::Relaxed));
        silent <= self.trusted.load(Ordering::Relaxed)
    }

    /// Waits until somebody is there: not at all after a reply a moment ago, or for the answer to a beat
    /// that is sent for it. However many calls wait, that is one beat.
    pub(super) async fn answers(&self) -> Result<(), Arc<LinkError>> {
        if self.is_trusted() {
            return Ok(());
        }
        let mut answered = pin!(self.answered.notified());
        // From here on no answer is missed.
        answered.as_mut().enable();
        if self.is_trusted() {
            return Ok(());
        }
        self.asked.notify_one();
        tokio::select! {
            biased;
            () = answered => Ok(()),
            why = self.over() => Err(why),
        }
    }

    /// Waits until a call asks for a beat.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Waits until there is room for a call that is no beat.
    pub(super) async fn room(&self) -> Result<OwnedSemaphorePermit, Arc<LinkError>> {
        tokio::select! {
            biased;
            why = self.over() => Err(why),
            room = Arc::clone(&self.room).acquire_owned() => {
                Ok(room.expect("nobody closes a line's room"))
            }
        }
    }

    /// Calls a method, until the line is over. It has its room until the server has answered, even
    /// if nobody waits for that any more.
    pub(super) async fn call_within<R>(
        &self,
        room: OwnedSemaphorePermit,
        method: &str,
        argument: &(impl ToGob + ?Sized + Sync),
    ) -> Result<R, LineError>
    where
        R: FromGob + Send + 'static,
    {
        let call = async {
            let pending = self.calls.go(method, argument).await?;
            pending.holding(room).await
        };
        self.outcome(call).await
    }

    /// The same for a beat, which needs no room.
    pub(super) async fn call<R>(
        &self,
        method: &str,
        argument: &(impl ToGob + ?Sized + Sync),
    ) -> Result<R, LineError>
    where
        R: FromGob + Send + 'static,
    {
        self.outcome(self.calls.call(method, argument)).await
    }

    async fn outcome<R>(
        &self,
        call: impl Future<Output = Result<R, CallError>>,
    ) -> Result<R, LineError> {
        if let Some(why) = self.why_over() {
            return Err(LineError::Unsent(why));
        }
        let outcome = tokio::select! {
            biased;
            outcome = call => outcome,
            why = self.over() => return Err(LineError::Over(why)),
        };
        match outcome {
            Err(CallError::ShutDown(lost)) => Err(LineError::Unsent(self.lose(lost))),
            Err(CallError::ConnectionLost(lost)) => Err(LineError::Over(self.lose(lost))),
            Err(error @ CallError::Argument(_)) => Err(LineError::Call(error)),
            Err(error) => {
                self.heard();
                Err(LineError::Call(error))
            }
            Ok(reply) => {
                self.heard();
                Ok(reply)
            }
        }
    }

    /// Waits until the connection is lost, and says why.
    pub(super) async fn lost(&self) -> Arc<LinkError> {
        let lost = self.calls.closed().await;
        self.lose(lost)
    }

    fn lose(&self, lost: Lost) -> Arc<LinkError> {
        let address = self.address.clone();
        self.end(Arc::new(LinkError::Lost { address, lost }))
    }

    /// Fails all calls, now and from now on. The first reason counts, and is returned.
    pub(super) fn end(&self, why: Arc<LinkError>) -> Arc<LinkError> {
        let why = Arc::clone(self.why.get_or_init(|| why));
        self.over.cancel();
        why
    }

    /// Why it is over, if it is.
    pub(super) fn why_over(&self) -> Option<Arc<LinkError>> {
        self.why.get().cloned()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.is_cancelled() || self.calls.is_closed()
    }

    async fn over(&self) -> Arc<LinkError> {
        self.over.cancelled().await;
        let why = self.why_over();
        why.expect("the reason is there before the line is over")
    }

    /// Sends what is still to be sent, and closes the connection.
    pub(super) async fn close(&self) {
        self.calls.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{DuplexStream, duplex};
    use tokio::time::{advance, timeout};

    const SECOND: Duration = Duration::from_secs(1);

    /// A line to nobody in particular.
    fn line() -> (Line, DuplexStream) {
        let (near, far) = duplex(1024);
        let address = "nobody:1".parse().unwrap();
        let line = Line::new(address, netrpc::Client::new(near));
        line.trust_for(SECOND);
        (line, far)
    }

    async fn is_asked(line: &Line) -> bool {
        timeout(SECOND / 1000, line.asked()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_was_heard_of_is_believed_in() {
        let (line, _far) = line();
        advance(SECOND * 9).await;
        line.heard();
        advance(SECOND).await;
        assert!(line.answers().await.is_ok());
        assert!(!is_asked(&line).await);
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_doubt_a_line_wait_for_one_answer() {
        let (line, _far) = line();
        advance(SECOND * 2).await;
        let answer = async {
            line.asked().await;
            advance(SECOND).await;
            assert!(!is_asked(&line).await, "they ask once");
            line.heard();
        };
        let (one, other, ()) = tokio::join!(line.answers(), line.answers(), answer);
        assert!(one.is_ok() && other.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_an_answer_learns_why_there_is_none() {
        let (line, far) = line();
        advance(SECOND * 2).await;
        let lose = async {
            line.asked().await;
            drop(far);
            line.lost().await
        };
        let (answers, lost) = tokio::join!(line.answers(), lose);
        assert!(Arc::ptr_eq(&answers.unwrap_err(), &lost));
        assert!(line.is_over());
    }
}
