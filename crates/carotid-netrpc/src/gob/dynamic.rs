//! A value whose type only the peer knows.
//!
//! It stays in gob's own form, with the peer's definitions beside it: it takes no more memory
//! than its message did, however the peer's types multiply and nest (I9), and goes out again
//! as it came in, whatever it is made of. [`Value`] is the same taken apart.

pub(crate) mod error;
pub(crate) mod from_json;
pub(crate) mod json;
pub(crate) mod read;
pub(crate) mod value;
pub(crate) mod write;

use serde::ser::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::ArgumentError;
use crate::gob::convert::{FromGob, Received, ToGob};
use crate::gob::number::take_int;
use crate::gob::sent::Sent;
use crate::gob::shape::TypeId;
use crate::gob::table::TypeSet;
use crate::gob::walk;
use error::ValueError;
use value::Value;

/// Any value of any type: what a method takes that must not care, and what it answers when the
/// type is only known at run time.
///
/// From a gob caller it holds the value with the caller's type, and sent back it decodes in Go
/// into an equal value of the same Go type: integers of any width, strings of any bytes,
/// recursive types, interfaces and what they hold, types that marshal themselves. From a JSON
/// caller it holds the JSON text as it came. Its default is nothing: a nil interface to gob,
/// `null` to JSON.
///
/// One that came in one protocol can go out in the other. To JSON, a struct is an object of
/// the fields that are not zero, `[]byte` and what marshals itself are Base64, keys of maps are
/// strings, a complex number is an array of two, and strings that are not UTF-8 are mended as
/// Go does. To gob, a JSON value is what Go's `json.Unmarshal` puts into an `any`: the Go peer
/// needs `gob.Register(map[string]any{})` and `gob.Register([]any{})`.
///
/// It only stands for itself: a field of a struct cannot be one, because gob must know the
/// fields' types before there is a value. With serde it needs `serde_json`.
#[derive(Clone, Debug)]
pub struct Dynamic(Content);

#[derive(Clone, Debug)]
enum Content {
    Gob {
        types: TypeSet,
        id: TypeId,
        /// Framed, and without definitions.
        value: Box<[u8]>,
    },
    Json(Box<RawValue>),
}

impl Dynamic {
    /// A value of a type of one's own.
    ///
    /// # Errors
    ///
    /// The value is not one of that type.
    pub fn new(types: &TypeSet, id: TypeId, value: &Value) -> Result<Self, ValueError> {
        Ok(Self(Content::Gob {
            types: types.clone(),
            id,
            value: write::framed(types, id, value)?.into(),
        }))
    }

    /// Its type, and the set that this is of. The type of a JSON value is that with which gob
    /// would send it.
    #[must_use]
    pub fn kind(&self) -> (&TypeSet, TypeId) {
        match &self.0 {
            Content::Gob { types, id, .. } => (types, *id),
            Content::Json(text) => from_json::kind(text),
        }
    }

    /// The value taken apart.
    ///
    /// # Errors
    ///
    /// It is nested deeper than [`Value::MAX_DEPTH`].
    pub fn value(&self) -> Result<Value, ValueError> {
        match &self.0 {
            Content::Gob { types, id, value } => read::framed(types, *id, value),
            Content::Json(text) => from_json::value(text),
        }
    }

    /// The JSON text, if it holds JSON.
    #[must_use]
    pub fn json(&self) -> Option<&str> {
        match &self.0 {
            Content::Gob { .. } => None,
            Content::Json(text) => Some(text.get()),
        }
    }
}

impl Default for Dynamic {
    fn default() -> Self {
        Self(Content::Json(RawValue::NULL.to_owned()))
    }
}

impl FromGob for Dynamic {
    fn from_gob(received: Received<'_>) -> Result<Self, ArgumentError> {
        let mut value = received.message;
        let id = TypeId(take_int(&mut value).map_err(ValueError::from)?);
        let types = match received.types {
            Some(types) => types.set().map_err(|_| ValueError::BadDefinition)?.clone(),
            None => TypeSet::default(),
        };
        // What follows a value in its message is none of it; Go, too, passes over it.
        let length = walk::measure(&types, id, value)?;
        let value = value[..length].into();
        Ok(Self(Content::Gob { types, id, value }))
    }
}

impl ToGob for Dynamic {
    fn put_gob(
        &self,
        sent: &mut Sent,
        out: &mut Vec<u8>,
        body: &mut Vec<u8>,
    ) -> Result<(), gobwire::Error> {
        let written = match &self.0 {
            Content::Gob { types, id, value } => sent.dynamic(types, *id, value, out, body),
            Content::Json(text) => from_json::value(text).and_then(|value| {
                let (types, id) = from_json::kind(text);
                let value = write::framed(types, id, &value)?;
                sent.dynamic(types, id, &value, out, body)
            }),
        };
        written.map_err(|error| gobwire::Error::Encode(error.to_string()))
    }
}

impl Serialize for Dynamic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Content::Gob { types, id, .. } => {
                let value = self.value().map_err(S::Error::custom)?;
                json::Typed::new(types, *id, &value).serialize(serializer)
            }
            Content::Json(text) => text.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Dynamic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(Content::Json(text)))
    }
}

#[cfg(test)]
mod tests;
