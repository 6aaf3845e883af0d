//! One JSON request, in the dialect it says it is in: JSON-RPC 2.0 if it has
//! `"jsonrpc":"2.0"`, else that of Go's `net/rpc/jsonrpc`.
//!
//! Go finds fields whatever the case of their letters; JSON-RPC 2.0 does not. In both the last
//! of several wins.

use std::borrow::Cow;

use crate::error::WireError;
use crate::json::id::{JsonId, MAX_ID};
use crate::json::object::{each_field, text};
use crate::json::params::Params;

/// A request, or what should be one.
#[derive(Debug)]
pub(crate) enum Request<'i> {
    /// Of Go's dialect.
    Go(Asked<'i>, JsonId),
    /// Of JSON-RPC 2.0; without an id it is a notification.
    Two(Asked<'i>, Option<JsonId>),
    /// Not a request, and why.
    Invalid(JsonId, &'static str),
}

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct Asked<'i> {
    pub(crate) method: Cow<'i, str>,
    pub(crate) params: Params<'i>,
}

impl<'i> Request<'i> {
    /// Reads an object that stands alone.
    pub(crate) fn read(object: &'i str) -> Result<Self, WireError> {
        let envelope = Envelope::read(object).map_err(|_| WireError::BadJson)?;
        if envelope.two {
            Ok(Self::two(&envelope.exact))
        } else {
            Self::go(&envelope.folded)
        }
    }

    /// Reads an element of a batch, of which Go's dialect knows nothing.
    pub(crate) fn read_element(element: &'i str) -> Self {
        match Envelope::read(element) {
            Ok(envelope) if envelope.two => Self::two(&envelope.exact),
            Ok(_) => Self::Invalid(JsonId::Null, "\"jsonrpc\" is not \"2.0\""),
            Err(_) => Self::Invalid(JsonId::Null, "it is not an object"),
        }
    }

    fn go(fields: &Fields<'i>) -> Result<Self, WireError> {
        // As in Go, a request without a method is well-formed, and its method is not found.
        let method = text(given(fields.method).unwrap_or("\"\"")).ok_or(WireError::BadJson)?;
        let id = JsonId::new(fields.id.unwrap_or("null"));
        let id = id.ok_or(WireError::LongId { limit: MAX_ID })?;
        let params = Params::go(given(fields.params));
        Ok(Self::Go(Asked { method, params }, id))
    }

    fn two(fields: &Fields<'i>) -> Self {
        let id = match fields.id {
            None => None,
            Some(id) if id == "null" || id.starts_with(['"', '-']) || starts_with_digit(id) => {
                let Some(id) = JsonId::new(id) else {
                    return Self::Invalid(JsonId::Null, "the id has more than 1024 bytes");
                };
                Some(id)
            }
            Some(_) => {
                let why = "the id is neither a string nor a number nor null";
                return Self::Invalid(JsonId::Null, why);
            }
        };
        let Some(method) = fields.method.and_then(text) else {
            return Self::Invalid(id.unwrap_or(JsonId::Null), "the method is not a string");
        };
        let params = match given(fields.params) {
            None => None,
            Some(params) if params.starts_with(['[', '{']) => Some(params),
            Some(_) => {
                let why = "the params are neither an array nor an object";
                return Self::Invalid(id.unwrap_or(JsonId::Null), why);
            }
        };
        let params = Params::two(params);
        Self::Two(Asked { method, params }, id)
    }

    /// The same request, no longer borrowed from the input.
    pub(crate) fn into_owned(self) -> Request<'static> {
        match self {
            Self::Go(asked, id) => Request::Go(asked.into_owned(), id),
            Self::Two(asked, id) => Request::Two(asked.into_owned(), id),
            Self::Invalid(id, why) => Request::Invalid(id, why),
        }
    }
}

impl Asked<'_> {
    fn into_owned(self) -> Asked<'static> {
        Asked {
            method: Cow::Owned(self.method.into_owned()),
            params: self.params.into_owned(),
        }
    }
}

/// What is `null` is not there.
fn given(value: Option<&str>) -> Option<&str> {
    value.filter(|value| *value != "null")
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

#[derive(Debug, Default)]
struct Envelope<'i> {
    two: bool,
    /// The fields that are written just so.
    exact: Fields<'i>,
    /// The fields by Go's rule.
    folded: Fields<'i>,
}

/// The JSON texts of a request's fields.
#[derive(Debug, Default)]
struct Fields<'i> {
    method: Option<&'i str>,
    params: Option<&'i str>,
    id: Option<&'i str>,
}

impl<'i> Envelope<'i> {
    fn read(object: &'i str) -> Result<Self, serde_json::Error> {
        let mut envelope = Self::default();
        each_field(object, |name, value| {
            envelope.exact.set(value, |field| field == name);
            envelope
                .folded
                .set(value, |field| field.eq_ignore_ascii_case(name));
            if name == "jsonrpc" {
                envelope.two = text(value).is_some_and(|version| version == "2.0");
            }
        })?;
        Ok(envelope)
    }
}

impl<'i> Fields<'i> {
    fn set(&mut self, value: &'i str, is: impl Fn(&str) -> bool) {
        let field = match () {
            () if is("method") => &mut self.method,
            () if is("params") => &mut self.params,
            () if is("id") => &mut self.id,
            () => return,
        };
        *field = Some(value);
    }
}
