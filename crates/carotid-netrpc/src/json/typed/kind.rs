//! What is wanted where there may be `null`.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::access::{Elements, Fields, Padded, Values};
use super::zero::Zero;

/// A kind of value.
pub(super) trait Kind<'de>: Sized {
    /// Asks for one.
    fn read<D: Deserializer<'de>, V: Visitor<'de>>(
        self,
        inner: D,
        visitor: V,
    ) -> Result<V::Value, D::Error>;
}

/// Takes a value of its kind, or its zero value in place of `null`.
pub(super) struct Nullable<K, V> {
    kind: K,
    visitor: V,
}

impl<'de, K: Kind<'de>, V: Visitor<'de>> Nullable<K, V> {
    pub(super) fn read<D: Deserializer<'de>>(
        inner: D,
        kind: K,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        inner.deserialize_option(Self { kind, visitor })
    }
}

impl<'de, K: Kind<'de>, V: Visitor<'de>> Visitor<'de> for Nullable<K, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.kind.read(Zero::new(), self.visitor)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.kind.read(inner, self.visitor)
    }
}

macro_rules! scalars {
    ($($kind:ident: $ask:ident,)*) => {
        $(pub(super) struct $kind;

        impl<'de> Kind<'de> for $kind {
            fn read<D: Deserializer<'de>, V: Visitor<'de>>(
                self,
                inner: D,
                visitor: V,
            ) -> Result<V::Value, D::Error> {
                inner.$ask(visitor)
            }
        })*
    };
}

scalars! {
    Bool: deserialize_bool,
    I8: deserialize_i8,
    I16: deserialize_i16,
    I32: deserialize_i32,
    I64: deserialize_i64,
    I128: deserialize_i128,
    U8: deserialize_u8,
    U16: deserialize_u16,
    U32: deserialize_u32,
    U64: deserialize_u64,
    U128: deserialize_u128,
    F32: deserialize_f32,
    F64: deserialize_f64,
    Char: deserialize_char,
    Str: deserialize_str,
    Text: deserialize_string,
}

/// A map, whose keys are as they are.
pub(super) struct Map;

impl<'de> Kind<'de> for Map {
    fn read<D: Deserializer<'de>, V: Visitor<'de>>(
        self,
        inner: D,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        inner.deserialize_map(MapVisitor(visitor))
    }
}

struct MapVisitor<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for MapVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Values(map))
    }
}

/// An array, a tuple or a tuple struct.
pub(super) struct Array {
    pub(super) len: usize,
}

impl<'de> Kind<'de> for Array {
    fn read<D: Deserializer<'de>, V: Visitor<'de>>(
        self,
        inner: D,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let len = self.len;
        inner.deserialize_tuple(len, ArrayVisitor { len, visitor })
    }
}

pub(super) struct ArrayVisitor<V> {
    pub(super) len: usize,
    pub(super) visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ArrayVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<V::Value, A::Error> {
        let value = self
            .visitor
            .visit_seq(Padded::new(&mut elements, self.len))?;
        // Go drops what is too much.
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(value)
    }
}

/// A struct.
pub(super) struct Struct {
    pub(super) name: &'static str,
    pub(super) fields: &'static [&'static str],
    pub(super) by_position: bool,
}

impl<'de> Kind<'de> for Struct {
    fn read<D: Deserializer<'de>, V: Visitor<'de>>(
        self,
        inner: D,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let (name, fields) = (self.name, self.fields);
        let kind = self;
        inner.deserialize_struct(name, fields, StructVisitor { kind, visitor })
    }
}

pub(super) struct StructVisitor<V> {
    pub(super) kind: Struct,
    pub(super) visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for StructVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let fields = self.kind.fields;
        self.visitor.visit_map(Fields { map, fields })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<V::Value, A::Error> {
        if self.kind.by_position {
            return self.visitor.visit_seq(Elements(elements));
        }
        let name = self.kind.name;
        Err(A::Error::custom(format_args!(
            "cannot read a list as {name}"
        )))
    }
}
