//! Why a gob value cannot be read or written without a Rust type of its own.

use crate::error::WireError;

/// Why a value is not a value of its type.
///
/// No variant carries text chosen by the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The message ended inside the value.
    #[error("message ends inside a value")]
    Truncated,
    /// A number that no encoder writes.
    #[error("encoded unsigned integer out of range")]
    BadNumber,
    /// The value, or a part of it, is of a type that was not defined.
    #[error("undefined type {0}")]
    Undefined(i64),
    /// A type id was defined a second time, or is not free to define.
    #[error("duplicate type received")]
    DefinedTwice,
    /// A definition that no encoder writes.
    #[error("malformed type definition")]
    BadDefinition,
    /// More type definitions than a connection may have.
    #[error("too many type definitions")]
    TooManyTypes,
    /// A struct value names a field that its type does not have.
    #[error("field numbers out of bounds")]
    FieldNumber,
    /// An array with more or fewer elements than its type says.
    #[error("length mismatch in array")]
    ArrayLength,
    /// A value outside a struct that is marked as if it were in one.
    #[error("non-zero delta for singleton")]
    NotSingle,
    /// The name of the type that an interface holds has more than 1,024 bytes, Go's limit.
    #[error("name of a concrete type is too long")]
    LongName,
    /// Deeper nesting than [`Dynamic`](crate::Dynamic) keeps.
    #[error("nesting is deeper than {limit}")]
    TooDeep {
        /// The limit in levels.
        limit: usize,
    },
    /// The value to be written is not of the type it is to be written as.
    #[error("value does not fit its type")]
    Mismatch,
    /// An interface that holds something must name the type it holds.
    #[error("interface value needs the registered name of its type")]
    Nameless,
}

impl From<WireError> for ValueError {
    /// What can go wrong with a number or a counted string.
    fn from(error: WireError) -> Self {
        if matches!(error, WireError::BadNumber) {
            Self::BadNumber
        } else {
            Self::Truncated
        }
    }
}
