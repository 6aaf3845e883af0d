//! A Rust type as gob describes it, with the names that Go has for its parts.

use std::marker::PhantomData;

use gobwire::{Describer, Encode, Encoder, ValueEncoder};

use crate::gob::number::{take_bytes, take_int};
use crate::gob::shape::{self, Shape, TypeId};
use crate::gob::table::TypeSet;

/// A Rust type: what an encoder would define of it.
pub(super) struct Local {
    pub(super) types: TypeSet,
    pub(super) id: TypeId,
    signed: &'static str,
    unsigned: &'static str,
    float: &'static str,
}

impl Local {
    /// `None` if the type does not describe itself.
    pub(super) fn of<T: gobwire::GobType>() -> Option<Self> {
        let stream = Encoder::new().encode(&Described(PhantomData::<T>)).ok()?;
        let types = TypeSet::new();
        let mut stream = &stream[..];
        loop {
            let mut message = take_bytes(&mut stream).ok()?;
            let id = take_int(&mut message).ok()?;
            if id < 0 {
                let definition = shape::take(&mut message).ok()?;
                types.define(id.checked_neg()?, definition).ok()?;
                continue;
            }
            return Some(Self {
                types,
                id: TypeId(id),
                signed: "int",
                unsigned: "uint",
                float: "float64",
            });
        }
    }

    /// Calls the numbers of one kind by the Rust type `width`, if it is one.
    pub(super) fn renamed(mut self, width: &str) -> Self {
        match width {
            "i8" => self.signed = "int8",
            "i16" => self.signed = "int16",
            "i32" => self.signed = "int32",
            "u8" => self.unsigned = "uint8",
            "u16" => self.unsigned = "uint16",
            "u32" => self.unsigned = "uint32",
            "f32" => self.float = "float32",
            _ => {}
        }
        self
    }

    /// The type's name in Go if the number that overflows in it is a `width`.
    pub(super) fn named(self, width: &str) -> String {
        let local = self.renamed(width);
        local.name(local.id)
    }

    /// A type's name in Go.
    pub(super) fn name(&self, id: TypeId) -> String {
        match id {
            TypeId::BOOL => "bool".to_owned(),
            TypeId::INT => self.signed.to_owned(),
            TypeId::UINT => self.unsigned.to_owned(),
            TypeId::FLOAT => self.float.to_owned(),
            TypeId::BYTES => "[]uint8".to_owned(),
            TypeId::STRING => "string".to_owned(),
            TypeId::COMPLEX => "complex128".to_owned(),
            TypeId::INTERFACE => "interface {}".to_owned(),
            _ => match self.types.get(id) {
                Some(definition) => match &definition.shape {
                    Shape::Array { elem, len } => format!("[{len}]{}", self.name(*elem)),
                    Shape::Slice { elem } => format!("[]{}", self.name(*elem)),
                    Shape::Map { key, elem } => {
                        format!("map[{}]{}", self.name(*key), self.name(*elem))
                    }
                    Shape::Struct { .. } | Shape::Marshaled(_) => definition.name.to_string(),
                },
                None => "unknown type".to_owned(),
            },
        }
    }
}

/// Stands for a value: an encoder defines its type.
struct Described<T>(PhantomData<T>);

impl<T: gobwire::GobType> Encode for Described<T> {
    fn describe_value(&self, describer: &mut Describer<'_>) -> gobwire::Result<i64> {
        T::describe(describer)
    }

    fn is_zero(&self) -> bool {
        true
    }

    fn encode(&self, _: &mut ValueEncoder<'_>) -> gobwire::Result<()> {
        Ok(())
    }
}
