//! Random types and values, through both ends of a connection.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::codec::{CallWriter, Incoming, ReplyReader, ServerCodec};
use crate::gob::number::{put_int, put_message, put_uint};
use crate::gob::shape::{self, Definition, Field, Marshaler, Shape};
use crate::{Answer, ServerError};

const LIMIT: usize = 1024 * 1024;

/// A type, before it is in a set.
#[derive(Clone, Debug)]
enum Kind {
    Basic(usize),
    Slice(Box<Self>),
    Array(Box<Self>, usize),
    Map(Box<Self>, Box<Self>),
    Struct(Vec<Self>),
    Held(Box<Self>),
    Marshaled,
    Recursive,
}

fn kinds() -> impl Strategy<Value = Kind> {
    let leaf = prop_oneof![
        4 => (0usize..7).prop_map(Kind::Basic),
        1 => Just(Kind::Marshaled),
        1 => Just(Kind::Recursive),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed().prop_map(Kind::Slice),
            (boxed(), 0usize..4).prop_map(|(elem, len)| Kind::Array(elem, len)),
            (boxed(), boxed()).prop_map(|(key, elem)| Kind::Map(key, elem)),
            vec(inner.clone(), 0..6).prop_map(Kind::Struct),
            boxed().prop_map(Kind::Held),
        ]
    })
}

/// Puts types into a set and makes values of them from a supply of numbers.
struct Maker {
    types: TypeSet,
    supply: Vec<u64>,
    at: usize,
}

impl Maker {
    fn next(&mut self) -> u64 {
        self.at += 1;
        self.supply[self.at % self.supply.len()].wrapping_add(self.at as u64 / 7)
    }

    fn count(&mut self) -> usize {
        if self.at > 2000 {
            0
        } else {
            (self.next() % 4) as usize
        }
    }

    fn add(&self, kind: &Kind) -> TypeId {
        let elem = |kind: &Kind| self.add(kind);
        let shape = match kind {
            Kind::Basic(at) => return TypeId(*at as i64 + 1),
            Kind::Held(_) => return TypeId::INTERFACE,
            Kind::Slice(kind) => Shape::Slice { elem: elem(kind) },
            Kind::Array(kind, len) => Shape::Array {
                elem: elem(kind),
                len: *len as u64,
            },
            Kind::Map(key, kind) => Shape::Map {
                key: elem(key),
                elem: elem(kind),
            },
            Kind::Struct(kinds) => Shape::Struct {
                fields: kinds
                    .iter()
                    .enumerate()
                    .map(|(at, kind)| Field {
                        name: format!("F{at}").into(),
                        id: elem(kind),
                    })
                    .collect(),
            },
            Kind::Marshaled => Shape::Marshaled(Marshaler::Binary),
            Kind::Recursive => {
                return self.types.add_recursive("R", |elem| Shape::Slice { elem });
            }
        };
        self.types.add("T", shape)
    }

    fn value(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Basic(0) => Value::Bool(self.next() & 1 == 0),
            Kind::Basic(1) => Value::Int(self.next().cast_signed()),
            Kind::Basic(2) => Value::Uint(self.next()),
            Kind::Basic(3) => Value::Float(self.next() as f64),
            Kind::Basic(4) => Value::Bytes(self.next().to_be_bytes().to_vec()),
            Kind::Basic(5) => Value::Text(self.next().to_be_bytes().to_vec()),
            Kind::Basic(_) => Value::Complex(self.next() as f64, 0.5),
            Kind::Held(kind) => {
                if self.next() & 3 == 0 {
                    return Value::Interface(None);
                }
                let id = self.add(kind);
                Value::interface("registered", id, self.value(kind))
            }
            Kind::Slice(kind) => Value::List((0..self.count()).map(|_| self.value(kind)).collect()),
            Kind::Array(kind, len) => Value::List((0..*len).map(|_| self.value(kind)).collect()),
            Kind::Map(key, kind) => Value::Map(
                (0..self.count())
                    .map(|_| (self.value(key), self.value(kind)))
                    .collect(),
            ),
            Kind::Struct(kinds) => Value::Struct(
                kinds
                    .iter()
                    .enumerate()
                    .map(|(at, kind)| (at, self.value(kind)))
                    .collect(),
            ),
            Kind::Marshaled => Value::Marshaled(vec![1, 2, 3]),
            Kind::Recursive => {
                let mut nest = Value::List(Vec::new());
                for _ in 0..self.next() % 100 {
                    nest = Value::List(vec![Value::List(Vec::new()), nest]);
                }
                nest
            }
        }
    }
}

/// The value without the ids of types, which are another set's.
fn text(dynamic: &Dynamic) -> String {
    let text = format!("{:?}", dynamic.value().unwrap());
    let parts = text.split("TypeId(");
    let digit = |c: char| c.is_ascii_digit();
    parts.map(|part| part.trim_start_matches(digit)).collect()
}

/// Serves calls that are echoed; returns what came, and the replies.
fn echo(chunks: &[&[u8]]) -> (Vec<String>, Vec<u8>) {
    let mut codec = ServerCodec::new(LIMIT);
    let (mut seen, mut out) = (Vec::new(), Vec::new());
    for mut input in chunks.iter().copied() {
        while let Ok(Some(incoming)) = codec.poll(&mut input) {
            let Incoming::Call(mut call) = incoming else {
                continue;
            };
            let decoded = call.argument.decode::<Dynamic>();
            let outcome = decoded.map_err(ServerError::from).map(|dynamic| {
                if dynamic.value().is_ok() {
                    seen.push(text(&dynamic));
                }
                Answer::value(dynamic)
            });
            let (method, id) = (call.method, call.id);
            codec.reply(&mut out, &method, &id, outcome.as_ref());
        }
    }
    (seen, out)
}

fn replies(mut input: &[u8]) -> Vec<String> {
    let mut reader = ReplyReader::new(LIMIT);
    let mut seen = Vec::new();
    while let Some(mut reply) = reader.poll(&mut input).unwrap() {
        assert_eq!(reply.error, "");
        seen.push(text(&reply.body.decode().unwrap()));
    }
    seen
}

fn calls(dynamics: &[Dynamic]) -> Vec<u8> {
    let mut writer = CallWriter::new();
    let mut stream = Vec::new();
    for (seq, dynamic) in (0..).zip(dynamics) {
        writer.call(&mut stream, "A.B", seq, dynamic).unwrap();
    }
    stream
}

fn dynamics() -> impl Strategy<Value = Vec<Dynamic>> {
    let one = (kinds(), vec(any::<u64>(), 1..40)).prop_map(|(kind, supply)| {
        let types = TypeSet::new();
        let mut maker = Maker {
            types,
            supply,
            at: 0,
        };
        let id = maker.add(&kind);
        let value = maker.value(&kind);
        Dynamic::new(&maker.types, id, &value).unwrap()
    });
    vec(one, 1..4)
}

proptest! {
    #[test]
    fn any_value_of_any_type_comes_and_goes_unchanged(dynamics in dynamics(), cut in any::<usize>()) {
        let stream = calls(&dynamics);
        let expected: Vec<_> = dynamics.iter().map(text).collect();
        let (seen, out) = echo(&[&stream]);
        prop_assert_eq!(&seen, &expected);
        prop_assert_eq!(replies(&out), expected);
        let (left, right) = stream.split_at(cut % stream.len());
        prop_assert_eq!(echo(&[left, right]), (seen, out));
    }

    #[test]
    fn gobwire_reads_what_is_written(dynamics in dynamics()) {
        let stream = calls(&dynamics);
        let mut decoder = gobwire::Decoder::new();
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let message = crate::gob::number::take_bytes(&mut rest).unwrap();
            if decoder.push_message(message).unwrap() == gobwire::Progress::Ready {
                decoder.discard().unwrap();
            }
        }
    }

    #[test]
    fn damage_is_refused_and_never_panics(
        dynamics in dynamics(),
        damage in vec((any::<usize>(), any::<u8>()), 1..8),
    ) {
        let mut stream = calls(&dynamics);
        for (at, byte) in damage {
            let at = at % stream.len();
            stream[at] = byte;
        }
        let (seen, out) = echo(&[&stream]);
        // Whatever was taken is sent in a form that can be read.
        let mut reader = ReplyReader::new(8 * LIMIT);
        let mut input = &out[..];
        let mut seen = seen.iter();
        while let Some(mut reply) = reader.poll(&mut input).unwrap() {
            if reply.error.is_empty() {
                let back = text(&reply.body.decode().unwrap());
                prop_assert!(seen.any(|seen| *seen == back), "{} was not sent", back);
            }
        }
    }

    #[test]
    fn json_of_any_value_is_json(dynamics in dynamics()) {
        for dynamic in &dynamics {
            if let Ok(text) = serde_json::to_string(dynamic) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            }
        }
    }
}

fn set_of(name: &str) -> (TypeSet, TypeId) {
    let types = TypeSet::new();
    let id = types.add_recursive(name, |id| Shape::Struct {
        fields: vec![field("Value", 2), field("Next", id.0)],
    });
    (types, id)
}

#[test]
fn a_type_is_defined_once_whichever_set_it_is_of() {
    let value = Value::Struct(vec![(0, Value::Int(7))]);
    let of = |name| {
        let (types, id) = set_of(name);
        Dynamic::new(&types, id, &value).unwrap()
    };
    let one = calls(&[of("Node")]).len();
    let two = calls(&[of("Node"), of("Node")]).len();
    let other = calls(&[of("Node"), of("Other")]).len();
    assert!(two - one < 30, "{one} {two}");
    assert!(other - two > 20, "{two} {other}");
}

#[test]
fn a_value_is_checked_against_its_type() {
    let (types, id) = set_of("Node");
    let is = |value: Value| Dynamic::new(&types, id, &value).err();
    assert_eq!(is(Value::Int(1)), Some(ValueError::Mismatch));
    let wrong = vec![(0, Value::Text(Vec::new()))];
    // Go leaves an empty string out, so nobody can tell that it is not a zero.
    assert_eq!(is(Value::Struct(wrong)), None);
    let wrong = vec![(0, Value::text("x"))];
    assert_eq!(is(Value::Struct(wrong)), Some(ValueError::Mismatch));
    let beyond = vec![(2, Value::Int(1))];
    assert_eq!(is(Value::Struct(beyond)), Some(ValueError::FieldNumber));
    let twice = vec![(0, Value::Int(1)), (0, Value::Int(2))];
    assert_eq!(is(Value::Struct(twice)), Some(ValueError::FieldNumber));
    let unknown = TypeId(1 << 40);
    let error = Dynamic::new(&types, unknown, &Value::Int(1)).err();
    assert_eq!(error, Some(ValueError::Undefined(1 << 40)));
}

#[test]
fn json_values_go_out_as_gos_any() {
    let json = r#"{"a":[1,true,null,"x"]}"#;
    let dynamic: Dynamic = serde_json::from_str(json).unwrap();
    let stream = calls(&[dynamic.clone(), dynamic.clone()]);
    let (seen, out) = echo(&[&stream]);
    assert_eq!(seen, replies(&out));
    assert_eq!(seen, [text(&dynamic), text(&dynamic)]);
    assert!(seen[0].contains("Float(1.0)"), "{}", seen[0]);
    assert_eq!(serde_json::to_string(&dynamic).unwrap(), json);
    assert_eq!(dynamic.json(), Some(json));
    assert_eq!(Dynamic::default().value(), Ok(Value::Interface(None)));
}

#[test]
fn json_of_a_struct_has_its_names() {
    let types = TypeSet::new();
    let id = types.add(
        "",
        Shape::Struct {
            fields: vec![
                field("Name", 6),
                field("Data", 5),
                field("Zero", 2),
                field("Any", 8),
            ],
        },
    );
    let value = Value::Struct(vec![
        (0, Value::Text(b"x\xff".to_vec())),
        (1, Value::Bytes(b"foob".to_vec())),
        (2, Value::Int(0)),
        (3, Value::interface("int", TypeId::INT, Value::Int(-1))),
    ]);
    let dynamic = Dynamic::new(&types, id, &value).unwrap();
    assert_eq!(
        serde_json::to_string(&dynamic).unwrap(),
        "{\"Name\":\"x\u{fffd}\",\"Data\":\"Zm9vYg==\",\"Any\":-1}"
    );
}

/// A definition of type `id`, as a peer writes it.
fn define(id: i64, shape: Shape) -> Vec<u8> {
    let name = "T".into();
    let definition = Definition { name, shape };
    let mut message = Vec::new();
    put_message(&mut message, |out| {
        shape::put(out, id, &definition, |id| id.0)
    });
    message
}

/// A call after these definitions, as a peer may write it.
fn call(definitions: &[Vec<u8>], body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut stream = calls(&[Dynamic::default()]);
    // The argument of that call is a nil interface, four bytes with its length.
    stream.truncate(stream.len() - 4);
    stream.extend(definitions.concat());
    put_message(&mut stream, body);
    stream
}

fn field(name: impl Into<String>, id: i64) -> Field {
    Field {
        name: name.into().into(),
        id: TypeId(id),
    }
}

#[test]
fn types_that_multiply_cost_nothing() {
    // Each type is made of the next one twice: 2^60 fields, if one were to write them out.
    let doubled = |id| Shape::Struct {
        fields: vec![field("A", id + 1), field("B", id + 1)],
    };
    let mut definitions: Vec<_> = (70..130).map(|id| define(id, doubled(id))).collect();
    definitions.push(define(130, Shape::Slice { elem: TypeId::INT }));
    let stream = call(&definitions, |out| {
        put_int(out, 70);
        put_uint(out, 0);
    });
    let (seen, out) = echo(&[&stream]);
    assert_eq!(seen, ["Struct([])"]);
    assert_eq!(replies(&out), seen);
}

#[test]
fn a_wide_struct_costs_no_more_than_what_is_there() {
    const COUNT: usize = 100_000;
    let fields = (0..1000).map(|at| field(format!("F{at}"), 2)).collect();
    let elem = TypeId(70);
    let definitions = [
        define(70, Shape::Struct { fields }),
        define(71, Shape::Slice { elem }),
    ];
    let stream = call(&definitions, |out| {
        put_int(out, 71);
        put_uint(out, 0);
        put_uint(out, COUNT as u64);
        out.resize(out.len() + COUNT, 0);
    });
    let mut codec = ServerCodec::new(LIMIT);
    let Some(Incoming::Call(mut call)) = codec.poll(&mut &stream[..]).unwrap() else {
        panic!("a call");
    };
    let dynamic: Dynamic = call.argument.decode().unwrap();
    let Value::List(list) = dynamic.value().unwrap() else {
        panic!("a list");
    };
    assert_eq!(list, vec![Value::Struct(Vec::new()); COUNT]);
}

#[test]
fn deep_values_are_kept_and_only_not_taken_apart() {
    let elem = TypeId(70);
    let definitions = [define(70, Shape::Slice { elem })];
    for (depth, kept) in [(100, true), (9_999, true), (10_001, false)] {
        let stream = call(&definitions, |out| {
            put_int(out, 70);
            put_uint(out, 0);
            out.resize(out.len() + depth, 1);
            put_uint(out, 0);
        });
        let (seen, out) = echo(&[&stream]);
        assert_eq!(seen.len(), usize::from(depth == 100));
        let mut reader = ReplyReader::new(LIMIT);
        let reply = reader.poll(&mut &out[..]).unwrap().unwrap();
        assert_eq!(reply.error.is_empty(), kept, "{depth}: {}", reply.error);
    }
}
