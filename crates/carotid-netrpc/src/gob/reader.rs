//! A gob stream of net/rpc, read: headers with their bodies.

use crate::argument::Argument;
use crate::error::WireError;
use crate::frame::{Frame, Frames};
use crate::gob::dynamic::error::ValueError;
use crate::gob::header::{self, Header, Plan};
use crate::gob::ids;
use crate::gob::number::{take_bytes, take_int, take_uint};
use crate::gob::types::{Accepted, Types};

/// Header types per connection. Go uses one; finding the definition of another costs time.
const MAX_HEADER_TYPES: u8 = 4;

/// A header and its body: a call at the server, a reply at the client.
#[derive(Debug)]
pub(crate) struct Message<'s, 'i> {
    pub(crate) header: Header<'i>,
    pub(crate) body: Argument<'s>,
}

/// Reads one direction of one connection.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    frames: Frames,
    types: Types,
    plan: Option<(i64, Plan)>,
    header_types: u8,
    /// A header whose body has not come yet.
    waiting: Option<Box<Header<'static>>>,
}

impl Reader {
    /// The next header with its body; `None` when `input` is used up before there is one.
    /// Messages of more than `limit` bytes are refused.
    pub(crate) fn poll<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
        limit: usize,
    ) -> Result<Option<Message<'s, 'i>>, WireError> {
        let mut header = self.waiting.take().map(|header| *header);
        let accepted = loop {
            let Some(frame) = self.frames.poll(input, limit)? else {
                self.waiting = header.map(|header| Box::new(header.into_owned()));
                return Ok(None);
            };
            if !self.types.expects_more() {
                let mut rest = &frame[..];
                let id = take_int(&mut rest)?;
                if id < 0 {
                    self.types.define(&frame, limit)?;
                    continue;
                }
                if header.is_none() {
                    let skip = frame.len() - rest.len();
                    header = Some(self.header(frame, id, skip, limit)?);
                    continue;
                }
                if let Some(text) = text_of(&frame, id, rest) {
                    break Body::Text(frame, text);
                }
            }
            match self.types.accept(frame, limit)? {
                Accepted::Whole(frame) => break Body::Value(frame),
                Accepted::Continues => {}
                Accepted::Broken(error) => break Body::Broken(error),
            }
        };
        let body = match accepted {
            Body::Text(frame, length) => Argument::gob_text(frame, length),
            Body::Value(message) => Argument::gob_value(&mut self.types, message),
            Body::Broken(error) => Argument::gob_broken(error),
        };
        let header = header.expect("a body is only accepted after its header");
        Ok(Some(Message { header, body }))
    }

    fn header<'i>(
        &mut self,
        frame: Frame<'i>,
        id: i64,
        skip: usize,
        limit: usize,
    ) -> Result<Header<'i>, WireError> {
        if self.plan.as_ref().is_none_or(|(known, _)| *known != id) {
            self.header_types += 1;
            if self.header_types > MAX_HEADER_TYPES {
                return Err(WireError::HeaderTypes);
            }
            let fields = self.types.struct_fields(id)?;
            self.plan = Some((id, Plan::new(&fields.ok_or(WireError::NotAHeader)?)?));
        }
        match &self.plan {
            Some((_, Plan::Plain(plan))) => header::read(plan, &frame, skip),
            Some((_, Plan::Foreign)) | None => Ok(self.types.foreign_header(frame, limit)?.into()),
        }
    }
}

enum Body<'i> {
    /// A string of this many bytes at the end of the frame.
    Text(Frame<'i>, usize),
    Value(Frame<'i>),
    Broken(ValueError),
}

/// The length of the string that is the whole of this message, if that is what it is.
fn text_of(frame: &Frame<'_>, id: i64, mut rest: &[u8]) -> Option<usize> {
    if id != ids::STRING || take_uint(&mut rest).ok()? != 0 {
        return None;
    }
    let text = take_bytes(&mut rest).ok()?;
    (rest.is_empty() && frame.ends_with(text)).then_some(text.len())
}

#[cfg(test)]
mod tests;
