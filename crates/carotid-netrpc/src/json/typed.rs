//! JSON read by the rules of Go's `encoding/json`, where serde's are narrower or wider.
//!
//! * `null`, as Go writes nil slices, maps and pointers, is the zero value of what is wanted; a
//!   struct then has none of its fields.
//! * A field is found by its exact name, or else by one that differs in the case of letters.
//! * A string in base64 is a list of bytes.
//! * A list is no struct. It fills as much of an array (or tuple) as it has elements for.
//!
//! The rules hold at any depth, where the Rust type says what it wants. A type that takes
//! whatever comes (`serde_json::Value`, what is untagged or flattened) sees JSON as it is.
//! Nothing is allocated but for base64, and `serde_json` bounds the nesting.

mod access;
mod base64;
mod kind;
mod list;
mod name;
mod zero;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, EnumAccess, Visitor};

use access::Variant;
use kind::{Array, Nullable, Struct};
use list::{Bytes, List};

/// A value that is read by Go's rules.
#[derive(Debug)]
pub(crate) struct Typed<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Typed<T> {
    fn deserialize<D: Deserializer<'de>>(inner: D) -> Result<Self, D::Error> {
        T::deserialize(Go::new(inner)).map(Self)
    }
}

/// The same, but the value itself may be a struct whose fields are a list, in their order: an
/// argument of JSON-RPC 2.0.
#[derive(Debug)]
pub(crate) struct Positional<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Positional<T> {
    fn deserialize<D: Deserializer<'de>>(inner: D) -> Result<Self, D::Error> {
        let by_position = true;
        T::deserialize(Go { inner, by_position }).map(Self)
    }
}

/// A deserializer with Go's rules, around one of `serde_json`.
struct Go<D> {
    inner: D,
    by_position: bool,
}

impl<D> Go<D> {
    fn new(inner: D) -> Self {
        let by_position = false;
        Self { inner, by_position }
    }
}

macro_rules! nullable {
    ($($ask:ident: $kind:ident,)*) => {
        $(fn $ask<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            Nullable::read(self.inner, kind::$kind, visitor)
        })*
    };
}

macro_rules! as_it_is {
    ($($ask:ident)*) => {
        $(fn $ask<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$ask(visitor)
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Go<D> {
    type Error = D::Error;

    nullable! {
        deserialize_bool: Bool,
        deserialize_i8: I8,
        deserialize_i16: I16,
        deserialize_i32: I32,
        deserialize_i64: I64,
        deserialize_i128: I128,
        deserialize_u8: U8,
        deserialize_u16: U16,
        deserialize_u32: U32,
        deserialize_u64: U64,
        deserialize_u128: U128,
        deserialize_f32: F32,
        deserialize_f64: F64,
        deserialize_char: Char,
        deserialize_str: Str,
        deserialize_string: Text,
        deserialize_map: Map,
    }

    as_it_is! { deserialize_any deserialize_ignored_any deserialize_identifier deserialize_unit }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(List(visitor))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(Bytes(visitor))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(Bytes(visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let by_position = self.by_position;
        self.inner.deserialize_option(Optional {
            visitor,
            by_position,
        })
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        // By such a name a `RawValue` asks for the text of the value.
        if name.starts_with("$serde_json::") {
            return self.inner.deserialize_newtype_struct(name, visitor);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        Nullable::read(self.inner, Array { len }, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let kind = Struct {
            name,
            fields,
            by_position: self.by_position,
        };
        Nullable::read(self.inner, kind, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_enum(name, variants, Enum(visitor))
    }
}

/// Takes what an `Option` takes.
struct Optional<V> {
    visitor: V,
    by_position: bool,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Optional<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Go {
            inner,
            by_position: self.by_position,
        })
    }
}

/// Takes a variant, whose content is read by the rules again.
struct Enum<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Enum<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(Variant(variant))
    }
}
