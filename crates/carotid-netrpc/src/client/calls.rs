//! What a client's callers and its driver share: calls to be sent, calls that wait.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::argument::Argument;
use crate::client::pending::Sender;
use crate::client::{CallError, EncodeError, Lost};
use crate::codec::{CallWriter, ReplyMessage};
use crate::error::ServerError;
use crate::gob::convert::FromGob;
use crate::options::Options;

/// Shared by a client and its driver.
pub(super) struct Calls {
    pub(super) options: Options,
    permits: Arc<Semaphore>,
    /// Cancelled when every call has been told.
    gone: CancellationToken,
    /// Set before the first call is told, so that nobody whose call is lost finds the client
    /// open. It does not need the lock, which a caller's own `Encode` may hold for long.
    lost: AtomicBool,
    shared: Mutex<Shared>,
}

struct Shared {
    writer: CallWriter,
    /// Encoded calls that the driver has not taken.
    out: Vec<u8>,
    /// Sent, and not answered.
    unanswered: HashMap<u64, Unanswered>,
    next_seq: u64,
    closing: bool,
    lost: Option<Lost>,
    driver: Option<Waker>,
}

/// A call that the server may still carry out.
struct Unanswered {
    /// None once its caller went away. The server counts the call all the same, and reads no
    /// further one at its own limit; so it keeps what it holds.
    waiting: Option<Waiting>,
    /// Leave to be in flight.
    _permit: OwnedSemaphorePermit,
    /// What else is held until the reply comes.
    held: Vec<Box<dyn Send>>,
}

/// Who waits for a reply.
pub(super) struct Waiting(Box<dyn Caller>);

/// A caller whose reply type is forgotten.
trait Caller: Send {
    fn complete(self: Box<Self>, body: Result<&mut Argument<'_>, CallError>);
}

struct Gob<R>(Sender<R>);

impl<R: FromGob + Send> Caller for Gob<R> {
    fn complete(self: Box<Self>, body: Result<&mut Argument<'_>, CallError>) {
        let outcome = body.and_then(|body| body.decode_gob().map_err(CallError::Reply));
        // Nobody waits any more; that is the caller's right.
        let _ = self.0.send(outcome);
    }
}

struct Json<R>(Sender<R>);

impl<R: DeserializeOwned + Send> Caller for Json<R> {
    fn complete(self: Box<Self>, body: Result<&mut Argument<'_>, CallError>) {
        let outcome = body.and_then(|body| body.decode_json().map_err(CallError::Reply));
        let _ = self.0.send(outcome);
    }
}

impl Waiting {
    /// One that takes a reply in gob.
    pub(super) fn gob<R>(caller: Sender<R>) -> Self
    where
        R: FromGob + Send + 'static,
    {
        Self(Box::new(Gob(caller)))
    }

    /// One that takes a reply in JSON.
    pub(super) fn json<R>(caller: Sender<R>) -> Self
    where
        R: DeserializeOwned + Send + 'static,
    {
        Self(Box::new(Json(caller)))
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
            lost: AtomicBool::new(false),
            shared: Mutex::new(Shared {
                writer: CallWriter::new(),
                out: Vec::new(),
                unanswered: HashMap::new(),
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
    pub(super) async fn permit(&self) -> Result<OwnedSemaphorePermit, CallError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        permit.map_err(|_| CallError::ShutDown(self.why()))
    }

    /// Hands a call to the driver, and returns its number.
    ///
    /// gob's types are defined on the stream before their first value, so calls are encoded in
    /// the order in which they are sent: under the lock, for which the driver waits.
    pub(super) fn send(
        &self,
        waiting: Waiting,
        permit: OwnedSemaphorePermit,
        encode: impl FnOnce(&mut CallWriter, &mut Vec<u8>, u64) -> Result<(), EncodeError>,
    ) -> Result<u64, CallError> {
        let mut guard = self.lock();
        let shared = &mut *guard;
        if let Some(lost) = &shared.lost {
            return Err(CallError::ShutDown(lost.clone()));
        }
        if shared.closing {
            return Err(CallError::ShutDown(Lost::ClosedHere));
        }
        let seq = shared.next_seq;
        encode(&mut shared.writer, &mut shared.out, seq).map_err(CallError::Argument)?;
        shared.next_seq += 1;
        let unanswered = Unanswered {
            waiting: Some(waiting),
            _permit: permit,
            held: Vec::new(),
        };
        shared.unanswered.insert(seq, unanswered);
        let driver = shared.driver.take();
        drop(guard);
        if let Some(driver) = driver {
            driver.wake();
        }
        Ok(seq)
    }

    /// Forgets who waits for a call, but not the call.
    pub(super) fn abandon(&self, seq: u64) {
        let mut shared = self.lock();
        let call = shared.unanswered.get_mut(&seq);
        let waiting = call.and_then(|call| call.waiting.take());
        drop(shared);
        drop(waiting);
    }

    /// Holds something until the reply to a call has come, or the connection is lost.
    pub(super) fn hold(&self, seq: u64, held: Box<dyn Send>) {
        let mut shared = self.lock();
        if let Some(call) = shared.unanswered.get_mut(&seq) {
            call.held.push(held);
        } else {
            drop(shared);
            drop(held);
        }
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

    /// Gives a reply to whom it belongs. One that belongs to no call was given before, or never
    /// asked for.
    pub(super) fn complete(&self, reply: ReplyMessage<'_, '_>) {
        let unanswered = self.lock().unanswered.remove(&reply.seq);
        // What it holds is let go when its caller has been told.
        let Some(mut call) = unanswered else {
            return;
        };
        let Some(Waiting(caller)) = call.waiting.take() else {
            return;
        };
        let mut body = reply.body;
        caller.complete(if reply.error.is_empty() {
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
        self.lost.store(true, Ordering::Release);
        let unanswered = std::mem::take(&mut shared.unanswered);
        shared.out = Vec::new();
        drop(shared);
        self.permits.close();
        for mut call in unanswered.into_values() {
            let Some(Waiting(caller)) = call.waiting.take() else {
                continue;
            };
            let lost = CallError::ConnectionLost(why.clone());
            caller.complete(Err(lost));
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
        self.lost.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = self.lock();
        f.debug_struct("Calls")
            .field("unanswered", &shared.unanswered.len())
            .field("lost", &shared.lost)
            .finish_non_exhaustive()
    }
}
