//! A call's argument (or, at the client, a reply), still on the wire.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use crate::error::ArgumentError;
use crate::frame::Frame;
use crate::gob::convert::{FromGob, Received};
use crate::gob::dynamic::error::ValueError;
use crate::gob::types::Types;
use crate::json::params::Params;

/// A type that methods take: gob and JSON both know how to read it.
///
/// Go fills in what a message leaves out with zero values; gob does so by itself, for JSON say
/// `#[serde(default)]` (`null` is a zero value by itself, but a struct's is to have no fields). The names of fields are Go's: `#[gob(name = "A")]`,
/// `#[serde(rename = "A")]`. A method that takes whatever comes takes a
/// [`Dynamic`](crate::Dynamic).
pub trait Parameter: FromGob + Default + DeserializeOwned {}

impl<T: FromGob + Default + DeserializeOwned> Parameter for T {}

/// One call's argument, still on the wire.
///
/// It can be looked at any number of times.
#[derive(Debug)]
pub struct Argument<'a>(Form<'a>);

#[derive(Debug)]
enum Form<'a> {
    /// A string: the last `length` bytes of the message.
    GobText { message: Frame<'a>, length: usize },
    /// A value of one of the peer's types.
    GobValue {
        message: Frame<'a>,
        types: &'a mut Types,
    },
    /// The value could not be read.
    GobBroken(ValueError),
    /// The `params` of a JSON request, or the result of a JSON reply.
    Json(Params<'a>),
}

impl<'a> Argument<'a> {
    pub(crate) fn gob_text(message: Frame<'a>, length: usize) -> Self {
        Self(Form::GobText { message, length })
    }

    pub(crate) fn gob_value(types: &'a mut Types, message: Frame<'a>) -> Self {
        Self(Form::GobValue { message, types })
    }

    pub(crate) fn gob_broken(error: ValueError) -> Self {
        Self(Form::GobBroken(error))
    }

    pub(crate) fn json(params: Params<'a>) -> Self {
        Self(Form::Json(params))
    }

    /// The argument as a string: a gob string, or a JSON string as first element of `params`
    /// (of JSON-RPC 2.0: as its only one).
    /// A gob string is not copied.
    ///
    /// # Errors
    ///
    /// The argument is not a string, is not UTF-8, or is missing.
    pub fn as_str(&mut self) -> Result<Cow<'_, str>, ArgumentError> {
        match &mut self.0 {
            Form::GobText { message, length } => {
                let text = &message[message.len() - *length..];
                let text = std::str::from_utf8(text).map_err(|_| ArgumentError::NotUtf8)?;
                Ok(Cow::Borrowed(text))
            }
            Form::GobValue { message, types } => {
                let types = Some(&mut **types);
                String::from_gob(Received { types, message }).map(Cow::Owned)
            }
            Form::GobBroken(error) => Err((*error).into()),
            Form::Json(params) => params.text(),
        }
    }

    /// Whether the argument is a gob string of exactly this text; cheaper than to read it. A string in
    /// JSON has to be read.
    pub fn is_text(&self, text: &str) -> bool {
        match &self.0 {
            Form::GobText { message, length } => {
                message[message.len() - *length..] == *text.as_bytes()
            }
            Form::GobValue { .. } | Form::GobBroken(_) | Form::Json(_) => false,
        }
    }

    /// The argument as a value of type `T`.
    ///
    /// # Errors
    ///
    /// The argument does not fit `T`, or is missing.
    pub fn decode<T: Parameter>(&mut self) -> Result<T, ArgumentError> {
        match &self.0 {
            Form::Json(params) => params.value(),
            Form::GobText { .. } | Form::GobValue { .. } | Form::GobBroken(_) => self.decode_gob(),
        }
    }

    /// The argument as a value that only gob knows.
    pub(crate) fn decode_gob<T: FromGob>(&mut self) -> Result<T, ArgumentError> {
        match &mut self.0 {
            Form::GobText { message, .. } => T::from_gob(Received {
                types: None,
                message,
            }),
            Form::GobValue { message, types } => T::from_gob(Received {
                types: Some(types),
                message,
            }),
            Form::GobBroken(error) => Err((*error).into()),
            Form::Json(_) => Err(ArgumentError::MissingParams),
        }
    }

    /// The result of a JSON reply, as a value that only JSON knows.
    pub(crate) fn decode_json<T: DeserializeOwned>(&self) -> Result<T, ArgumentError> {
        match &self.0 {
            Form::Json(params) => params.whole(),
            Form::GobText { .. } | Form::GobValue { .. } | Form::GobBroken(_) => {
                Err(ArgumentError::MissingParams)
            }
        }
    }
}
