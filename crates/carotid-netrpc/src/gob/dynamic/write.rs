//! Puts values together again, as Go writes them.

use crate::gob::dynamic::error::ValueError;
use crate::gob::dynamic::value::{Concrete, Value};
use crate::gob::number::{put_bytes, put_int, put_uint};
use crate::gob::shape::{Definition, Field, Shape, TypeId};
use crate::gob::table::TypeSet;

/// Go reads no longer name of a concrete type.
const MAX_NAME: usize = 1024;

/// A value with its framing. The ids in it are those of `types`.
pub(crate) fn framed(types: &TypeSet, id: TypeId, value: &Value) -> Result<Vec<u8>, ValueError> {
    let mut out = Vec::new();
    put_framed(types, id, value, &mut out, Value::MAX_DEPTH)?;
    Ok(out)
}

fn put_framed(
    types: &TypeSet,
    id: TypeId,
    value: &Value,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), ValueError> {
    if !types.is_struct(id)? {
        put_uint(out, 0);
    }
    put(types, id, value, out, depth)
}

fn put(
    types: &TypeSet,
    id: TypeId,
    value: &Value,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), ValueError> {
    match (id, value) {
        (TypeId::BOOL, Value::Bool(value)) => put_uint(out, u64::from(*value)),
        (TypeId::INT, Value::Int(value)) => put_int(out, *value),
        (TypeId::UINT, Value::Uint(value)) => put_uint(out, *value),
        (TypeId::FLOAT, Value::Float(value)) => put_float(out, *value),
        (TypeId::COMPLEX, Value::Complex(re, im)) => {
            put_float(out, *re);
            put_float(out, *im);
        }
        (TypeId::BYTES, Value::Bytes(bytes)) | (TypeId::STRING, Value::Text(bytes)) => {
            put_bytes(out, bytes);
        }
        (TypeId::INTERFACE, Value::Interface(None)) => put_uint(out, 0),
        (TypeId::INTERFACE, Value::Interface(Some(held))) => {
            put_concrete(types, held, out, deeper(depth)?)?;
        }
        _ if id.is_basic() => return Err(ValueError::Mismatch),
        _ => put_composed(types, &*types.definition(id)?, value, out, deeper(depth)?)?,
    }
    Ok(())
}

fn deeper(depth: usize) -> Result<usize, ValueError> {
    let limit = Value::MAX_DEPTH;
    depth.checked_sub(1).ok_or(ValueError::TooDeep { limit })
}

fn put_float(out: &mut Vec<u8>, value: f64) {
    put_uint(out, value.to_bits().swap_bytes());
}

fn put_concrete(
    types: &TypeSet,
    held: &Concrete,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), ValueError> {
    match held.name.len() {
        0 => return Err(ValueError::Nameless),
        1..=MAX_NAME => put_bytes(out, &held.name),
        _ => return Err(ValueError::LongName),
    }
    put_int(out, held.id.0);
    // Only when it is sent, under other ids, will its length be known.
    put_uint(out, 0);
    put_framed(types, held.id, &held.value, out, depth)
}

fn put_composed(
    types: &TypeSet,
    definition: &Definition,
    value: &Value,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), ValueError> {
    match (&definition.shape, value) {
        (Shape::Array { len, .. }, Value::List(list)) if *len != list.len() as u64 => {
            return Err(ValueError::ArrayLength);
        }
        (Shape::Array { elem, .. } | Shape::Slice { elem }, Value::List(list)) => {
            put_uint(out, list.len() as u64);
            for value in list {
                put(types, *elem, value, out, depth)?;
            }
        }
        (Shape::Map { key, elem }, Value::Map(entries)) => {
            put_uint(out, entries.len() as u64);
            for (left, right) in entries {
                put(types, *key, left, out, depth)?;
                put(types, *elem, right, out, depth)?;
            }
        }
        (Shape::Struct { fields }, Value::Struct(present)) => {
            put_fields(types, fields, present, out, depth)?;
        }
        (Shape::Marshaled(_), Value::Marshaled(bytes)) => put_bytes(out, bytes),
        _ => return Err(ValueError::Mismatch),
    }
    Ok(())
}

fn put_fields(
    types: &TypeSet,
    fields: &[Field],
    present: &[(usize, Value)],
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), ValueError> {
    let mut next = 0;
    for (place, value) in present {
        let field = fields.get(*place).ok_or(ValueError::FieldNumber)?;
        let delta = (place + 1).checked_sub(next).filter(|delta| *delta > 0);
        let delta = delta.ok_or(ValueError::FieldNumber)?;
        if value.is_left_out() || is_empty_slice(types, field.id, value) {
            continue;
        }
        put_uint(out, delta as u64);
        put(types, field.id, value, out, depth)?;
        next = place + 1;
    }
    put_uint(out, 0);
    Ok(())
}

/// Go leaves out slices without elements, but sends arrays and maps.
fn is_empty_slice(types: &TypeSet, id: TypeId, value: &Value) -> bool {
    matches!(value, Value::List(list) if list.is_empty())
        && matches!(
            types.get(id).as_deref(),
            Some(Definition {
                shape: Shape::Slice { .. },
                ..
            })
        )
}
