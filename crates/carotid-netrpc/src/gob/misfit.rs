//! Why a gob value does not fit a Rust type, in the words of Go's decoder.
//!
//! [`gobwire`] says the same with Rust's names, and of a number that is too large it does not
//! say where it stands. So once it has refused a value, both types are compared again as Go
//! does it (encoding/gob, `decode.go`), and the number is looked for.

mod compare;
mod local;
mod place;

use crate::error::ArgumentError;
use crate::gob::number::take_int;
use crate::gob::shape::TypeId;
use crate::gob::table::TypeSet;
use local::Local;

/// Why a gob value does not fit a Rust type. The texts are Go's.
///
/// Rust's types go by the names they have in Go, structs by that of `#[gob(name = "…")]` or
/// their own, without a package. gob tells 64-bit integers and Go's `int` apart as little as
/// Rust does: an `i64` is called `int`, and so is an integer of whatever width if it is a part
/// of another type and only its kind is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// What should be a struct is something else.
    #[error("gob: type mismatch in decoder: want struct type {local}; got non-struct")]
    NotAStruct {
        /// The struct that it should be.
        local: Box<str>,
    },
    /// A field is of another kind.
    #[error("gob: wrong type ({local}) for received field {remote}.{field}")]
    Field {
        /// What the field is here.
        local: Box<str>,
        /// The peer's name for the struct that has the field.
        remote: Box<str>,
        /// The field.
        field: Box<str>,
    },
    /// Structs without a field in common.
    #[error("gob: type mismatch: no fields matched compiling decoder for {local}")]
    Strangers {
        /// The struct here.
        local: Box<str>,
    },
    /// The value is of another kind.
    #[error("gob: decoding into local type *{local}, received remote type {remote}")]
    Kind {
        /// What it should be.
        local: Box<str>,
        /// What it is.
        remote: Box<str>,
    },
    /// An interface should have come, and something else did.
    #[error(
        "gob: local interface type *{local} can only be decoded from remote interface type; received concrete type {remote}"
    )]
    NotAnInterface {
        /// The interface type.
        local: Box<str>,
        /// What came.
        remote: Box<str>,
    },
    /// A number is too large for the width that it has here.
    #[error("value for \"{place}\" out of range")]
    OutOfRange {
        /// The innermost field that holds it, as in `A` or `element of List`, or else the type
        /// of the whole value.
        place: Box<str>,
    },
}

/// Says why `message`, a value of one of the `remote` types, does not decode as a `T`. `decode`
/// tries whether another value of that type does.
pub(super) fn explain<T: gobwire::Decode>(
    error: gobwire::Error,
    remote: &TypeSet,
    message: &[u8],
    decode: impl FnMut(&[u8]) -> Result<T, gobwire::Error>,
) -> ArgumentError {
    let mut value = message;
    let (Some(local), Ok(id)) = (Local::of::<T>(), take_int(&mut value)) else {
        return error.into();
    };
    let id = TypeId(id);
    if let gobwire::Error::Overflow(width) = error {
        let root = local.named(width);
        return place::find(remote, message, width, &root, decode).into();
    }
    let gobwire::Error::TypeMismatch(text) = &error else {
        return error.into();
    };
    let local = local.renamed(std::any::type_name::<T>());
    match compare::compare(&local, remote, id) {
        Some(misfit) => misfit.into(),
        // Deeper than we compare. Other texts are those of a type's own `Decode`.
        None if text.starts_with("decoding into local type") => {
            compare::kind(&local, remote, id).into()
        }
        None => error.into(),
    }
}

/// A text of [`gobwire`], its names of Rust types without their modules.
pub(crate) fn without_modules(error: &gobwire::Error) -> String {
    let text = error.to_string();
    let mut parts = text.split("::").peekable();
    let mut short = String::new();
    while let Some(part) = parts.next() {
        let is_module = |char: char| char.is_alphanumeric() || char == '_';
        short.push_str(if parts.peek().is_some() {
            part.trim_end_matches(is_module)
        } else {
            part
        });
    }
    short
}

#[cfg(test)]
mod tests;
