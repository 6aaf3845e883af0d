//! How calls are made.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use carotid_netrpc::{FromGob, ToGob};
use tokio::time::Sleep;

use super::blocking::block_on;
use super::line::{Line, LineError};
use super::{Client, ClientCallError, ClientState};

/// Makes calls in another way than [`Client::call`] does, see [`Client::idempotent`] and
/// [`Client::within`].
#[derive(Clone, Copy, Debug)]
#[must_use = "it makes no call by itself"]
pub struct Caller<'c> {
    client: &'c Client,
    timeout: Duration,
    idempotent: bool,
}

impl<'c> Caller<'c> {
    pub(super) const fn new(client: &'c Client) -> Self {
        Self {
            client,
            timeout: client.call_timeout,
            idempotent: false,
        }
    }

    /// Says that these calls may be carried out more than once, see [`Client::idempotent`].
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Gives each call this time, see [`Client::within`].
    pub const fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Calls a method, see [`Client::call`].
    ///
    /// # Errors
    ///
    /// See [`ClientCallError`].
    pub async fn call<R>(
        &self,
        method: &str,
        argument: &(impl ToGob + ?Sized + Sync),
    ) -> Result<R, ClientCallError>
    where
        R: FromGob + Send + 'static,
    {
        let tally = &self.client.tally;
        tally.calls.one_more();
        let outcome = self.attempts(method, argument).await;
        if outcome.as_ref().is_err_and(|error| !error.is_reply()) {
            tally.calls_failed.one_more();
        }
        outcome
    }

    /// Calls a method and waits for its reply on this thread, see [`Client::call_blocking`].
    ///
    /// # Errors
    ///
    /// See [`ClientCallError`].
    pub fn call_blocking<R>(
        &self,
        method: &str,
        argument: &(impl ToGob + ?Sized + Sync),
    ) -> Result<R, ClientCallError>
    where
        R: FromGob + Send + 'static,
    {
        if self.client.heart.is_here() {
            return Err(ClientCallError::HeartThread);
        }
        block_on(self.call(method, argument))
    }

    async fn attempts<R>(
        &self,
        method: &str,
        argument: &(impl ToGob + ?Sized + Sync),
    ) -> Result<R, ClientCallError>
    where
        R: FromGob + Send + 'static,
    {
        let mut deadline = pin!(self.client.heart.sleep(self.timeout));
        let mut sent = false;
        loop {
            let error = match self.attempt(deadline.as_mut(), method, argument).await {
                Err(error) => error,
                reply => return reply,
            };
            // A server that hangs up because of this very call would do so each time, and take the
            // calls of others along.
            let may_help = error.is_of_connection() && (error.is_unsent() || !sent);
            sent |= !error.is_unsent();
            // Without the task that connects there is nothing to wait for.
            let again = self.idempotent && may_help && !self.client.beating.is_finished();
            if again && !deadline.is_elapsed() {
                self.client.tally.calls_retried.one_more();
            } else if sent && error.is_unsent() {
                // It was sent before, and there was no time for another attempt.
                let after = self.timeout;
                return Err(ClientCallError::Timeout { after });
            } else {
                return Err(error);
            }
        }
    }

    /// One attempt, each step of which may use the time that is left.
    async fn attempt<R>(
        &self,
        mut deadline: Pin<&mut Sleep>,
        method: &str,
        argument: &(impl ToGob + ?Sized + Sync),
    ) -> Result<R, ClientCallError>
    where
        R: FromGob + Send + 'static,
    {
        let after = self.timeout;
        let unsent = |why| ClientCallError::Unsent { after, why };
        let line = before(deadline.as_mut(), self.line()).await;
        let line = line.unwrap_or_else(|| Err(unsent(self.why_not())))?;
        let ready = async {
            line.answers().await?;
            line.room().await
        };
        let room = match before(deadline.as_mut(), ready).await {
            Some(Ok(room)) => room,
            Some(Err(why)) => return Err(ClientCallError::NotConnected { why: Some(why) }),
            None => return Err(unsent(None)),
        };
        match before(deadline, line.call_within(room, method, argument)).await {
            Some(Ok(reply)) => Ok(reply),
            Some(Err(LineError::Unsent(why))) => {
                Err(ClientCallError::NotConnected { why: Some(why) })
            }
            Some(Err(LineError::Over(why))) => Err(ClientCallError::ConnectionLost { why }),
            Some(Err(LineError::Call(error))) => Err(error.into()),
            None => Err(ClientCallError::Timeout { after }),
        }
    }

    /// The connection to call over; an idempotent call waits for one.
    async fn line(&self) -> Result<Arc<Line>, ClientCallError> {
        let usable = |line: &Option<Arc<Line>>| line.as_ref().is_some_and(|line| !line.is_over());
        let mut lines = self.client.line.clone();
        let line = if self.idempotent {
            // The sender lives as long as the client.
            let line = lines.wait_for(usable).await;
            line.ok().and_then(|line| line.clone())
        } else {
            let line = lines.borrow();
            line.as_ref().filter(|_| usable(&line)).cloned()
        };
        line.ok_or_else(|| ClientCallError::NotConnected {
            why: self.why_not(),
        })
    }

    /// Why there is no connection.
    fn why_not(&self) -> Option<Arc<super::LinkError>> {
        match self.client.state().now() {
            ClientState::Waiting { error, .. } => Some(error),
            ClientState::Connecting | ClientState::Connected { .. } | ClientState::Closed => None,
        }
    }
}

/// What `work` comes to, if it does before the deadline. Needs no particular runtime: the deadline is
/// the heart's.
async fn before<T>(deadline: Pin<&mut Sleep>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = deadline => None,
    }
}
