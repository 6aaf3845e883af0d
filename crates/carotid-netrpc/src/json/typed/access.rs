//! What a visitor sees of a list, a map or a variant: parts that are read by the rules in turn.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::Go;
use super::kind::{ArrayVisitor, Struct, StructVisitor};
use super::name::Name;
use super::zero::Zero;

/// Any part.
struct Part<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Part<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Go::new(inner))
    }
}

/// The elements of a list.
pub(super) struct Elements<A>(pub(super) A);

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Part(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

/// The elements of a list, and zero values up to the length of an array.
pub(super) struct Padded<'a, A> {
    elements: &'a mut A,
    ended: bool,
    missing: usize,
}

impl<'a, A> Padded<'a, A> {
    pub(super) fn new(elements: &'a mut A, len: usize) -> Self {
        Self {
            elements,
            ended: false,
            missing: len,
        }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Padded<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let Some(missing) = self.missing.checked_sub(1) else {
            return Ok(None);
        };
        self.missing = missing;
        let mut seed = Some(seed);
        if !self.ended {
            let element = self.elements.next_element_seed(Taken(&mut seed))?;
            if element.is_some() {
                return Ok(element);
            }
            self.ended = true;
        }
        let seed = seed.take();
        seed.map(|seed| seed.deserialize(Zero::new())).transpose()
    }
}

/// A part whose seed is still there if there is no such part.
struct Taken<'s, S>(&'s mut Option<S>);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Taken<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        let seed = self.0.take().expect("a seed is used once");
        Part(seed).deserialize(inner)
    }
}

/// The entries of a map.
pub(super) struct Values<A>(pub(super) A);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Values<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Part(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

/// The fields of a struct.
pub(super) struct Fields<A> {
    pub(super) map: A,
    pub(super) fields: &'static [&'static str],
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Fields<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let fields = self.fields;
        self.map.next_key_seed(Name { fields, seed })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.map.next_value_seed(Part(seed))
    }
}

/// A variant of an enum.
pub(super) struct Variant<A>(pub(super) A);

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Variant<A> {
    type Error = A::Error;
    type Variant = Variant<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (variant, content) = self.0.variant_seed(seed)?;
        Ok((variant, Variant(content)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Variant<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Part(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(len, ArrayVisitor { len, visitor })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let kind = Struct {
            name: "a variant",
            fields,
            by_position: false,
        };
        self.0
            .struct_variant(fields, StructVisitor { kind, visitor })
    }
}
