//! What has been defined on an outgoing stream.
//!
//! Type ids: 64 is the header, 65 the empty struct that goes with an error; `gobwire` numbers
//! the users' types from 65, and is therefore told of the empty struct first. The types of
//! dynamic values are numbered from [`FIRST_DYNAMIC`], which `gobwire` does not reach.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use gobwire::{Encoder, Gob};

use crate::gob::definition::put_struct;
use crate::gob::dynamic::error::ValueError;
use crate::gob::number::{put_int, put_message, put_uint};
use crate::gob::shape::{self, TypeId};
use crate::gob::table::TypeSet;
use crate::gob::walk::{Sink, Walked, Walker};

pub(crate) const EMPTY: i64 = 65;

/// A program would need this many Rust types on one stream to reach it.
const FIRST_DYNAMIC: i64 = 1 << 16;

/// Types of dynamic values per stream. The peer has to remember all of them; our own reader
/// takes fewer.
const MAX_DYNAMIC: i64 = 1 << 16;

/// Types that are compared with those sent before, whichever set they are of. A type that is
/// made of more is only known again within its set.
const MAX_COMPARED: usize = 64;

#[derive(Debug, Default, Gob)]
struct Empty {}

/// The types of one direction of one connection.
#[derive(Debug, Default)]
pub struct Sent {
    empty_defined: bool,
    encoder: Option<Box<Encoder>>,
    dynamic: Option<Box<DynamicTypes>>,
}

#[derive(Debug)]
struct DynamicTypes {
    next: i64,
    /// What the types of each set are called here.
    by_set: HashMap<(u64, TypeId), i64>,
    /// The same by all that a type is made of, for sets that come and go.
    by_form: HashMap<[u64; 2], i64>,
    hashers: [RandomState; 2],
}

impl Sent {
    pub(crate) fn define_empty(&mut self, out: &mut Vec<u8>) {
        if !self.empty_defined {
            self.empty_defined = true;
            put_struct(out, EMPTY, "", &[]);
        }
    }

    /// The encoder of Rust types.
    pub(crate) fn typed(&mut self, out: &mut Vec<u8>) -> &mut Encoder {
        if self.encoder.is_none() {
            self.define_empty(out);
            let mut encoder = Box::<Encoder>::default();
            encoder
                .encode(&Empty {})
                .expect("a struct without fields encodes");
            self.encoder = Some(encoder);
        }
        self.encoder.as_mut().expect("it was made just above")
    }

    /// Appends a dynamic value to `body` as one message, and the definitions it needs to `out`.
    /// `value` is framed and holds no definitions.
    pub(crate) fn dynamic(
        &mut self,
        types: &TypeSet,
        id: TypeId,
        value: &[u8],
        out: &mut Vec<u8>,
        body: &mut Vec<u8>,
    ) -> Result<(), ValueError> {
        let dynamic = self.dynamic.get_or_insert_with(|| {
            Box::new(DynamicTypes {
                next: FIRST_DYNAMIC,
                by_set: HashMap::new(),
                by_form: HashMap::new(),
                hashers: Default::default(),
            })
        });
        let name = dynamic.name(types, id, out)?;
        let mut held = Vec::new();
        if types.holds_interfaces() || id == TypeId::INTERFACE {
            let mut found = Held::default();
            let mut rest = value;
            let mut walker = Walker::begin(types, id, &mut rest)?;
            if walker.run(types, value, &mut rest, &mut found)? == Walked::Continues {
                return Err(ValueError::Truncated);
            }
            for concrete in &mut found.all {
                concrete.name = dynamic.name(types, concrete.id, out)?;
            }
            held = found.all;
            measure(&mut held);
        }
        put_message(body, |body| {
            put_int(body, name);
            let mut copied = 0;
            for concrete in &held {
                body.extend_from_slice(&value[copied..concrete.at.start]);
                put_int(body, concrete.name);
                put_uint(body, concrete.length as u64);
                copied = concrete.at.end;
            }
            body.extend_from_slice(&value[copied..]);
        });
        Ok(())
    }
}

impl DynamicTypes {
    /// What a type is called on this stream; defines it, and all it is made of, if need be.
    fn name(&mut self, types: &TypeSet, id: TypeId, out: &mut Vec<u8>) -> Result<i64, ValueError> {
        if id.is_basic() {
            return Ok(id.0);
        }
        if let Some(&name) = self.by_set.get(&(types.serial(), id)) {
            return Ok(name);
        }
        let form = form(types, id)?;
        // Two keyed hashes stand for the form: nobody can make two forms have the same, and
        // the forms of nested types have much in common.
        let form = form.map(|form| self.hashers.each_ref().map(|hasher| hasher.hash_one(&form)));
        if let Some(&name) = form.and_then(|form| self.by_form.get(&form)) {
            self.by_set.insert((types.serial(), id), name);
            return Ok(name);
        }
        let name = self.define(types, id, out)?;
        if let Some(form) = form {
            self.by_form.insert(form, name);
        }
        Ok(name)
    }

    fn define(
        &mut self,
        types: &TypeSet,
        id: TypeId,
        out: &mut Vec<u8>,
    ) -> Result<i64, ValueError> {
        // Each type of a set is defined once, so no peer makes us write more than it wrote.
        let new = closure(types, id, usize::MAX, |id| {
            self.by_set.contains_key(&(types.serial(), id))
        })?;
        let count = i64::try_from(new.len()).unwrap_or(i64::MAX);
        if self.next.saturating_add(count) > FIRST_DYNAMIC + MAX_DYNAMIC {
            return Err(ValueError::TooManyTypes);
        }
        if self.by_set.len() + new.len() > 2 * MAX_TYPES_KNOWN {
            // Sets come and go with connections; those still in use are found by their form.
            self.by_set.clear();
            return self.define(types, id, out);
        }
        let first = self.next;
        for id in &new {
            self.by_set.insert((types.serial(), *id), self.next);
            self.next += 1;
        }
        for (name, id) in (first..).zip(&new) {
            let definition = types.definition(*id)?;
            put_message(out, |out| {
                shape::put(out, name, &definition, |id| {
                    let known = self.by_set.get(&(types.serial(), id));
                    known.copied().unwrap_or(id.0)
                });
            });
        }
        Ok(first)
    }
}

/// Types remembered by their set.
const MAX_TYPES_KNOWN: usize = 1 << 16;

/// All that `root` is made of, itself first, save for what is `known`. Gives up beyond `limit`.
fn closure(
    types: &TypeSet,
    root: TypeId,
    limit: usize,
    known: impl Fn(TypeId) -> bool,
) -> Result<Vec<TypeId>, ValueError> {
    let mut found = vec![root];
    let mut seen = HashSet::from([root]);
    let mut at = 0;
    while let Some(&id) = found.get(at) {
        at += 1;
        for part in types.definition(id)?.parts() {
            if !part.is_basic() && !known(part) && seen.insert(part) {
                found.push(part);
            }
        }
        if found.len() > limit {
            break;
        }
    }
    Ok(found)
}

/// The definitions of a type and of all it is made of, numbered in the order of their first
/// mention: types of different sets that are alike have the same. `None` if it is too large.
fn form(types: &TypeSet, root: TypeId) -> Result<Option<Vec<u8>>, ValueError> {
    let all = closure(types, root, MAX_COMPARED, |_| false)?;
    if all.len() > MAX_COMPARED {
        return Ok(None);
    }
    let mut form = Vec::new();
    for (name, id) in (FIRST_DYNAMIC..).zip(&all) {
        let definition = types.definition(*id)?;
        shape::put(&mut form, name, &definition, |id| {
            let place = all.iter().position(|known| *known == id);
            place.map_or(id.0, |place| FIRST_DYNAMIC + place as i64)
        });
    }
    Ok(Some(form))
}

/// What an interface in a value holds.
#[derive(Debug)]
struct Concrete {
    id: TypeId,
    /// Where its type and length stand; the value begins at the end.
    at: Range<usize>,
    end: usize,
    /// What its type is called, and its length, on the stream it is written to.
    name: i64,
    length: usize,
}

/// Everything that the interfaces in a value hold, in the order of their beginnings.
#[derive(Default)]
struct Held {
    all: Vec<Concrete>,
    open: Vec<usize>,
}

impl Sink for Held {
    fn concrete(&mut self, id: TypeId, at: Range<usize>) {
        self.open.push(self.all.len());
        self.all.push(Concrete {
            id,
            at,
            end: 0,
            name: 0,
            length: 0,
        });
    }

    fn concrete_end(&mut self, at: usize) {
        if let Some(held) = self.open.pop().and_then(|open| self.all.get_mut(open)) {
            held.end = at;
        }
    }
}

/// Computes the lengths that values will have under their new names.
fn measure(held: &mut [Concrete]) {
    // Those that hold others come before them, so going backwards meets the inner ones first:
    // `inside` has the inner ones whose holder is still to come.
    let mut inside: Vec<(usize, usize, usize)> = Vec::new();
    for at in (0..held.len()).rev() {
        let concrete = &mut held[at];
        let mut length = concrete.end - concrete.at.end;
        while let Some(&(start, old, new)) = inside.last()
            && start < concrete.end
        {
            length = length - old + new;
            inside.pop();
        }
        concrete.length = length;
        let mut head = Vec::with_capacity(18);
        put_int(&mut head, concrete.name);
        put_uint(&mut head, length as u64);
        inside.push((
            concrete.at.start,
            concrete.end - concrete.at.start,
            head.len() + length,
        ));
    }
}
