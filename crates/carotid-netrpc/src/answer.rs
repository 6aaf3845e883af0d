//! What a method answers, until it is written.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::gob::convert::ToGob;
use crate::gob::sent::Sent;

/// A type that methods answer: gob and JSON both know how to write it.
pub trait Reply: ToGob + Serialize + Send + 'static {}

impl<T: ToGob + Serialize + Send + 'static> Reply for T {}

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

    pub(crate) fn put_json(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        match &self.0 {
            Content::Text(text) => serde_json::to_writer(out, text),
            Content::Value(value) => value.put_json(out),
        }
    }
}

impl ToGob for Answer {
    fn put_gob(
        &self,
        sent: &mut Sent,
        out: &mut Vec<u8>,
        body: &mut Vec<u8>,
    ) -> Result<(), gobwire::Error> {
        match &self.0 {
            Content::Text(text) => (**text).put_gob(sent, out, body),
            Content::Value(value) => value.write_gob(sent, out, body),
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
    fn write_gob(
        &self,
        sent: &mut Sent,
        out: &mut Vec<u8>,
        body: &mut Vec<u8>,
    ) -> Result<(), gobwire::Error>;
    fn put_json(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error>;
}

impl<T: Reply> AnyReply for T {
    fn write_gob(
        &self,
        sent: &mut Sent,
        out: &mut Vec<u8>,
        body: &mut Vec<u8>,
    ) -> Result<(), gobwire::Error> {
        self.put_gob(sent, out, body)
    }

    fn put_json(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(out, self)
    }
}
