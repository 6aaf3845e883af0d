//! What a client's callers and its driver share: calls to be sent, calls that wait.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use crate::argument::Argument;
use crate::client::{CallError, Lost};
use crate::codec::{CallWriter, ReplyMessage};
use crate::error::ServerError;
use crate::options::Options;

/// Shared by a client and its driver.
pub(super) struct Calls {
    pub(super) options: Options,
    permits: Arc<Semaphore>,
    gone: CancellationToken,
    shared: Mutex<Shared>,
}

struct Shared {
    writer: CallWriter,
    /// Encoded calls that the driver has not taken.
    out: Vec<u8>,
    waiting: HashMap<u64, Waiting>,
    next_seq: u64,
    closing: bool,
    lost: Option<Lost>,
    driver: Option<Waker>,
}

/// A call whose reply has not come. Its permit goes with it.
pub(super) struct Waiting {
    caller: Box<dyn Caller>,
    _permit: OwnedSemaphorePermit,
}

/// A caller whose reply type is forgotten.
trait Caller: Send {
    fn complete(self: Box<Self>, body: Result<&mut Argument<'_>, CallError>);
}

impl<R: gobwire::Decode + Default + Send> Caller for oneshot::Sender<Result<R, CallError>> {
    fn complete(self: Box<Self>, body: Result<&mut Argument<'_>, CallError>) {
        let outcome = body.and_then(|body| body.decode_gob().map_err(CallError::Reply));
        // Nobody waits any more; that is the caller's right.
        let _ = self.send(outcome);
    }
}

impl Waiting {
    pub(super) fn new<R>(
        caller: oneshot::Sender<Result<R, CallError>>,
        permit: OwnedSemaphorePermit,
    ) -> Self
    where
        R: gobwire::Decode + Default + Send + 'static,
    {
        Self {
            caller: Box::new(caller),
            _permit: permit,
        }
    }
}

/// Forgets a call when its caller goes away.
pub(super) struct Abandon<'c> {
    calls: &'c Calls,
    seq: u64,
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        let waiting = self.calls.lock().waiting.remove(&self.seq);
        drop(waiting);
    }
}

/// What the driver finds when it looks.
pub(super) enum Work {
    /// Nothing, or bytes that were moved to its buffer.
    Send,
    /// The client wants to close once everything is sent.
    Close,
}

impl Calls {
    pub(super) fn new(options: &Options) -> Self {
        let permits = options.max_in_flight.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            permits: Arc::new(Semaphore::new(permits)),
            gone: CancellationToken::new(),
            shared: Mutex::new(Shared {
                writer: CallWriter::new(),
                out: Vec::new(),
                waiting: HashMap::new(),
                next_seq: 0,
                closing: false,
                lost: None,
                driver: None,
            }),
            options: options.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // What a panic in a caller's own `Encode` can leave behind is an encoder that takes a
        // type for defined; the peer then refuses the next value of that type.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leave to make one more call.
    pub(super) async fn permit(&self) -> Result<OwnedSemaphorePermit, Lost> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        permit.map_err(|_| self.why())
    }

    /// Hands a call to the driver.
    pub(super) fn send(
        &self,
        method: &str,
        argument: &(impl gobwire::Encode + ?Sized),
        waiting: Waiting,
    ) -> Result<Abandon<'_>, CallError> {
        let mut guard = self.lock();
        let shared = &mut *guard;
        if let Some(lost) = &shared.lost {
            return Err(CallError::ConnectionLost(lost.clone()));
        }
        if shared.closing {
            return Err(CallError::ConnectionLost(Lost::ClosedHere));
        }
        let seq = shared.next_seq;
        shared
            .writer
            .call(&mut shared.out, method, seq, argument)
            .map_err(CallError::Argument)?;
        shared.next_seq += 1;
        shared.waiting.insert(seq, waiting);
        let driver = shared.driver.take();
        drop(guard);
        if let Some(driver) = driver {
            driver.wake();
        }
        Ok(Abandon { calls: self, seq })
    }

    /// Asks the driver to send what is left and to close.
    pub(super) fn begin_close(&self) {
        let mut shared = self.lock();
        shared.closing = true;
        let driver = shared.driver.take();
        drop(shared);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Moves what is to be sent into `buffer`, which is empty, and remembers whom to wake.
    pub(super) fn take_work(&self, buffer: &mut Vec<u8>, driver: &Waker) -> Work {
        let mut shared = self.lock();
        shared.driver = Some(driver.clone());
        std::mem::swap(&mut shared.out, buffer);
        if shared.closing && buffer.is_empty() {
            Work::Close
        } else {
            Work::Send
        }
    }

    /// Takes the caller of a reply out, if it still waits.
    fn take(&self, seq: u64) -> Option<Waiting> {
        self.lock().waiting.remove(&seq)
    }

    /// Gives a reply to whom it belongs. One that nobody waits for was abandoned.
    pub(super) fn complete(&self, reply: ReplyMessage<'_, '_>) {
        let Some(waiting) = self.take(reply.seq) else {
            return;
        };
        let mut body = reply.body;
        waiting.caller.complete(if reply.error.is_empty() {
            Ok(&mut body)
        } else {
            let error = ServerError::from(reply.error.into_owned());
            Err(CallError::Server(error))
        });
    }

    /// Ends every call, those that wait and those to come.
    pub(super) fn lose(&self, why: Lost) {
        let mut shared = self.lock();
        let why = shared.lost.get_or_insert(why).clone();
        let waiting = std::mem::take(&mut shared.waiting);
        shared.out = Vec::new();
        drop(shared);
        self.permits.close();
        for (_, waiting) in waiting {
            let lost = CallError::ConnectionLost(why.clone());
            waiting.caller.complete(Err(lost));
        }
        self.gone.cancel();
    }

    pub(super) fn why(&self) -> Lost {
        self.lock().lost.clone().unwrap_or(Lost::ClosedHere)
    }

    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.is_cancelled()
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = self.lock();
        f.debug_struct("Calls")
            .field("waiting", &shared.waiting.len())
            .field("lost", &shared.lost)
            .finish_non_exhaustive()
    }
}
