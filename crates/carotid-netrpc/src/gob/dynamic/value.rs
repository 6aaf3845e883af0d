//! A dynamic value taken apart.

use crate::gob::shape::TypeId;

/// A value as gob sees it, without its type.
///
/// Which [`Shape`](crate::Shape) it has says its [`TypeId`]; a value is equal to another
/// if Go would send the same, except that the order of a map's entries counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `bool`.
    Bool(bool),
    /// Any signed integer.
    Int(i64),
    /// Any unsigned integer.
    Uint(u64),
    /// `float32` or `float64`.
    Float(f64),
    /// `complex64` or `complex128`: the real part, then the imaginary one.
    Complex(f64, f64),
    /// `[]byte`.
    Bytes(Vec<u8>),
    /// A string; in Go it may be any bytes.
    Text(Vec<u8>),
    /// The elements of an array or a slice.
    List(Vec<Self>),
    /// The entries of a map, in the order in which they came; Go's order is random.
    Map(Vec<(Self, Self)>),
    /// The fields that are there, by their place in [`Shape::Struct`](crate::Shape::Struct),
    /// ascending. One that is missing is zero, or a nil pointer.
    Struct(Vec<(usize, Self)>),
    /// What an interface holds; `None` if it is nil.
    Interface(Option<Box<Concrete>>),
    /// What a type that marshals itself wrote.
    Marshaled(Vec<u8>),
}

/// What an interface holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Concrete {
    /// What its type was registered as with Go's `gob.Register`, at most 1,024 bytes: for
    /// basic types their name (`int`, `string`, `[]uint8`), for others with their package.
    pub name: Vec<u8>,
    /// Its type, in the set of the value that the interface is part of.
    pub id: TypeId,
    /// The value.
    pub value: Value,
}

impl Value {
    /// How deep a value may be nested to be taken apart. [`Dynamic`](crate::Dynamic) itself
    /// keeps and sends what is nested up to 10,000 levels deep.
    pub const MAX_DEPTH: usize = 512;

    /// A string.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into().into_bytes())
    }

    /// An interface that holds `value`, whose type `id` was registered as `name`.
    #[must_use]
    pub fn interface(name: &str, id: TypeId, value: Self) -> Self {
        let name = name.as_bytes().to_vec();
        Self::Interface(Some(Box::new(Concrete { name, id, value })))
    }

    /// Whether Go leaves it out of a struct. That a type which marshals itself is zero only
    /// Go can know.
    pub(crate) fn is_left_out(&self) -> bool {
        match self {
            Self::Bool(value) => !value,
            Self::Int(value) => *value == 0,
            Self::Uint(value) => *value == 0,
            Self::Float(value) => *value == 0.0,
            Self::Complex(re, im) => *re == 0.0 && *im == 0.0,
            Self::Bytes(bytes) | Self::Text(bytes) => bytes.is_empty(),
            Self::Interface(held) => held.is_none(),
            Self::List(_) | Self::Map(_) | Self::Struct(_) | Self::Marshaled(_) => false,
        }
    }
}
