//! Dynamic values as JSON.

use std::borrow::Cow;

use serde::ser::{Error, Serialize, SerializeMap, Serializer};

use crate::gob::dynamic::value::Value;
use crate::gob::shape::{Definition, Shape, TypeId};
use crate::gob::table::TypeSet;

/// A value with what is needed to name its fields.
pub(crate) struct Typed<'v> {
    types: &'v TypeSet,
    id: TypeId,
    value: &'v Value,
}

impl<'v> Typed<'v> {
    pub(crate) fn new(types: &'v TypeSet, id: TypeId, value: &'v Value) -> Self {
        Self { types, id, value }
    }

    fn part(&self, id: TypeId, value: &'v Value) -> Self {
        Self::new(self.types, id, value)
    }

    fn object<S: Serializer>(
        &self,
        serializer: S,
        present: &'v [(usize, Value)],
    ) -> Result<S::Ok, S::Error> {
        let definition = self.types.get(self.id);
        let Some(Definition {
            shape: Shape::Struct { fields },
            ..
        }) = definition.as_deref()
        else {
            return Err(S::Error::custom("value does not fit its type"));
        };
        let mut object = serializer.serialize_map(Some(present.len()))?;
        for (place, value) in present {
            if let Some(field) = fields.get(*place) {
                object.serialize_entry(&*field.name, &self.part(field.id, value))?;
            }
        }
        object.end()
    }
}

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let definition = self.types.get(self.id);
        // What its elements are; a value without any does not ask.
        let elem = match definition.as_deref().map(|definition| &definition.shape) {
            Some(Shape::Array { elem, .. } | Shape::Slice { elem } | Shape::Map { elem, .. }) => {
                *elem
            }
            Some(Shape::Struct { .. } | Shape::Marshaled(_)) | None => self.id,
        };
        match self.value {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Uint(value) => serializer.serialize_u64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Complex(re, im) => [re, im].serialize(serializer),
            Value::Bytes(bytes) | Value::Marshaled(bytes) => {
                serializer.serialize_str(&base64(bytes))
            }
            Value::Text(text) => serializer.serialize_str(&String::from_utf8_lossy(text)),
            Value::List(list) => serializer.collect_seq(list.iter().map(|v| self.part(elem, v))),
            Value::Map(entries) => {
                let mut object = serializer.serialize_map(Some(entries.len()))?;
                for (left, right) in entries {
                    let name = name::<S::Error>(left)?;
                    object.serialize_entry(&name, &self.part(elem, right))?;
                }
                object.end()
            }
            Value::Struct(present) => self.object(serializer, present),
            Value::Interface(None) => serializer.serialize_unit(),
            Value::Interface(Some(held)) => self.part(held.id, &held.value).serialize(serializer),
        }
    }
}

/// The key of an object. Go, too, has JSON only for maps with strings and integers as keys.
fn name<E: Error>(key: &Value) -> Result<Cow<'_, str>, E> {
    match key {
        Value::Text(text) => Ok(String::from_utf8_lossy(text)),
        Value::Int(number) => Ok(number.to_string().into()),
        Value::Uint(number) => Ok(number.to_string().into()),
        Value::Interface(Some(held)) => name(&held.value),
        Value::Bool(_)
        | Value::Float(_)
        | Value::Complex(..)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Struct(_)
        | Value::Interface(None)
        | Value::Marshaled(_) => Err(E::custom("a map with such keys has no JSON form")),
    }
}

/// Base64 with padding, as Go's `encoding/json` writes `[]byte`.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut bits = 0usize;
        for at in 0..3 {
            bits = bits << 8 | usize::from(group.get(at).copied().unwrap_or_default());
        }
        for at in 0..4 {
            text.push(if at <= group.len() {
                char::from(DIGITS[bits >> (18 - 6 * at) & 63])
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
