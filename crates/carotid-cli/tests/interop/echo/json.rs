//! What Go's JSON says of a value of a known type.

use carotid_netrpc::{TypeId, Value};
use serde_json::Value as Json;

use super::described::{Form, Kind};

/// The value that the text stands for. `anys` is the type of lists within an `any`.
pub(super) fn value(kind: &Kind, anys: TypeId, text: &str) -> Value {
    let json = serde_json::from_str(text).unwrap();
    some(kind, anys, &json).unwrap_or_else(|| panic!("{kind} cannot be {text}"))
}

/// `None` for a nil pointer or map, which a value leaves out.
#[expect(
    clippy::cast_possible_truncation,
    reason = "Go shortens a float32 as such"
)]
fn some(kind: &Kind, anys: TypeId, json: &Json) -> Option<Value> {
    let part = |kind: &Kind, json| some(kind, anys, json);
    Some(match &kind.form {
        Form::Bool => Value::Bool(json.as_bool()?),
        Form::Int(_) => Value::Int(json.as_i64()?),
        Form::Uint(_) => Value::Uint(json.as_u64()?),
        Form::Float(32) => Value::Float(f64::from(json.as_f64()? as f32)),
        Form::Float(_) => Value::Float(json.as_f64()?),
        Form::Text => Value::text(json.as_str()?),
        Form::Bytes => Value::Bytes(bytes(json.as_str().unwrap_or_default())),
        Form::Any => any(anys, json),
        Form::Slice(elem) | Form::Array(elem, _) => {
            let list = json.as_array().into_iter().flatten();
            Value::List(list.map(|json| part(elem, json)).collect::<Option<_>>()?)
        }
        Form::Map(key, elem) => {
            let entries = json.as_object()?.iter();
            let entries = entries.map(|(name, json)| Some((named(key, name)?, part(elem, json)?)));
            Value::Map(entries.collect::<Option<_>>()?)
        }
        // An element cannot be a nil pointer, but point to a nil interface.
        Form::Pointer(_) if json.is_null() => {
            return leads_to_any(kind).then_some(Value::Interface(None));
        }
        Form::Pointer(to) => part(to, json)?,
        Form::Struct(parts) => {
            // The order of an object's fields is lost, but their names have their number.
            let fields = parts.iter().enumerate();
            let fields = fields.filter_map(|(place, kind)| {
                let json = &json[format!("Feld_{place}_ä")];
                Some((place, part(kind, json)?))
            });
            Value::Struct(fields.collect())
        }
        Form::Node => node(json)?,
        Form::Nest => nest(json),
        Form::Complex(_) | Form::Left | Form::Time | Form::Gobbed => return None,
    })
}

fn leads_to_any(kind: &Kind) -> bool {
    if let Form::Pointer(to) = &kind.form {
        return leads_to_any(to);
    }
    matches!(kind.form, Form::Any)
}

fn named(key: &Kind, name: &str) -> Option<Value> {
    if let Form::Text = key.form {
        Some(Value::text(name))
    } else if let Form::Int(_) = key.form {
        name.parse().ok().map(Value::Int)
    } else {
        name.parse().ok().map(Value::Uint)
    }
}

fn any(anys: TypeId, json: &Json) -> Value {
    match json {
        Json::Bool(value) => Value::interface("bool", TypeId::BOOL, Value::Bool(*value)),
        Json::Number(number) => {
            let float = Value::Float(number.as_f64().unwrap());
            Value::interface("float64", TypeId::FLOAT, float)
        }
        Json::String(text) => Value::interface("string", TypeId::STRING, Value::text(text)),
        Json::Array(list) => {
            let list = list.iter().map(|json| any(anys, json));
            Value::interface("list", anys, Value::List(list.collect()))
        }
        Json::Null | Json::Object(_) => Value::Interface(None),
    }
}

fn node(json: &Json) -> Option<Value> {
    let value = Value::Int(json["Value"].as_i64()?);
    let next = node(&json["Next"]).map(|next| (1, next));
    Some(Value::Struct(
        [(0, value)].into_iter().chain(next).collect(),
    ))
}

fn nest(json: &Json) -> Value {
    Value::List(json.as_array().into_iter().flatten().map(nest).collect())
}

/// Undoes Base64.
fn bytes(text: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0usize, 0);
    for digit in text.trim_end_matches('=').chars() {
        bits = bits << 6 | DIGITS.find(digit).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}
