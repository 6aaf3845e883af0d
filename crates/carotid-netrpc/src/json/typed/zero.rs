//! Zero values, which stand in place of `null` and of missing elements of arrays.

use std::marker::PhantomData;

use serde::de::value::MapDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Unexpected, Visitor};

/// Gives the zero value of whatever is asked for.
pub(super) struct Zero<E>(PhantomData<E>);

impl<E> Zero<E> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

macro_rules! zeros {
    ($($ask:ident: $visit:ident($($zero:expr)?),)*) => {
        $(fn $ask<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            visitor.$visit($($zero)?)
        })*
    };
}

impl<'de, E: Error> Deserializer<'de> for Zero<E> {
    type Error = E;

    zeros! {
        deserialize_any: visit_unit(),
        deserialize_ignored_any: visit_unit(),
        deserialize_unit: visit_unit(),
        deserialize_option: visit_none(),
        deserialize_bool: visit_bool(false),
        deserialize_i8: visit_i8(0),
        deserialize_i16: visit_i16(0),
        deserialize_i32: visit_i32(0),
        deserialize_i64: visit_i64(0),
        deserialize_i128: visit_i128(0),
        deserialize_u8: visit_u8(0),
        deserialize_u16: visit_u16(0),
        deserialize_u32: visit_u32(0),
        deserialize_u64: visit_u64(0),
        deserialize_u128: visit_u128(0),
        deserialize_f32: visit_f32(0.0),
        deserialize_f64: visit_f64(0.0),
        deserialize_char: visit_char('\0'),
        deserialize_str: visit_borrowed_str(""),
        deserialize_string: visit_borrowed_str(""),
        deserialize_identifier: visit_borrowed_str(""),
        deserialize_bytes: visit_borrowed_bytes(&[]),
        deserialize_byte_buf: visit_borrowed_bytes(&[]),
        deserialize_seq: visit_seq(Zeros::<E>::new(0)),
        deserialize_map: visit_map(MapDeserializer::new(std::iter::empty::<((), ())>())),
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, E> {
        visitor.visit_seq(Zeros::<E>::new(len))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, E> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        Err(E::invalid_type(Unexpected::Unit, &visitor))
    }
}

/// So many zero values.
struct Zeros<E> {
    left: usize,
    error: PhantomData<E>,
}

impl<E> Zeros<E> {
    fn new(left: usize) -> Self {
        let error = PhantomData;
        Self { left, error }
    }
}

impl<'de, E: Error> SeqAccess<'de> for Zeros<E> {
    type Error = E;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, E> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        seed.deserialize(Zero::new()).map(Some)
    }
}
