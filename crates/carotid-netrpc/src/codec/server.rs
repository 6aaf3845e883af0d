//! The server's end.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::answer::Answer;
use crate::argument::Argument;
use crate::detect::{Beginning, detect};
use crate::error::{ServerError, WireError};
use crate::gob::misfit::without_modules;
use crate::http::{self, Head};
use crate::json::reader::JsonCallId;
use crate::protocol::Protocol;
use crate::{gob, json};

/// What came in.
#[derive(Debug)]
pub enum Incoming<'s, 'i> {
    /// A call to be answered.
    Call(Call<'s, 'i>),
    /// Bytes to be sent at once: they answer what was not a call.
    Send(&'s [u8]),
}

/// One call.
#[derive(Debug)]
pub struct Call<'s, 'i> {
    /// `Service.Method`, as the peer wrote it.
    pub method: Cow<'i, str>,
    /// Names the call in its reply.
    pub id: CallId,
    /// The argument.
    pub argument: Argument<'s>,
}

/// Names a call among those of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallId(Id);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Id {
    Gob(u64),
    Json(JsonCallId),
}

impl CallId {
    pub(crate) fn json(id: JsonCallId) -> Self {
        Self(Id::Json(id))
    }
}

/// The server's end of one connection, in whichever protocol the peer begins with.
#[derive(Debug)]
pub struct ServerCodec {
    state: State,
    max_message: usize,
}

/// All but the first is on the heap, so that a connection holds no room for what it is not.
#[derive(Debug)]
enum State {
    /// Nothing but at most one byte has come.
    New(Option<u8>),
    Http(Box<Head>),
    Gob(Box<GobEnd>),
    /// The same after an HTTP `CONNECT`.
    GobOverHttp(Box<GobEnd>),
    Json(Box<json::reader::Reader>),
}

#[derive(Debug, Default)]
struct GobEnd {
    reader: gob::reader::Reader,
    writer: gob::writer::Writer,
}

impl ServerCodec {
    /// A codec that refuses messages of more than `max_message` bytes.
    pub fn new(max_message: usize) -> Self {
        Self {
            state: State::New(None),
            max_message,
        }
    }

    /// What the peer speaks, as far as it has shown: `None` before its first bytes, and while an HTTP
    /// request is not complete. A peer that sends JSON may turn out to mean JSON-RPC 2.0.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        match &self.state {
            State::New(_) | State::Http(_) => None,
            State::Gob(_) => Some(Protocol::Gob),
            State::GobOverHttp(_) => Some(Protocol::GobOverHttp),
            State::Json(reader) if reader.speaks_two() => Some(Protocol::JsonRpc),
            State::Json(_) => Some(Protocol::Json),
        }
    }

    /// The next call; `None` when `input` is used up before there is one.
    ///
    /// # Errors
    ///
    /// The stream cannot be read any further; its connection should be closed after
    /// [`WireError::refusal`] has been sent.
    pub fn poll<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Incoming<'s, 'i>>, WireError> {
        if let State::New(held) = self.state {
            match self.begin(held, input)? {
                Some(state) => self.state = state,
                None => return Ok(None),
            }
        }
        if let State::Http(head) = &mut self.state {
            let Some(head) = head.poll(input)? else {
                return Ok(None);
            };
            http::check_request(&head)?;
            self.state = State::GobOverHttp(Box::default());
            return Ok(Some(Incoming::Send(http::CONNECTED)));
        }
        match &mut self.state {
            State::Gob(end) | State::GobOverHttp(end) => {
                let message = end.reader.poll(input, self.max_message)?;
                Ok(message.map(|message| {
                    Incoming::Call(Call {
                        method: message.header.method,
                        id: CallId(Id::Gob(message.header.seq)),
                        argument: message.body,
                    })
                }))
            }
            State::Json(reader) => reader.poll(input, self.max_message),
            State::New(_) | State::Http(_) => Ok(None),
        }
    }

    /// Appends the reply to a call, if anything is to be sent now: a notification is not
    /// answered, a batch when its last call is. An answer that cannot be written becomes an
    /// error. Each call is to be answered once.
    pub fn reply(
        &mut self,
        out: &mut Vec<u8>,
        method: &str,
        id: &CallId,
        outcome: Result<&Answer, &ServerError>,
    ) {
        match (&mut self.state, &id.0) {
            (State::Gob(end) | State::GobOverHttp(end), Id::Gob(seq)) => {
                let text = match outcome {
                    Ok(answer) => end.answer(out, method, *seq, answer).map_err(Cow::Owned),
                    Err(error) => Err(Cow::Borrowed(error.text())),
                };
                if let Err(text) = text {
                    end.writer.error(out, method, *seq, &text);
                }
            }
            (State::Json(reader), Id::Json(id)) => {
                reader.reply(out, id, self.max_message, outcome);
            }
            // An id of another connection names no call of this one.
            (
                State::New(_)
                | State::Http(_)
                | State::Gob(_)
                | State::GobOverHttp(_)
                | State::Json(_),
                _,
            ) => {}
        }
    }

    fn begin(&mut self, held: Option<u8>, input: &mut &[u8]) -> Result<Option<State>, WireError> {
        let (first, second) = match (held, *input) {
            (_, []) => return Ok(None),
            (None, &[first]) => {
                self.state = State::New(Some(first));
                *input = &[];
                return Ok(None);
            }
            (None, &[first, second, ..]) | (Some(first), &[second, ..]) => (first, second),
        };
        let mut state = match detect(first, second)? {
            Beginning::Gob => State::Gob(Box::default()),
            Beginning::Json => State::Json(Box::default()),
            Beginning::Http => State::Http(Box::default()),
        };
        if let Some(first) = held {
            state.push_first(first, self.max_message)?;
        }
        Ok(Some(state))
    }
}

impl State {
    /// Gives the byte that was held back; no message of any protocol is that short.
    fn push_first(&mut self, first: u8, max_message: usize) -> Result<(), WireError> {
        let byte = [first];
        let mut input = &byte[..];
        match self {
            Self::Gob(end) | Self::GobOverHttp(end) => {
                end.reader.poll(&mut input, max_message).map(drop)
            }
            Self::Json(reader) => reader.poll(&mut input, max_message).map(drop),
            Self::Http(head) => head.poll(&mut input).map(drop),
            Self::New(_) => Ok(()),
        }
    }
}

impl GobEnd {
    /// Appends an answer; the error is what to say instead.
    fn answer(
        &mut self,
        out: &mut Vec<u8>,
        method: &str,
        seq: u64,
        answer: &Answer,
    ) -> Result<(), String> {
        if let Some(text) = answer.as_text() {
            self.writer.text(out, method, seq, text);
            return Ok(());
        }
        // The answer's own `Encode` may panic, which is no affair of the connection's other
        // calls.
        let written = catch_unwind(AssertUnwindSafe(|| {
            self.writer.value(out, method, seq, answer)
        }));
        match written {
            Ok(written) => written.map_err(|error| without_modules(&error)),
            Err(_) => Err("rpc: writing the reply panicked".to_owned()),
        }
    }
}
