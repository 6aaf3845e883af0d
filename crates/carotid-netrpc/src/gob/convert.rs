//! What gob can read and write: types known to Rust, and dynamic values.

use crate::error::ArgumentError;
use crate::gob::misfit;
use crate::gob::sent::Sent;
use crate::gob::table::TypeSet;
use crate::gob::types::Types;

/// A type that gob can read: any that implements [`gobwire::Decode`], and
/// [`Dynamic`](crate::Dynamic).
pub trait FromGob: Sized {
    /// Reads a value.
    ///
    /// # Errors
    ///
    /// The value does not fit the type.
    #[doc(hidden)]
    fn from_gob(received: Received<'_>) -> Result<Self, ArgumentError>;
}

/// A type that gob can write: any that implements [`gobwire::Encode`], and
/// [`Dynamic`](crate::Dynamic).
pub trait ToGob {
    /// Appends the message of a value to `body`. Definitions may go there before it, or to
    /// `out`, which is sent earlier and also if this fails.
    ///
    /// # Errors
    ///
    /// The value has no gob form.
    #[doc(hidden)]
    fn put_gob(
        &self,
        sent: &mut Sent,
        out: &mut Vec<u8>,
        body: &mut Vec<u8>,
    ) -> Result<(), gobwire::Error>;
}

/// A whole value from a stream.
#[derive(Debug)]
pub struct Received<'v> {
    /// `None` if the value is of a basic type.
    pub(crate) types: Option<&'v mut Types>,
    /// Its type id and the value, without definitions.
    pub(crate) message: &'v [u8],
}

impl<T: gobwire::Decode + Default> FromGob for T {
    fn from_gob(received: Received<'_>) -> Result<Self, ArgumentError> {
        let message = received.message;
        let Some(types) = received.types else {
            return basic(message)
                .map_err(|error| misfit::explain(error, &TypeSet::new(), message, basic::<T>));
        };
        types.decode(message).map_err(|error| match types.set() {
            Ok(set) => {
                let set = set.clone();
                misfit::explain(error, &set, message, |message| types.decode::<T>(message))
            }
            Err(_) => error.into(),
        })
    }
}

/// Reads a value of a basic type.
fn basic<T: gobwire::Decode + Default>(message: &[u8]) -> Result<T, gobwire::Error> {
    let mut decoder = gobwire::Decoder::new();
    decoder.push_message(message)?;
    decoder.decode()
}

impl<T: gobwire::Encode + ?Sized> ToGob for T {
    fn put_gob(
        &self,
        sent: &mut Sent,
        out: &mut Vec<u8>,
        body: &mut Vec<u8>,
    ) -> Result<(), gobwire::Error> {
        sent.typed(out).encode_into(self, body)
    }
}
