//! The client's end.

use std::borrow::Cow;

use serde::Serialize;

use crate::argument::Argument;
use crate::error::WireError;
use crate::gob::convert::ToGob;
use crate::{gob, json};

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

/// The reading half of a client's end.
#[derive(Debug)]
pub struct ReplyReader {
    protocol: Protocol,
    max_message: usize,
}

#[derive(Debug)]
enum Protocol {
    Gob(Box<gob::reader::Reader>),
    Json(json::reply::ReplyReader),
}

impl ReplyReader {
    /// A reader of gob that refuses messages of more than `max_message` bytes.
    pub fn new(max_message: usize) -> Self {
        Self {
            protocol: Protocol::Gob(Box::default()),
            max_message,
        }
    }

    /// A reader of Go's JSON that refuses messages of more than `max_message` bytes.
    pub fn json(max_message: usize) -> Self {
        Self {
            protocol: Protocol::Json(json::reply::ReplyReader::default()),
            max_message,
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
        match &mut self.protocol {
            Protocol::Gob(reader) => {
                let message = reader.poll(input, self.max_message)?;
                Ok(message.map(|message| ReplyMessage {
                    seq: message.header.seq,
                    error: message.header.error,
                    body: message.body,
                }))
            }
            Protocol::Json(reader) => reader.poll(input, self.max_message),
        }
    }
}

/// The writing half of a client's end.
#[derive(Debug, Default)]
pub struct CallWriter {
    gob: gob::writer::Writer,
}

impl CallWriter {
    /// A writer at the beginning of its stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a call in gob.
    ///
    /// # Errors
    ///
    /// The argument has no gob form; at most definitions were appended.
    pub fn call(
        &mut self,
        out: &mut Vec<u8>,
        method: &str,
        seq: u64,
        argument: &(impl ToGob + ?Sized),
    ) -> Result<(), gobwire::Error> {
        self.gob.request(out, method, seq, argument)
    }

    /// Appends a call in Go's JSON, which knows nothing of the calls before it.
    ///
    /// # Errors
    ///
    /// The argument has no JSON form; nothing was appended.
    pub fn json_call(
        out: &mut Vec<u8>,
        method: &str,
        seq: u64,
        argument: &(impl Serialize + ?Sized),
    ) -> Result<(), serde_json::Error> {
        json::writer::call(out, method, seq, argument)
    }
}
