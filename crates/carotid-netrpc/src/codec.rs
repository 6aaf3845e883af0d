//! Both ends of a connection as state machines: bytes in, calls or replies out, bytes out.
//!
//! Nothing here reads a socket or waits. `poll` is given a chunk of input and called until it
//! returns `None`; what it yields is borrowed from the chunk wherever that holds it whole.

use std::borrow::Cow;

use crate::answer::Answer;
use crate::argument::Argument;
use crate::detect::{Protocol, detect};
use crate::error::{ServerError, WireError};
use crate::http::{self, Head};
use crate::{gob, json};

/// What came in.
#[derive(Debug)]
pub enum Incoming<'s, 'i> {
    /// A call to be answered.
    Call(Call<'s, 'i>),
    /// Bytes to be sent at once.
    Send(&'static [u8]),
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
    Json(Box<str>),
}

/// The server's end of one connection, in whichever protocol the peer begins with.
#[derive(Debug)]
pub struct ServerCodec {
    state: State,
    max_message: usize,
}

#[derive(Debug)]
enum State {
    /// Nothing but at most one byte has come.
    New(Option<u8>),
    Http(Head),
    Gob(Box<GobEnd>),
    Json(json::reader::Reader),
}

#[derive(Debug)]
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
            self.state = self.gob();
            return Ok(Some(Incoming::Send(http::CONNECTED)));
        }
        match &mut self.state {
            State::Gob(end) => {
                let message = end.reader.poll(input)?;
                Ok(message.map(|message| {
                    Incoming::Call(Call {
                        method: message.header.method,
                        id: CallId(Id::Gob(message.header.seq)),
                        argument: message.body,
                    })
                }))
            }
            State::Json(reader) => {
                let request = reader.poll(input)?;
                Ok(request.map(|request| {
                    Incoming::Call(Call {
                        method: request.method,
                        id: CallId(Id::Json(request.id)),
                        argument: request.argument,
                    })
                }))
            }
            State::New(_) | State::Http(_) => Ok(None),
        }
    }

    /// Appends the reply to a call. An answer that cannot be written becomes an error.
    pub fn reply(
        &mut self,
        out: &mut Vec<u8>,
        method: &str,
        id: &CallId,
        outcome: Result<&Answer, &ServerError>,
    ) {
        match (&mut self.state, &id.0) {
            (State::Gob(end), Id::Gob(seq)) => {
                let failed = match outcome {
                    Ok(answer) => end.answer(out, method, *seq, answer).err(),
                    Err(error) => return end.writer.error(out, method, *seq, error.text()),
                };
                if let Some(error) = failed {
                    end.writer.error(out, method, *seq, &error.to_string());
                }
            }
            (State::Json(_), Id::Json(id)) => {
                let failed = match outcome {
                    Ok(answer) => json::writer::value(out, id, answer).err(),
                    Err(error) => return json::writer::error(out, id, error.text()),
                };
                if let Some(error) = failed {
                    json::writer::error(out, id, &error.to_string());
                }
            }
            // An id of another connection names no call of this one.
            (State::New(_) | State::Http(_) | State::Gob(_) | State::Json(_), _) => {}
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
            Protocol::Gob => self.gob(),
            Protocol::Json => State::Json(json::reader::Reader::new(self.max_message)),
            Protocol::Http => State::Http(Head::default()),
        };
        if let Some(first) = held {
            state.push_first(first)?;
        }
        Ok(Some(state))
    }

    fn gob(&self) -> State {
        State::Gob(Box::new(GobEnd {
            reader: gob::reader::Reader::new(self.max_message),
            writer: gob::writer::Writer::default(),
        }))
    }
}

impl State {
    /// Gives the byte that was held back; no message of any protocol is that short.
    fn push_first(&mut self, first: u8) -> Result<(), WireError> {
        let byte = [first];
        let mut input = &byte[..];
        match self {
            Self::Gob(end) => end.reader.poll(&mut input).map(drop),
            Self::Json(reader) => reader.poll(&mut input).map(drop),
            Self::Http(head) => head.poll(&mut input).map(drop),
            Self::New(_) => Ok(()),
        }
    }
}

impl GobEnd {
    fn answer(
        &mut self,
        out: &mut Vec<u8>,
        method: &str,
        seq: u64,
        answer: &Answer,
    ) -> Result<(), gobwire::Error> {
        if let Some(text) = answer.as_text() {
            self.writer.text(out, method, seq, text);
            return Ok(());
        }
        self.writer.value(out, method, seq, |encoder, out| {
            answer.put_gob(encoder, out)
        })
    }
}

/// One reply.
#[derive(Debug)]
pub struct ReplyMessage<'s, 'i> {
    /// The number its call was sent with.
    pub seq: u64,
    /// The method's error; empty if there is none.
    pub error: Cow<'i, str>,
    /// The method's answer; meaningless with an error.
    pub body: Argument<'s>,
}

/// The reading half of a client's end. Clients speak gob.
#[derive(Debug)]
pub struct ReplyReader {
    reader: gob::reader::Reader,
}

impl ReplyReader {
    /// A reader that refuses messages of more than `max_message` bytes.
    pub fn new(max_message: usize) -> Self {
        Self {
            reader: gob::reader::Reader::new(max_message),
        }
    }

    /// The next reply; `None` when `input` is used up before there is one.
    ///
    /// # Errors
    ///
    /// The stream cannot be read any further; its connection should be closed.
    pub fn poll<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<ReplyMessage<'s, 'i>>, WireError> {
        let message = self.reader.poll(input)?;
        Ok(message.map(|message| ReplyMessage {
            seq: message.header.seq,
            error: message.header.error,
            body: message.body,
        }))
    }
}

/// The writing half of a client's end.
#[derive(Debug, Default)]
pub struct CallWriter {
    writer: gob::writer::Writer,
}

impl CallWriter {
    /// A writer at the beginning of its stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a call.
    ///
    /// # Errors
    ///
    /// The argument has no gob form; nothing was appended.
    pub fn call(
        &mut self,
        out: &mut Vec<u8>,
        method: &str,
        seq: u64,
        argument: &(impl gobwire::Encode + ?Sized),
    ) -> Result<(), gobwire::Error> {
        self.writer.request(out, method, seq, argument)
    }
}
