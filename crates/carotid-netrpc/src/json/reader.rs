//! A stream of JSON requests, read.

use std::borrow::Cow;

use crate::answer::Answer;
use crate::argument::Argument;
use crate::codec::{Call, CallId, Incoming};
use crate::error::{ServerError, WireError};
use crate::json::batch::{Batches, Elements, MAX_ELEMENTS};
use crate::json::id::JsonId;
use crate::json::request::{Asked, Request};
use crate::json::value::{Value, Values};
use crate::json::writer::{self, Code};

/// Names a call in its reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JsonCallId {
    Go(JsonId),
    Two(JsonId),
    /// A call of this batch.
    Element(u32, JsonId),
    /// A notification is not answered.
    Notification,
}

/// The server's end of a connection that speaks JSON.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    values: Values,
    elements: Option<Box<Elements>>,
    batches: Option<Box<Batches>>,
    /// Whether the peer has spoken JSON-RPC 2.0, and so understands its errors.
    speaks_two: bool,
    /// What ends the stream when the peer has been told.
    failed: Option<Box<WireError>>,
    /// What was given out to be sent, until the next poll.
    sending: Vec<u8>,
}

/// What came in, with nothing borrowed from the reader.
#[derive(Debug)]
enum Given<'i> {
    Call(Call<'i, 'i>),
    Send(Vec<u8>),
}

impl Reader {
    /// The next request; `None` when `input` is used up before there is one. Requests of more
    /// than `limit` bytes are refused.
    pub(crate) fn poll<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
        limit: usize,
    ) -> Result<Option<Incoming<'s, 'i>>, WireError> {
        self.sending = Vec::new();
        Ok(match self.next(input, limit)? {
            Some(Given::Call(call)) => Some(Incoming::Call(call)),
            Some(Given::Send(bytes)) => {
                self.sending = bytes;
                Some(Incoming::Send(&self.sending))
            }
            None => None,
        })
    }

    fn next<'i>(
        &mut self,
        input: &mut &'i [u8],
        limit: usize,
    ) -> Result<Option<Given<'i>>, WireError> {
        loop {
            if let Some(error) = self.failed.take() {
                return Err(*error);
            }
            if self.elements.is_some() {
                if let Some(given) = self.next_element(input, limit) {
                    return Ok(Some(given));
                }
                if self.elements.is_some() {
                    return Ok(None);
                }
                continue;
            }
            let before = *input;
            let value = match self.values.poll(input, limit) {
                Ok(Some(value)) => value,
                Ok(None) => return Ok(None),
                Err(error) => return self.refuse(error).map(Some),
            };
            if value.text.starts_with('[') {
                // The closing bracket is given back, and taken again with the last element, so
                // that whoever stops in between sees that there is more.
                let closing = before.len() - input.len() - 1;
                if let Some(refusal) = self.begin_batch(value) {
                    return Ok(Some(refusal));
                }
                *input = &before[closing..];
                continue;
            }
            return self.request(value).map(Some);
        }
    }

    /// Whether the peer has spoken JSON-RPC 2.0.
    pub(crate) const fn speaks_two(&self) -> bool {
        self.speaks_two
    }

    /// Appends the reply to a call.
    pub(crate) fn reply(
        &mut self,
        out: &mut Vec<u8>,
        id: &JsonCallId,
        limit: usize,
        outcome: Result<&Answer, &ServerError>,
    ) {
        match id {
            JsonCallId::Go(id) => writer::go(out, id, outcome),
            JsonCallId::Two(id) => {
                writer::two(out, id, outcome);
                out.push(b'\n');
            }
            JsonCallId::Element(batch, id) => {
                let batches = self.batches.as_mut();
                let answer = batches.and_then(|all| all.reply(*batch, limit, id, outcome));
                out.extend_from_slice(&answer.unwrap_or_default());
            }
            JsonCallId::Notification => {}
        }
    }

    fn request<'i>(&mut self, value: Value<'i>) -> Result<Given<'i>, WireError> {
        let request = match &value.text {
            Cow::Borrowed(text) => Request::read(text)?,
            Cow::Owned(text) => Request::read(text)?.into_owned(),
        };
        Ok(match request {
            Request::Go(asked, id) => call(asked, JsonCallId::Go(id)),
            Request::Two(asked, id) => {
                self.speaks_two = true;
                let id = id.map_or(JsonCallId::Notification, JsonCallId::Two);
                call(asked, id)
            }
            Request::Invalid(id, why) => {
                self.speaks_two = true;
                complaint(&id, Code::Invalid, why)
            }
        })
    }

    /// Begins to give out a batch, unless it is refused as a whole.
    fn begin_batch(&mut self, array: Value<'_>) -> Option<Given<'static>> {
        self.speaks_two = true;
        let Value { text, commas } = array;
        if commas == 0 && text[1..text.len() - 1].trim_ascii().is_empty() {
            let why = "the batch is empty";
            return Some(complaint(&JsonId::Null, Code::Invalid, why));
        }
        if commas >= MAX_ELEMENTS {
            let why = format!("the batch has more than {MAX_ELEMENTS} requests");
            return Some(complaint(&JsonId::Null, Code::Invalid, &why));
        }
        let Some(batch) = self.batches.get_or_insert_default().begin() else {
            let why = "too many batches wait for their calls";
            return Some(complaint(&JsonId::Null, Code::Server, why));
        };
        self.elements = Some(Box::new(Elements::new(text, batch)));
        None
    }

    /// The next call of a batch, or its answer if no call is left to wait for; `None` when it
    /// has been given out, or when its closing bracket has not come back.
    fn next_element(&mut self, input: &mut &[u8], limit: usize) -> Option<Given<'static>> {
        let elements = self.elements.as_mut()?;
        let batch = elements.batch;
        let batches = self.batches.get_or_insert_default();
        while let Some(element) = elements.next() {
            match Request::read_element(element).into_owned() {
                Request::Two(asked, Some(id)) => {
                    batches.expect_reply(batch);
                    return Some(call(asked, JsonCallId::Element(batch, id)));
                }
                Request::Two(asked, None) => {
                    return Some(call(asked, JsonCallId::Notification));
                }
                Request::Invalid(id, why) => batches.invalid(batch, limit, &id, why),
                Request::Go(..) => {}
            }
        }
        let (_, rest) = input.split_first()?;
        *input = rest;
        self.elements = None;
        let answer = batches.complete(batch)?;
        Some(Given::Send(answer))
    }

    /// Tells a peer that understands it why its stream ends here.
    fn refuse(&mut self, error: WireError) -> Result<Given<'static>, WireError> {
        let so_far = self.values.so_far();
        let names_it = || so_far.windows(9).any(|window| window == b"\"jsonrpc\"");
        if !(self.speaks_two || so_far.starts_with(b"[") || names_it()) {
            return Err(error);
        }
        let code = if matches!(error, WireError::BadJson) {
            Code::Parse
        } else {
            Code::Invalid
        };
        let complaint = complaint(&JsonId::Null, code, &error.to_string());
        self.failed = Some(Box::new(error));
        Ok(complaint)
    }
}

fn call<'i>(asked: Asked<'i>, id: JsonCallId) -> Given<'i> {
    Given::Call(Call {
        method: asked.method,
        id: CallId::json(id),
        argument: Argument::json(asked.params),
    })
}

/// An error that answers no call.
fn complaint(id: &JsonId, code: Code, why: &str) -> Given<'static> {
    let mut out = Vec::new();
    writer::two_error(&mut out, id, code, why);
    out.push(b'\n');
    Given::Send(out)
}
