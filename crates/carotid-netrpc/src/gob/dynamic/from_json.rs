//! JSON as gob sends it: what Go's `json.Unmarshal` puts into an `any`.

use std::sync::LazyLock;

use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::gob::dynamic::error::ValueError;
use crate::gob::dynamic::value::Value;
use crate::gob::shape::{Shape, TypeId};
use crate::gob::table::TypeSet;

/// The composed types of JSON.
struct Types {
    set: TypeSet,
    list: TypeId,
    object: TypeId,
}

/// One set for all, so that a connection defines its types once.
static TYPES: LazyLock<Types> = LazyLock::new(|| {
    let set = TypeSet::new();
    let elem = TypeId::INTERFACE;
    let key = TypeId::STRING;
    Types {
        list: set.add("", Shape::Slice { elem }),
        object: set.add("", Shape::Map { key, elem }),
        set,
    }
});

/// The type that gob would send this as.
pub(crate) fn kind(text: &RawValue) -> (&'static TypeSet, TypeId) {
    let types = &*TYPES;
    let id = match text.get().as_bytes().first() {
        Some(b'{') => types.object,
        Some(b'[') => types.list,
        Some(b'"') => TypeId::STRING,
        Some(b't' | b'f') => TypeId::BOOL,
        Some(b'n') | None => TypeId::INTERFACE,
        Some(_) => TypeId::FLOAT,
    };
    (&types.set, id)
}

/// The value itself; its type is [`kind`].
pub(crate) fn value(text: &RawValue) -> Result<Value, ValueError> {
    // Go, too, refuses the few numbers that are JSON and no float64.
    let json = serde_json::from_str(text.get()).map_err(|_| ValueError::Mismatch)?;
    Ok(plain(json))
}

fn plain(json: Json) -> Value {
    match json {
        Json::Null => Value::Interface(None),
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or_default()),
        Json::String(text) => Value::text(text),
        Json::Array(list) => Value::List(list.into_iter().map(held).collect()),
        Json::Object(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, json)| (Value::text(key), held(json)))
                .collect(),
        ),
    }
}

/// What an `any` holds, under the names of Go's `gob.Register`.
fn held(json: Json) -> Value {
    let types = &*TYPES;
    let (name, id) = match &json {
        Json::Null => return Value::Interface(None),
        Json::Bool(_) => ("bool", TypeId::BOOL),
        Json::Number(_) => ("float64", TypeId::FLOAT),
        Json::String(_) => ("string", TypeId::STRING),
        Json::Array(_) => ("[]interface {}", types.list),
        Json::Object(_) => ("map[string]interface {}", types.object),
    };
    Value::interface(name, id, plain(json))
}
