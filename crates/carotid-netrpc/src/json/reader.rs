//! A stream of JSON requests, read.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::argument::Argument;
use crate::error::WireError;
use crate::json::scan::Scanner;

/// An id is kept while its call runs, so it has a limit of its own.
const MAX_ID: usize = 1024;

/// A request.
#[derive(Debug)]
pub(crate) struct Request<'i> {
    pub(crate) method: Cow<'i, str>,
    /// As it came, to be sent back as it came; `null` if there was none.
    pub(crate) id: Box<str>,
    pub(crate) argument: Argument<'i>,
}

/// Reads one connection.
#[derive(Debug)]
pub(crate) struct Reader {
    scanner: Scanner,
    partial: Vec<u8>,
    limit: usize,
}

#[derive(Deserialize)]
struct Envelope<'i> {
    #[serde(borrow, default)]
    method: Cow<'i, str>,
    #[serde(borrow, default)]
    params: Option<&'i RawValue>,
    #[serde(borrow, default)]
    id: Option<&'i RawValue>,
}

impl Reader {
    /// A reader that refuses requests of more than `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            scanner: Scanner::default(),
            partial: Vec::new(),
            limit,
        }
    }

    /// The next request; `None` when `input` is used up before there is one.
    pub(crate) fn poll<'i>(
        &mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Request<'i>>, WireError> {
        if self.partial.is_empty() {
            *input = &input[Scanner::leading_space(input)..];
        }
        let end = self.scanner.scan(input)?;
        let (taken, rest) = input.split_at(end.unwrap_or(input.len()));
        let size = self.partial.len() + taken.len();
        if size > self.limit {
            return Err(WireError::TooLong {
                size: size as u64,
                limit: self.limit,
            });
        }
        *input = rest;
        if end.is_some() && self.partial.is_empty() {
            return parse(taken).map(Some);
        }
        self.partial.extend_from_slice(taken);
        if end.is_none() {
            return Ok(None);
        }
        let whole = std::mem::take(&mut self.partial);
        parse(&whole).map(|request| Some(request.into_owned()))
    }
}

fn parse(object: &[u8]) -> Result<Request<'_>, WireError> {
    let envelope: Envelope<'_> = serde_json::from_slice(object).map_err(|_| WireError::BadJson)?;
    let id = envelope.id.map_or("null", RawValue::get);
    if id.len() > MAX_ID {
        return Err(WireError::LongId { limit: MAX_ID });
    }
    let params = envelope.params.map(RawValue::get);
    Ok(Request {
        method: envelope.method,
        id: id.into(),
        argument: Argument::json(params.map(Cow::Borrowed)),
    })
}

impl Request<'_> {
    fn into_owned(self) -> Request<'static> {
        Request {
            method: Cow::Owned(self.method.into_owned()),
            id: self.id,
            argument: self.argument.into_owned_json(),
        }
    }
}
