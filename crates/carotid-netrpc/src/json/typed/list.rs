//! Lists, and bytes in base64.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::access::Elements;
use super::base64::{self, Illegal};
use super::zero::Zero;

/// Takes a list, bytes in base64 where bytes are wanted, or `null`, which is an empty list.
pub(super) struct List<V>(pub(super) V);

impl<'de, V: Visitor<'de>> Visitor<'de> for List<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        Zero::new().deserialize_seq(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        self.0.visit_seq(Decoded {
            text,
            bytes: base64::decode(text).map(Vec::into_iter),
            error: PhantomData,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Elements(elements))
    }
}

/// Takes bytes in base64, a list of numbers, or `null`.
pub(super) struct Bytes<V>(pub(super) V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Bytes<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        Zero::new().deserialize_bytes(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        let bytes = base64::decode(text).map_err(E::custom)?;
        self.0.visit_byte_buf(bytes)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Elements(elements))
    }
}

/// What base64 holds, as a list.
struct Decoded<'a, E> {
    text: &'a str,
    bytes: Result<std::vec::IntoIter<u8>, Illegal>,
    error: PhantomData<E>,
}

impl<'de, E: Error> SeqAccess<'de> for Decoded<'_, E> {
    type Error = E;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, E> {
        let byte = match &mut self.bytes {
            Ok(bytes) => bytes.next().map(Ok),
            Err(illegal) => Some(Err(*illegal)),
        };
        let element = |byte| Byte {
            text: self.text,
            byte,
            error: PhantomData,
        };
        let Some(byte) = byte else {
            // Also the empty string must not pass for a list of something else.
            if self.text.is_empty() {
                seed.deserialize(element(Ok(1)))?;
            }
            return Ok(None);
        };
        seed.deserialize(element(byte)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        self.bytes.as_ref().ok().map(ExactSizeIterator::len)
    }
}

/// An element that is a byte, and nothing else.
struct Byte<'a, E> {
    text: &'a str,
    byte: Result<u8, Illegal>,
    error: PhantomData<E>,
}

impl<'de, E: Error> Deserializer<'de> for Byte<'_, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, E> {
        let text = Unexpected::Str(self.text);
        Err(E::invalid_type(text, &"a list"))
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_u8(self.byte.map_err(E::custom)?)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
