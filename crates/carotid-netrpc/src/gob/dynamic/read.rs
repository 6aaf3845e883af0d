//! Takes values apart.

use crate::gob::dynamic::error::ValueError;
use crate::gob::dynamic::value::{Concrete, Value};
use crate::gob::number::{take_bytes, take_int, take_uint};
use crate::gob::shape::{Definition, Shape, TypeId};
use crate::gob::table::TypeSet;

/// Reads a framed value without definitions.
pub(crate) fn framed(types: &TypeSet, id: TypeId, mut input: &[u8]) -> Result<Value, ValueError> {
    take_framed(types, id, &mut input, Value::MAX_DEPTH)
}

fn take_framed(
    types: &TypeSet,
    id: TypeId,
    input: &mut &[u8],
    depth: usize,
) -> Result<Value, ValueError> {
    if !types.is_struct(id)? && take_uint(input)? != 0 {
        return Err(ValueError::NotSingle);
    }
    take(types, id, input, depth)
}

fn take(types: &TypeSet, id: TypeId, input: &mut &[u8], depth: usize) -> Result<Value, ValueError> {
    Ok(match id {
        TypeId::BOOL => Value::Bool(take_uint(input)? != 0),
        TypeId::INT => Value::Int(take_int(input)?),
        TypeId::UINT => Value::Uint(take_uint(input)?),
        TypeId::FLOAT => Value::Float(take_float(input)?),
        TypeId::COMPLEX => Value::Complex(take_float(input)?, take_float(input)?),
        TypeId::BYTES => Value::Bytes(take_bytes(input)?.to_vec()),
        TypeId::STRING => Value::Text(take_bytes(input)?.to_vec()),
        _ => {
            let limit = Value::MAX_DEPTH;
            let depth = depth.checked_sub(1).ok_or(ValueError::TooDeep { limit })?;
            if id == TypeId::INTERFACE {
                Value::Interface(take_interface(types, input, depth)?)
            } else {
                take_composed(types, &*types.definition(id)?, input, depth)?
            }
        }
    })
}

fn take_float(input: &mut &[u8]) -> Result<f64, ValueError> {
    Ok(f64::from_bits(take_uint(input)?.swap_bytes()))
}

fn take_interface(
    types: &TypeSet,
    input: &mut &[u8],
    depth: usize,
) -> Result<Option<Box<Concrete>>, ValueError> {
    let name = take_bytes(input)?.to_vec();
    if name.is_empty() {
        return Ok(None);
    }
    let id = TypeId(take_int(input)?);
    take_uint(input)?;
    let value = take_framed(types, id, input, depth)?;
    Ok(Some(Box::new(Concrete { name, id, value })))
}

fn take_composed(
    types: &TypeSet,
    definition: &Definition,
    input: &mut &[u8],
    depth: usize,
) -> Result<Value, ValueError> {
    Ok(match &definition.shape {
        Shape::Array { elem, .. } | Shape::Slice { elem } => {
            // Every element takes a byte at least, so the count cannot outrun the input.
            let count = take_uint(input)?;
            let mut list = Vec::new();
            for _ in 0..count {
                list.push(take(types, *elem, input, depth)?);
            }
            Value::List(list)
        }
        Shape::Map { key, elem } => {
            let count = take_uint(input)?;
            let mut entries = Vec::new();
            for _ in 0..count {
                let key = take(types, *key, input, depth)?;
                entries.push((key, take(types, *elem, input, depth)?));
            }
            Value::Map(entries)
        }
        Shape::Struct { fields } => {
            let mut present = Vec::new();
            let mut next = 0usize;
            loop {
                let delta = take_uint(input)?;
                if delta == 0 {
                    break Value::Struct(present);
                }
                next = usize::try_from(delta)
                    .ok()
                    .and_then(|delta| next.checked_add(delta))
                    .ok_or(ValueError::FieldNumber)?;
                let field = fields.get(next - 1).ok_or(ValueError::FieldNumber)?;
                present.push((next - 1, take(types, field.id, input, depth)?));
            }
        }
        Shape::Marshaled(_) => Value::Marshaled(take_bytes(input)?.to_vec()),
    })
}
