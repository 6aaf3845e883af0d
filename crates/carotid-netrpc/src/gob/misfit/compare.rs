//! Whether a peer's type fits a Rust type, asked in Go's order (`compileDec`,
//! `compatibleType`, `decOpFor`), so that of several reasons we name the one that Go does.

use std::collections::HashSet;
use std::sync::Arc;

use crate::gob::misfit::Misfit;
use crate::gob::misfit::local::Local;
use crate::gob::shape::{Definition, Field, Shape, TypeId};
use crate::gob::table::TypeSet;

/// How deep types are followed into each other: the peer's definitions must not exhaust the
/// stack.
const MAX_DEPTH: usize = 512;
/// How many types are spelt out, before only their names are given.
const MAX_SPELT: usize = 16;

/// Why values of the peer's type `id` do not fit, if they do not.
pub(super) fn compare(local: &Local, remote: &TypeSet, id: TypeId) -> Option<Misfit> {
    let mut comparison = Comparison {
        local,
        remote,
        compared: HashSet::new(),
    };
    let Some(here) = as_struct(&local.types, local.id) else {
        if !comparison.is_compatible(local.id, id, 0) {
            return Some(kind(local, remote, id));
        }
        return comparison.part(local.id, id, 0);
    };
    comparison.structs(local.id, id, 0).or_else(|| {
        let there = as_struct(remote, id)?;
        let (here, there) = (fields(&here), fields(&there));
        let common = there.iter().any(|field| named(here, &field.name).is_some());
        let strangers = !common && !here.is_empty() && !there.is_empty();
        strangers.then(|| Misfit::Strangers {
            local: local.name(local.id).into(),
        })
    })
}

/// The types are of different kinds.
pub(super) fn kind(local: &Local, remote: &TypeSet, id: TypeId) -> Misfit {
    let mut spelt = String::new();
    spell(remote, id, &mut HashSet::new(), &mut spelt);
    let (here, there) = (local.name(local.id).into(), spelt.into());
    if local.id == TypeId::INTERFACE {
        Misfit::NotAnInterface {
            local: here,
            remote: there,
        }
    } else {
        Misfit::Kind {
            local: here,
            remote: there,
        }
    }
}

struct Comparison<'t> {
    local: &'t Local,
    remote: &'t TypeSet,
    /// Pairs of structs; they may hold themselves.
    compared: HashSet<(TypeId, TypeId)>,
}

impl Comparison<'_> {
    /// Go's `compileDec` of a struct.
    fn structs(&mut self, here: TypeId, there: TypeId, depth: usize) -> Option<Misfit> {
        if depth > MAX_DEPTH || !self.compared.insert((here, there)) {
            return None;
        }
        let Some(theirs) = as_struct(self.remote, there) else {
            return Some(Misfit::NotAStruct {
                local: self.local.name(here).into(),
            });
        };
        let ours = as_struct(&self.local.types, here)?;
        for field in fields(&theirs) {
            let Some(own) = named(fields(&ours), &field.name) else {
                continue;
            };
            if !self.is_compatible(own.id, field.id, depth) {
                return Some(Misfit::Field {
                    local: self.local.name(own.id).into(),
                    remote: theirs.name.clone(),
                    field: field.name.clone(),
                });
            }
            let misfit = self.part(own.id, field.id, depth + 1);
            if misfit.is_some() {
                return misfit;
            }
        }
        None
    }

    /// Go's `decOpFor`: looks at the structs within a type that is compatible so far.
    fn part(&mut self, here: TypeId, there: TypeId, depth: usize) -> Option<Misfit> {
        let ours = self.local.types.get(here)?;
        if depth > MAX_DEPTH {
            return None;
        }
        let theirs = self.remote.get(there);
        match (&ours.shape, theirs.as_ref().map(|theirs| &theirs.shape)) {
            (Shape::Struct { .. }, _) => self.structs(here, there, depth + 1),
            (Shape::Array { elem, .. }, Some(Shape::Array { elem: other, .. }))
            | (Shape::Slice { elem }, Some(Shape::Slice { elem: other })) => {
                self.part(*elem, *other, depth + 1)
            }
            (
                Shape::Map { key, elem },
                Some(Shape::Map {
                    key: other_key,
                    elem: other,
                }),
            ) => self
                .part(*key, *other_key, depth + 1)
                .or_else(|| self.part(*elem, *other, depth + 1)),
            _ => None,
        }
    }

    /// Go's `compatibleType`: a struct is, whatever comes, and is looked at later.
    fn is_compatible(&self, here: TypeId, there: TypeId, depth: usize) -> bool {
        if here.is_basic() || depth > MAX_DEPTH {
            return here == there || depth > MAX_DEPTH;
        }
        let (ours, theirs) = (self.local.types.get(here), self.remote.get(there));
        let theirs = theirs.as_ref().map(|theirs| &theirs.shape);
        match (ours.as_ref().map(|ours| &ours.shape), theirs) {
            (Some(Shape::Marshaled(one)), Some(Shape::Marshaled(other))) => one == other,
            (Some(Shape::Marshaled(_)), _) | (_, Some(Shape::Marshaled(_))) => false,
            (Some(Shape::Struct { .. }), _) => true,
            (
                Some(Shape::Array { elem, len }),
                Some(Shape::Array {
                    elem: other,
                    len: other_len,
                }),
            ) => len == other_len && self.is_compatible(*elem, *other, depth + 1),
            (Some(Shape::Slice { elem }), Some(Shape::Slice { elem: other })) => {
                self.is_compatible(*elem, *other, depth + 1)
            }
            (
                Some(Shape::Map { key, elem }),
                Some(Shape::Map {
                    key: other_key,
                    elem: other,
                }),
            ) => {
                self.is_compatible(*key, *other_key, depth + 1)
                    && self.is_compatible(*elem, *other, depth + 1)
            }
            _ => false,
        }
    }
}

/// The definition, if it is one of a struct.
fn as_struct(types: &TypeSet, id: TypeId) -> Option<Arc<Definition>> {
    let definition = types.get(id)?;
    matches!(definition.shape, Shape::Struct { .. }).then_some(definition)
}

fn fields(definition: &Definition) -> &[Field] {
    match &definition.shape {
        Shape::Struct { fields } => fields,
        Shape::Array { .. } | Shape::Slice { .. } | Shape::Map { .. } | Shape::Marshaled(_) => &[],
    }
}

fn named<'f>(fields: &'f [Field], name: &str) -> Option<&'f Field> {
    fields.iter().find(|field| &*field.name == name)
}

/// Spells a peer's type as Go does one that it knows (`safeString`).
fn spell(types: &TypeSet, id: TypeId, spelt: &mut HashSet<TypeId>, out: &mut String) {
    let basic = match id {
        TypeId::BOOL => "bool",
        TypeId::INT => "int",
        TypeId::UINT => "uint",
        TypeId::FLOAT => "float",
        TypeId::BYTES => "bytes",
        TypeId::STRING => "string",
        TypeId::COMPLEX => "complex",
        TypeId::INTERFACE => "interface",
        _ => "",
    };
    out.push_str(basic);
    let Some(definition) = types.get(id) else {
        return;
    };
    if spelt.len() > MAX_SPELT || !spelt.insert(id) {
        return out.push_str(&definition.name);
    }
    match &definition.shape {
        Shape::Array { elem, len } => {
            out.push_str(&format!("[{len}]"));
            spell(types, *elem, spelt, out);
        }
        Shape::Slice { elem } => {
            out.push_str("[]");
            spell(types, *elem, spelt, out);
        }
        Shape::Map { key, elem } => {
            out.push_str("map[");
            spell(types, *key, spelt, out);
            out.push(']');
            spell(types, *elem, spelt, out);
        }
        Shape::Struct { fields } => {
            out.push_str(&definition.name);
            out.push_str(" = struct { ");
            for field in fields {
                out.push_str(&field.name);
                out.push(' ');
                spell(types, field.id, spelt, out);
                out.push_str("; ");
            }
            out.push('}');
        }
        Shape::Marshaled(_) => out.push_str(&definition.name),
    }
}
