//! What a method answers, until it is written.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use gobwire::Encoder;
use serde::Serialize;

/// A type that methods answer: gob and JSON both know how to write it.
pub trait Reply: gobwire::Encode + Serialize + Send + 'static {}

impl<T: gobwire::Encode + Serialize + Send + 'static> Reply for T {}

/// A method's answer.
#[derive(Debug)]
pub struct Answer(Content);

enum Content {
    Text(Cow<'static, str>),
    Value(Box<dyn AnyReply>),
}

impl Answer {
    /// A fixed text; writing it allocates nothing.
    pub const fn text(text: &'static str) -> Self {
        Self(Content::Text(Cow::Borrowed(text)))
    }

    /// Any value.
    pub fn value(reply: impl Reply) -> Self {
        let mut reply = Some(reply);
        // A string keeps to the short path.
        if let Some(Some(text)) = (&mut reply as &mut dyn Any).downcast_mut::<Option<String>>() {
            return Self(Content::Text(std::mem::take(text).into()));
        }
        match reply {
            Some(reply) => Self(Content::Value(Box::new(reply))),
            None => Self::text(""),
        }
    }

    /// The answer, if it is a text.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.0 {
            Content::Text(text) => Some(text),
            Content::Value(_) => None,
        }
    }

    pub(crate) fn put_gob(
        &self,
        encoder: &mut Encoder,
        out: &mut Vec<u8>,
    ) -> Result<(), gobwire::Error> {
        match &self.0 {
            Content::Text(text) => encoder.encode_into(&**text, out),
            Content::Value(value) => value.put_gob(encoder, out),
        }
    }

    pub(crate) fn put_json(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        match &self.0 {
            Content::Text(text) => serde_json::to_writer(out, text),
            Content::Value(value) => value.put_json(out),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.debug_tuple("Text").field(text).finish(),
            Self::Value(_) => f.write_str("Value"),
        }
    }
}

/// A reply whose type is forgotten.
trait AnyReply: Send {
    fn put_gob(&self, encoder: &mut Encoder, out: &mut Vec<u8>) -> Result<(), gobwire::Error>;
    fn put_json(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error>;
}

impl<T: Reply> AnyReply for T {
    fn put_gob(&self, encoder: &mut Encoder, out: &mut Vec<u8>) -> Result<(), gobwire::Error> {
        encoder.encode_into(self, out)
    }

    fn put_json(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(out, self)
    }
}
