//! Random types, as gob knows them and as Go writes them, and values of them.

use std::collections::HashSet;
use std::fmt;

use carotid_netrpc::{Field, Marshaler, Shape, TypeId, TypeSet, Value};

use super::dice::Dice;

/// A type: what Go calls it, what gob knows of it, and what its values are.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    text: String,
    pub(super) id: TypeId,
    pub(super) form: Form,
}

/// What its values are; numbers have their bits.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Bool,
    Int(u32),
    Uint(u32),
    Float(u32),
    Complex(u32),
    Text,
    Bytes,
    Any,
    Slice(Box<Kind>),
    Array(Box<Kind>, usize),
    Map(Box<Kind>, Box<Kind>),
    Pointer(Box<Kind>),
    Struct(Vec<Kind>),
    Node,
    Nest,
    Left,
    Time,
    Gobbed,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Makes types and values from a seed.
#[derive(Debug)]
pub(super) struct World {
    pub(super) types: TypeSet,
    pub(super) anys: TypeId,
    dice: Dice,
    json: bool,
    node: TypeId,
    nest: TypeId,
    left: TypeId,
    time: TypeId,
    gobbed: TypeId,
    texts: TypeId,
}

impl World {
    /// With `json`, only what JSON keeps.
    pub(super) fn new(seed: u64, json: bool) -> Self {
        let types = TypeSet::new();
        let node = types.add_recursive("Node", |node| {
            structure([("Value", TypeId::INT), ("Next", node)])
        });
        let nest = types.add_recursive("Nest", |elem| Shape::Slice { elem });
        let [left, ..] = types.add_mutual(|[left, right, lefts, by_int]| {
            [
                ("Left", structure([("R", right), ("N", TypeId::INT)])),
                ("Right", structure([("Ls", lefts), ("M", by_int)])),
                ("", Shape::Slice { elem: left }),
                (
                    "",
                    Shape::Map {
                        key: TypeId::INT,
                        elem: left,
                    },
                ),
            ]
        });
        let marshaled = |name| types.add(name, Shape::Marshaled(Marshaler::Gob));
        let slice = |elem| types.add("", Shape::Slice { elem });
        Self {
            node,
            nest,
            left,
            time: marshaled("Time"),
            gobbed: marshaled("Gobbed"),
            anys: slice(TypeId::INTERFACE),
            texts: slice(TypeId::STRING),
            dice: Dice(seed),
            json,
            types,
        }
    }

    /// A type that is nested up to a depth.
    pub(super) fn kind(&mut self, depth: usize) -> Kind {
        match self.dice.below(if depth == 0 { 4 } else { 12 }) {
            0..=2 => self.basic(),
            3 => self.named(),
            4 | 5 => {
                let elem = self.kind(depth - 1);
                if elem.text == "uint8" {
                    return basic("[]uint8", TypeId::BYTES, Form::Bytes);
                }
                let shape = Shape::Slice { elem: elem.id };
                self.composed(format!("[]{elem}"), shape, Form::Slice(elem.into()))
            }
            6 => {
                let (elem, len) = (self.kind(depth - 1), self.dice.below(4));
                let shape = Shape::Array {
                    elem: elem.id,
                    len: len as u64,
                };
                self.composed(
                    format!("[{len}]{elem}"),
                    shape,
                    Form::Array(elem.into(), len),
                )
            }
            7 => {
                let (key, elem) = (self.key(), self.kind(depth - 1));
                let shape = Shape::Map {
                    key: key.id,
                    elem: elem.id,
                };
                let form = Form::Map(key.clone().into(), elem.clone().into());
                self.composed(format!("map[{key}]{elem}"), shape, form)
            }
            8 => {
                let to = self.kind(depth - 1);
                if matches!(to.form, Form::Time | Form::Gobbed) {
                    // Go's encoder panics at a pointer to a pointer to what writes itself.
                    return to;
                }
                basic(&format!("*{to}"), to.id, Form::Pointer(to.into()))
            }
            _ => self.structure(depth),
        }
    }

    fn structure(&mut self, depth: usize) -> Kind {
        let parts: Vec<_> = (0..=self.dice.below(5))
            .map(|_| self.kind(depth - 1))
            .collect();
        let fields = parts.iter().enumerate().map(|(at, kind)| Field {
            name: format!("Feld_{at}_ä").into(),
            id: kind.id,
        });
        let shape = Shape::Struct {
            fields: fields.collect(),
        };
        let listed = parts.iter().enumerate();
        let listed: Vec<_> = listed
            .map(|(at, kind)| format!("Feld_{at}_ä {kind}"))
            .collect();
        let text = format!("struct{{{}}}", listed.join(";"));
        self.composed(text, shape, Form::Struct(parts))
    }

    fn composed(&mut self, text: String, shape: Shape, form: Form) -> Kind {
        Kind {
            text,
            id: self.types.add("", shape),
            form,
        }
    }

    fn basic(&mut self) -> Kind {
        let bits = [8, 16, 32, 64][self.dice.below(4)];
        let wide = bits.max(32);
        match self.dice.below(if self.json { 7 } else { 8 }) {
            0 => basic("bool", TypeId::BOOL, Form::Bool),
            1 => basic("int", TypeId::INT, Form::Int(64)),
            2 => basic(&format!("int{bits}"), TypeId::INT, Form::Int(bits)),
            3 => basic(&format!("uint{bits}"), TypeId::UINT, Form::Uint(bits)),
            4 => basic(&format!("float{wide}"), TypeId::FLOAT, Form::Float(wide)),
            5 => basic("[]uint8", TypeId::BYTES, Form::Bytes),
            6 => basic("string", TypeId::STRING, Form::Text),
            _ => basic(
                &format!("complex{}", 2 * wide),
                TypeId::COMPLEX,
                Form::Complex(wide),
            ),
        }
    }

    fn named(&mut self) -> Kind {
        match self.dice.below(if self.json { 4 } else { 7 }) {
            0 => basic("Node", self.node, Form::Node),
            1 => basic("Nest", self.nest, Form::Nest),
            2 => basic("Colors", TypeId::BYTES, Form::Bytes),
            3 => basic("any", TypeId::INTERFACE, Form::Any),
            4 => basic("Left", self.left, Form::Left),
            5 => basic("Time", self.time, Form::Time),
            _ => basic("Gobbed", self.gobbed, Form::Gobbed),
        }
    }

    fn key(&mut self) -> Kind {
        match self.dice.below(if self.json { 3 } else { 4 }) {
            0 => basic("string", TypeId::STRING, Form::Text),
            1 => basic("int16", TypeId::INT, Form::Int(16)),
            2 => basic("uint64", TypeId::UINT, Form::Uint(64)),
            _ => {
                let parts = vec![
                    basic("int8", TypeId::INT, Form::Int(8)),
                    basic("string", TypeId::STRING, Form::Text),
                ];
                let shape = structure([("K", TypeId::INT), ("L", TypeId::STRING)]);
                let text = "struct{K int8;L string}".to_owned();
                self.composed(text, shape, Form::Struct(parts))
            }
        }
    }

    /// A value that can stand alone.
    pub(super) fn value(&mut self, kind: &Kind) -> Value {
        self.some(kind, 4)
    }

    /// A value that is not nil.
    fn some(&mut self, kind: &Kind, depth: usize) -> Value {
        let count = self.dice.below(if depth == 0 { 1 } else { 4 });
        let deeper = depth.saturating_sub(1);
        match &kind.form {
            Form::Bool => Value::Bool(self.dice.one_in(2)),
            Form::Int(bits) => Value::Int(self.dice.int(*bits)),
            Form::Uint(bits) => Value::Uint(self.dice.uint(*bits)),
            Form::Float(bits) => self.float(*bits),
            Form::Complex(bits) => Value::Complex(self.dice.float(*bits), self.dice.float(*bits)),
            Form::Text => self.text(),
            Form::Bytes => Value::Bytes(self.dice.bytes()),
            Form::Any => self.any(depth),
            Form::Slice(elem) => Value::List((0..count).map(|_| self.some(elem, deeper)).collect()),
            Form::Array(elem, len) => {
                Value::List((0..*len).map(|_| self.some(elem, deeper)).collect())
            }
            Form::Map(key, elem) => {
                let mut keys = HashSet::new();
                let entries = (0..count).map(|_| (self.some(key, 1), self.some(elem, deeper)));
                let mut entries: Vec<_> = entries.collect();
                entries.retain(|(key, _)| keys.insert(format!("{key:?}")));
                Value::Map(entries)
            }
            Form::Pointer(to) => self.some(to, deeper),
            Form::Struct(parts) => {
                let mut fields = Vec::new();
                for (place, part) in parts.iter().enumerate() {
                    let may_be_nil = matches!(part.form, Form::Pointer(_) | Form::Map(..));
                    if !(may_be_nil && self.dice.one_in(3)) {
                        fields.push((place, self.some(part, deeper)));
                    }
                }
                Value::Struct(fields)
            }
            Form::Node => self.node(),
            Form::Nest => self.nest(depth),
            Form::Left => self.left(depth),
            Form::Time => self.time(),
            Form::Gobbed => Value::Marshaled([b"x", &self.dice.bytes()[..]].concat()),
        }
    }

    fn any(&mut self, depth: usize) -> Value {
        if self.json {
            return self.any_in_json(depth);
        }
        let (name, id, value) = match self.dice.below(if depth == 0 { 8 } else { 12 }) {
            0 => return Value::Interface(None),
            1 => ("bool", TypeId::BOOL, Value::Bool(self.dice.one_in(2))),
            2 => ("int8", TypeId::INT, Value::Int(self.dice.int(8))),
            3 => ("int", TypeId::INT, Value::Int(self.dice.int(64))),
            4 => ("uint16", TypeId::UINT, Value::Uint(self.dice.uint(16))),
            5 => ("float64", TypeId::FLOAT, Value::Float(self.dice.float(64))),
            6 => ("string", TypeId::STRING, Value::Text(self.dice.bytes())),
            7 => ("[]uint8", TypeId::BYTES, Value::Bytes(self.dice.bytes())),
            8 => {
                let texts = (0..self.dice.below(3)).map(|_| Value::text("x"));
                ("[]string", self.texts, Value::List(texts.collect()))
            }
            9 => ("node", self.node, self.node()),
            10 => ("time", self.time, self.time()),
            _ => return self.anys(depth),
        };
        Value::interface(name, id, value)
    }

    fn anys(&mut self, depth: usize) -> Value {
        let count = self.dice.below(4);
        let list = (0..count).map(|_| self.any(depth - 1)).collect();
        Value::interface("list", self.anys, Value::List(list))
    }

    /// What JSON keeps of an `any`.
    fn any_in_json(&mut self, depth: usize) -> Value {
        let (name, id, value) = match self.dice.below(if depth == 0 { 4 } else { 6 }) {
            0 => return Value::Interface(None),
            1 => ("bool", TypeId::BOOL, Value::Bool(self.dice.one_in(2))),
            2 => ("float64", TypeId::FLOAT, self.float(64)),
            3 => ("string", TypeId::STRING, self.text()),
            _ => return self.anys(depth),
        };
        Value::interface(name, id, value)
    }

    fn float(&mut self, bits: u32) -> Value {
        loop {
            let float = self.dice.float(bits);
            if float.is_finite() || !self.json {
                return Value::Float(float);
            }
        }
    }

    fn text(&mut self) -> Value {
        let text = self.dice.bytes();
        if self.json {
            return Value::text(String::from_utf8_lossy(&text));
        }
        Value::Text(text)
    }

    /// A list that is longer than most things are deep; JSON has a limit of 128 there.
    fn node(&mut self) -> Value {
        let long = self.dice.one_in(4);
        let most = match (long, self.json) {
            (false, _) => 4,
            (true, false) => 200,
            (true, true) => 90,
        };
        let mut node = Value::Struct(vec![(0, Value::Int(self.dice.int(64)))]);
        for _ in 0..self.dice.below(most) {
            node = Value::Struct(vec![(0, Value::Int(self.dice.int(64))), (1, node)]);
        }
        node
    }

    fn nest(&mut self, depth: usize) -> Value {
        let count = self.dice.below(if depth == 0 { 1 } else { 4 });
        Value::List((0..count).map(|_| self.nest(depth - 1)).collect())
    }

    fn left(&mut self, depth: usize) -> Value {
        let n = (1, Value::Int(self.dice.int(8)));
        if depth == 0 {
            return Value::Struct(vec![n]);
        }
        let lefts = (0..self.dice.below(3)).map(|_| self.left(depth - 1));
        let lefts = (0, Value::List(lefts.collect()));
        let map = vec![(Value::Int(self.dice.int(64)), self.left(depth - 1))];
        let right = Value::Struct(vec![lefts, (1, Value::Map(map))]);
        Value::Struct(vec![(0, right), n])
    }

    /// What `time.Time` writes of itself: version, seconds, nanoseconds, minutes of offset.
    fn time(&mut self) -> Value {
        let seconds = 63_000_000_000 + self.dice.below(1_000_000_000) as u64;
        let nanoseconds = u32::try_from(self.dice.below(1_000_000_000)).unwrap();
        let minutes = i16::try_from(self.dice.below(1400)).unwrap() - 1;
        let mut bytes = vec![1];
        bytes.extend(seconds.to_be_bytes());
        bytes.extend(nanoseconds.to_be_bytes());
        bytes.extend(minutes.to_be_bytes());
        Value::Marshaled(bytes)
    }
}

fn basic(text: &str, id: TypeId, form: Form) -> Kind {
    Kind {
        text: text.to_owned(),
        id,
        form,
    }
}

fn structure<const N: usize>(fields: [(&str, TypeId); N]) -> Shape {
    let fields = fields.map(|(name, id)| Field {
        name: name.into(),
        id,
    });
    Shape::Struct {
        fields: fields.into(),
    }
}
