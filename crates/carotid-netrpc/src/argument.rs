//! A call's argument (or, at the client, a reply), still on the wire.

use std::borrow::Cow;

use gobwire::Decoder;
use serde::de::DeserializeOwned;

use crate::error::ArgumentError;
use crate::frame::Frame;
use crate::json;

/// A type that methods take: gob and JSON both know how to read it.
///
/// Go fills in what a message leaves out with zero values; gob does so by itself, for JSON say
/// `#[serde(default)]`. The names of fields are Go's: `#[gob(name = "A")]`,
/// `#[serde(rename = "A")]`.
pub trait Parameter: gobwire::Decode + Default + DeserializeOwned {}

impl<T: gobwire::Decode + Default + DeserializeOwned> Parameter for T {}

/// One call's argument, still on the wire.
///
/// It can be looked at as a string any number of times; a structured gob value can be decoded
/// once.
#[derive(Debug)]
pub struct Argument<'a>(Form<'a>);

#[derive(Debug)]
enum Form<'a> {
    /// A string: the last `length` bytes of the message.
    GobText { message: Frame<'a>, length: usize },
    /// The decoder holds the value.
    GobValue(&'a mut Decoder),
    /// The value could not be read; the error is given out once.
    GobBroken(Option<gobwire::Error>),
    /// The `params` of a JSON request, if it has any.
    Json(Option<Cow<'a, str>>),
}

impl<'a> Argument<'a> {
    pub(crate) fn gob_text(message: Frame<'a>, length: usize) -> Self {
        Self(Form::GobText { message, length })
    }

    pub(crate) fn gob_value(decoder: &'a mut Decoder) -> Self {
        Self(Form::GobValue(decoder))
    }

    pub(crate) fn gob_broken(error: gobwire::Error) -> Self {
        Self(Form::GobBroken(Some(error)))
    }

    pub(crate) fn json(params: Option<Cow<'a, str>>) -> Self {
        Self(Form::Json(params))
    }

    /// The same JSON argument, no longer borrowed from the input.
    pub(crate) fn into_owned_json(self) -> Argument<'static> {
        Argument(Form::Json(match self.0 {
            Form::Json(Some(params)) => Some(Cow::Owned(params.into_owned())),
            Form::Json(None) | Form::GobText { .. } | Form::GobValue(_) | Form::GobBroken(_) => {
                None
            }
        }))
    }

    /// The argument as a string: a gob string, or a JSON string as first element of `params`.
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
            Form::GobValue(decoder) => Ok(Cow::Owned(decoder.decode()?)),
            Form::GobBroken(error) => Err(broken(error)),
            Form::Json(params) => json::params::text(params.as_deref()),
        }
    }

    /// The argument as a value of type `T`.
    ///
    /// # Errors
    ///
    /// The argument does not fit `T`, or is missing.
    pub fn decode<T: Parameter>(&mut self) -> Result<T, ArgumentError> {
        match &self.0 {
            Form::Json(params) => json::params::value(params.as_deref()),
            Form::GobText { .. } | Form::GobValue(_) | Form::GobBroken(_) => self.decode_gob(),
        }
    }

    /// The argument as a value that only gob knows.
    pub(crate) fn decode_gob<T: gobwire::Decode + Default>(&mut self) -> Result<T, ArgumentError> {
        match &mut self.0 {
            Form::GobText { message, .. } => {
                // The types of the stream do not matter: a string is built in.
                let mut decoder = Decoder::new();
                decoder.push_message(message)?;
                Ok(decoder.decode()?)
            }
            Form::GobValue(decoder) => Ok(decoder.decode()?),
            Form::GobBroken(error) => Err(broken(error)),
            Form::Json(_) => Err(ArgumentError::MissingParams),
        }
    }
}

fn broken(error: &mut Option<gobwire::Error>) -> ArgumentError {
    error.take().unwrap_or(gobwire::Error::UnexpectedEof).into()
}
