//! Type definitions: what a peer says of a type before the first value of it.
//!
//! A definition is a value of Go's `wireType`, a struct with one field for each way to be
//! composed, of which one is set. This file reads and writes all of them.

use crate::gob::dynamic::error::ValueError;
use crate::gob::ids;
use crate::gob::number::{put_bytes, put_int, put_uint, take_bytes, take_int, take_uint};

/// Names one type among those of a [`TypeSet`](crate::TypeSet).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub(crate) i64);

impl TypeId {
    /// Go's `bool`.
    pub const BOOL: Self = Self(ids::BOOL);
    /// Go's signed integers, of every width.
    pub const INT: Self = Self(ids::INT);
    /// Go's unsigned integers, of every width.
    pub const UINT: Self = Self(ids::UINT);
    /// Go's `float32` and `float64`.
    pub const FLOAT: Self = Self(ids::FLOAT);
    /// Go's `[]byte`.
    pub const BYTES: Self = Self(ids::BYTES);
    /// Go's `string`.
    pub const STRING: Self = Self(ids::STRING);
    /// Go's `complex64` and `complex128`.
    pub const COMPLEX: Self = Self(ids::COMPLEX);
    /// Any interface type.
    pub const INTERFACE: Self = Self(ids::INTERFACE);

    /// Whether every stream knows this type without a definition.
    pub(crate) fn is_basic(self) -> bool {
        (ids::BOOL..=ids::INTERFACE).contains(&self.0)
    }
}

/// How a Go type writes itself, if it does not leave that to gob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Marshaler {
    /// By `GobEncoder`, as `big.Int` and `time.Time` do.
    Gob,
    /// By `encoding.BinaryMarshaler`, as `url.URL` does.
    Binary,
    /// By `encoding.TextMarshaler`; gob defines it, and no Go program sends it.
    Text,
}

/// What a composed type is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// `[len]elem`.
    Array {
        /// The type of the elements.
        elem: TypeId,
        /// How many there are.
        len: u64,
    },
    /// `[]elem`, unless it is `[]byte`.
    Slice {
        /// The type of the elements.
        elem: TypeId,
    },
    /// `map[key]elem`.
    Map {
        /// The type of the keys.
        key: TypeId,
        /// The type of the values.
        elem: TypeId,
    },
    /// A struct.
    Struct {
        /// Its exported fields, in order.
        fields: Vec<Field>,
    },
    /// A type that writes itself.
    Marshaled(Marshaler),
}

/// One field of a struct.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its Go name; Go matches fields by it.
    pub name: Box<str>,
    /// Its type. Pointers do not show: a field of type `*int` is an `int` that may be missing.
    pub id: TypeId,
}

/// A composed type with its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Definition {
    /// The Go type's name; empty for most slices, arrays and maps. Nothing depends on it.
    pub name: Box<str>,
    /// What it is made of.
    pub shape: Shape,
}

impl Definition {
    /// The types this one is made of.
    pub(crate) fn parts(&self) -> impl Iterator<Item = TypeId> + '_ {
        let (pair, fields) = match &self.shape {
            Shape::Array { elem, .. } | Shape::Slice { elem } => ([Some(*elem), None], &[][..]),
            Shape::Map { key, elem } => ([Some(*key), Some(*elem)], &[][..]),
            Shape::Struct { fields } => ([None, None], &fields[..]),
            Shape::Marshaled(_) => ([None, None], &[][..]),
        };
        let fields = fields.iter().map(|field| field.id);
        pair.into_iter().flatten().chain(fields)
    }
}

/// Takes a definition, without the negative id before it, off the front of `input`.
pub(crate) fn take(input: &mut &[u8]) -> Result<Definition, ValueError> {
    let mut found = None;
    each_field(input, 7, |number, input| {
        let definition = take_one(number, input)?;
        // Go looks at the ways to be composed in their order and takes the first.
        found.get_or_insert(definition);
        Ok(())
    })?;
    found.ok_or(ValueError::BadDefinition)
}

fn take_one(kind: u64, input: &mut &[u8]) -> Result<Definition, ValueError> {
    let mut name = Box::default();
    let (mut first, mut second) = (0, 0);
    let mut fields = Vec::new();
    // Arrays and maps have two further fields, slices and structs one, marshalers none.
    let own = match kind {
        1 | 4 => 3,
        2 | 3 => 2,
        _ => 1,
    };
    each_field(input, own, |number, input| {
        match (number, kind) {
            (1, _) => name = take_common(input)?,
            (2, 3) => fields = take_fields(input)?,
            (2, _) => first = take_int(input)?,
            _ => second = take_int(input)?,
        }
        Ok(())
    })?;
    let (elem, other) = (TypeId(first), TypeId(second));
    let shape = match kind {
        1 => Shape::Array {
            elem,
            len: u64::try_from(second).map_err(|_| ValueError::BadDefinition)?,
        },
        2 => Shape::Slice { elem },
        3 => Shape::Struct { fields },
        4 => Shape::Map {
            key: elem,
            elem: other,
        },
        5 => Shape::Marshaled(Marshaler::Gob),
        6 => Shape::Marshaled(Marshaler::Binary),
        _ => Shape::Marshaled(Marshaler::Text),
    };
    Ok(Definition { name, shape })
}

fn take_common(input: &mut &[u8]) -> Result<Box<str>, ValueError> {
    let mut name = Box::default();
    each_field(input, 2, |number, input| {
        match number {
            1 => name = take_name(input)?,
            // The id is repeated here; the one in front counts.
            _ => drop(take_int(input)?),
        }
        Ok(())
    })?;
    Ok(name)
}

fn take_fields(input: &mut &[u8]) -> Result<Vec<Field>, ValueError> {
    let count = take_uint(input)?;
    let mut fields = Vec::new();
    for _ in 0..count {
        let mut field = Field {
            name: Box::default(),
            id: TypeId(0),
        };
        // Every field takes a byte at least, so the count cannot outrun the input.
        each_field(input, 2, |number, input| {
            match number {
                1 => field.name = take_name(input)?,
                _ => field.id = TypeId(take_int(input)?),
            }
            Ok(())
        })?;
        fields.push(field);
    }
    Ok(fields)
}

/// Names in Go are UTF-8.
fn take_name(input: &mut &[u8]) -> Result<Box<str>, ValueError> {
    let name = std::str::from_utf8(take_bytes(input)?);
    Ok(name.map_err(|_| ValueError::BadDefinition)?.into())
}

/// Hands over the fields of a struct, numbered from 1 to `last`.
fn each_field(
    input: &mut &[u8],
    last: u64,
    mut take: impl FnMut(u64, &mut &[u8]) -> Result<(), ValueError>,
) -> Result<(), ValueError> {
    let mut number = 0u64;
    loop {
        let delta = take_uint(input)?;
        if delta == 0 {
            return Ok(());
        }
        number = number.saturating_add(delta);
        if number > last {
            return Err(ValueError::BadDefinition);
        }
        take(number, input)?;
    }
}

/// Appends a definition of type `id`; `rename` says what the types it is made of are called on
/// this stream.
pub(crate) fn put(
    out: &mut Vec<u8>,
    id: i64,
    definition: &Definition,
    rename: impl Fn(TypeId) -> i64,
) {
    let kind = match &definition.shape {
        Shape::Array { .. } => 1,
        Shape::Slice { .. } => 2,
        Shape::Struct { .. } => 3,
        Shape::Map { .. } => 4,
        Shape::Marshaled(Marshaler::Gob) => 5,
        Shape::Marshaled(Marshaler::Binary) => 6,
        Shape::Marshaled(Marshaler::Text) => 7,
    };
    put_int(out, -id);
    put_uint(out, kind);
    put_uint(out, 1);
    put_named(out, &definition.name, id);
    match &definition.shape {
        Shape::Array { elem, len } => {
            put_uint(out, 1);
            put_int(out, rename(*elem));
            if *len > 0 {
                put_uint(out, 1);
                put_int(out, i64::try_from(*len).unwrap_or(i64::MAX));
            }
        }
        Shape::Slice { elem } => {
            put_uint(out, 1);
            put_int(out, rename(*elem));
        }
        Shape::Map { key, elem } => {
            put_uint(out, 1);
            put_int(out, rename(*key));
            put_uint(out, 1);
            put_int(out, rename(*elem));
        }
        Shape::Struct { fields } if fields.is_empty() => {}
        Shape::Struct { fields } => {
            put_uint(out, 1);
            put_uint(out, fields.len() as u64);
            for field in fields {
                put_named(out, &field.name, rename(field.id));
            }
        }
        Shape::Marshaled(_) => {}
    }
    out.extend_from_slice(&[0, 0]);
}

/// A struct of a name and an id; an empty name is left out, as Go does.
pub(crate) fn put_named(out: &mut Vec<u8>, name: &str, id: i64) {
    if name.is_empty() {
        put_uint(out, 2);
    } else {
        put_uint(out, 1);
        put_bytes(out, name.as_bytes());
        put_uint(out, 1);
    }
    put_int(out, id);
    put_uint(out, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_comes_back_here_and_from_gobwire() {
        let (elem, key) = (TypeId::FLOAT, TypeId::STRING);
        let field = |name: &str, id| Field {
            name: name.into(),
            id,
        };
        let shapes = [
            Shape::Array { elem, len: 0 },
            Shape::Array { elem, len: 300 },
            Shape::Slice { elem },
            Shape::Map { key, elem },
            Shape::Struct { fields: Vec::new() },
            Shape::Struct {
                fields: vec![field("A", elem), field("Ärger", key)],
            },
            Shape::Marshaled(Marshaler::Gob),
            Shape::Marshaled(Marshaler::Binary),
            Shape::Marshaled(Marshaler::Text),
        ];
        for (shape, name) in shapes.into_iter().zip(["", "T"].into_iter().cycle()) {
            let definition = Definition {
                name: name.into(),
                shape,
            };
            let mut out = Vec::new();
            put(&mut out, 70, &definition, |id| id.0);
            let progress = gobwire::Decoder::new().push_message(&out).unwrap();
            assert_eq!(progress, gobwire::Progress::TypeDefinition(70));
            let mut rest = &out[..];
            assert_eq!(take_int(&mut rest).unwrap(), -70);
            assert_eq!(take(&mut rest).unwrap(), definition);
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_count_beyond_the_input_is_refused_without_allocating() {
        let body = [3, 2, 0xf8, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert!(matches!(take(&mut &body[..]), Err(ValueError::Truncated)));
    }
}
