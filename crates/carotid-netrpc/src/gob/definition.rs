//! Type definitions of structs, as far as headers need them.
//!
//! A definition is a value of Go's `wireType`; only its third field, the definition of a
//! struct, is read and written here, borrowed from what came; `shape.rs` has all kinds, to be kept.

use crate::error::WireError;
use crate::gob::number::{put_int, put_message, put_uint, take_bytes, take_int, take_uint};
use crate::gob::shape::put_named;

/// `wireType.StructT` is the third field.
const STRUCT: u64 = 3;

/// One field of the peer's struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'i> {
    pub(crate) name: &'i [u8],
    pub(crate) id: i64,
}

/// The fields of the struct that `body` (the definition after its type id) defines, or `None`
/// if it defines something else.
pub(crate) fn struct_fields<'i>(body: &'i [u8]) -> Result<Option<Vec<Field<'i>>>, WireError> {
    let mut input = body;
    if take_uint(&mut input)? != STRUCT {
        return Ok(None);
    }
    let mut fields = Vec::new();
    let mut number = 0;
    while let Some(delta) = next_delta(&mut input)? {
        number += delta;
        match number {
            1 => skip_common(&mut input)?,
            2 => {
                let count = take_uint(&mut input)?;
                for _ in 0..count {
                    // Every field takes a byte at least, so the count cannot outrun the input.
                    fields.push(take_field(&mut input)?);
                }
            }
            _ => return Err(WireError::NotAHeader),
        }
    }
    Ok(Some(fields))
}

/// Appends the definition of a struct as one message. An empty `name` is left out, as Go does.
pub(crate) fn put_struct(out: &mut Vec<u8>, id: i64, name: &str, fields: &[(&str, i64)]) {
    put_message(out, |out| {
        put_int(out, -id);
        put_uint(out, STRUCT);
        put_uint(out, 1);
        put_named(out, name, id);
        if !fields.is_empty() {
            put_uint(out, 1);
            put_uint(out, fields.len() as u64);
            for (name, id) in fields {
                put_named(out, name, *id);
            }
        }
        out.extend_from_slice(&[0, 0]);
    });
}

/// The distance to the next field, or `None` at the end of the struct.
fn next_delta(input: &mut &[u8]) -> Result<Option<u64>, WireError> {
    match take_uint(input)? {
        0 => Ok(None),
        // No definition has more than two fields; this also keeps the sum from overflowing.
        delta if delta > 2 => Err(WireError::NotAHeader),
        delta => Ok(Some(delta)),
    }
}

fn skip_common(input: &mut &[u8]) -> Result<(), WireError> {
    let mut number = 0;
    while let Some(delta) = next_delta(input)? {
        number += delta;
        match number {
            1 => drop(take_bytes(input)?),
            2 => drop(take_int(input)?),
            _ => return Err(WireError::NotAHeader),
        }
    }
    Ok(())
}

fn take_field<'i>(input: &mut &'i [u8]) -> Result<Field<'i>, WireError> {
    let mut field = Field { name: &[], id: 0 };
    let mut number = 0;
    while let Some(delta) = next_delta(input)? {
        number += delta;
        match number {
            1 => field.name = take_bytes(input)?,
            2 => field.id = take_int(input)?,
            _ => return Err(WireError::NotAHeader),
        }
    }
    Ok(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gob::ids;

    #[test]
    fn a_written_definition_is_read_back_here_and_by_gobwire() {
        let mut out = Vec::new();
        let fields = [("ServiceMethod", ids::STRING), ("Seq", ids::UINT)];
        put_struct(&mut out, 64, "Request", &fields);
        let mut body = &out[1..];
        assert_eq!(
            gobwire::Decoder::new().push_message(body).unwrap(),
            gobwire::Progress::TypeDefinition(64)
        );
        assert_eq!(take_int(&mut body).unwrap(), -64);
        let read = struct_fields(body).unwrap().unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[1].name, b"Seq");
        assert_eq!(read[1].id, ids::UINT);
    }

    #[test]
    fn a_count_beyond_the_input_is_refused_without_allocating() {
        let body = [3, 2, 0xf8, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert!(matches!(struct_fields(&body), Err(WireError::Truncated)));
    }
}
