//! Walks a value along its type without building anything.
//!
//! What is left to do stands on a stack of the walker's own, so a value may be nested as deep
//! as [`MAX_DEPTH`] and may stop where its message ends and go on in the next. Every element
//! of whatever type takes at least one byte, so no count can make the walk longer than the
//! input (I9).

use std::sync::Arc;

use crate::gob::dynamic::error::ValueError;
use crate::gob::number::{take_bytes, take_int, take_uint};
use crate::gob::shape::{self, Definition, Shape, TypeId};
use crate::gob::table::TypeSet;

/// Nesting up to which a value is followed; Go gives up at as many when it skips a field.
pub(crate) const MAX_DEPTH: usize = 10_000;

/// The longest name of a concrete type that Go reads.
const MAX_NAME: usize = 1024;

/// Told where a value holds what cannot be copied as it is. All places are offsets into the
/// input of the current [`Walker::run`].
pub(crate) trait Sink {
    /// Between `at.start` and `at.end` stand the concrete type and the length of what an
    /// interface holds; the value itself begins at `at.end`.
    fn concrete(&mut self, _id: TypeId, _at: std::ops::Range<usize>) {}

    /// What the interface told of last, and not ended yet, holds ends here.
    fn concrete_end(&mut self, _at: usize) {}

    /// Between `at.start` and `at.end` stands a definition, from its negative id to the length
    /// of what follows it.
    fn definition(
        &mut self,
        _id: i64,
        _definition: Definition,
        _at: std::ops::Range<usize>,
    ) -> Result<(), ValueError> {
        // Only what comes from a stream may define types.
        Err(ValueError::BadDefinition)
    }
}

/// Looks at nothing.
pub(crate) struct Unseen;

impl Sink for Unseen {}

/// How far a walk came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Walked {
    /// The value is whole; the rest of the input is none of it.
    Whole,
    /// The next message continues it.
    Continues,
}

#[derive(Debug)]
enum Level {
    Elements {
        elem: TypeId,
        left: u64,
    },
    Entries {
        key: TypeId,
        elem: TypeId,
        left: u64,
        key_is_next: bool,
    },
    Fields {
        of: Arc<Definition>,
        next: usize,
    },
    /// An interface whose name has been read, but not its type.
    Interface,
    /// What the interface holds.
    Concrete,
}

/// A walk that may be under way.
#[derive(Debug)]
pub(crate) struct Walker {
    stack: Vec<Level>,
}

impl Walker {
    /// Begins with the framing that a value of type `id` has outside of structs.
    pub(crate) fn begin(
        types: &TypeSet,
        id: TypeId,
        input: &mut &[u8],
    ) -> Result<Self, ValueError> {
        let mut walker = Self { stack: Vec::new() };
        walker.framed(types, id, input)?;
        Ok(walker)
    }

    /// Walks to the end of the value or of the input. `whole` is what offsets count from;
    /// `input` is its unread end.
    pub(crate) fn run(
        &mut self,
        types: &TypeSet,
        whole: &[u8],
        input: &mut &[u8],
        sink: &mut impl Sink,
    ) -> Result<Walked, ValueError> {
        loop {
            let part = match self.stack.last_mut() {
                None => return Ok(Walked::Whole),
                Some(Level::Elements { left: 0, .. } | Level::Entries { left: 0, .. }) => None,
                Some(Level::Elements { elem, left }) => {
                    *left -= 1;
                    Some(*elem)
                }
                Some(Level::Entries {
                    key,
                    elem,
                    left,
                    key_is_next,
                }) => {
                    *key_is_next = !*key_is_next;
                    if *key_is_next {
                        *left -= 1;
                        Some(*elem)
                    } else {
                        Some(*key)
                    }
                }
                Some(Level::Fields { of, next }) => next_field(of, next, input)?,
                Some(Level::Concrete) => {
                    sink.concrete_end(whole.len() - input.len());
                    None
                }
                Some(Level::Interface) => {
                    if input.is_empty() {
                        return Ok(Walked::Continues);
                    }
                    self.interface(types, whole, input, sink)?;
                    continue;
                }
            };
            match part {
                Some(id) => self.value(types, id, input)?,
                None => drop(self.stack.pop()),
            }
        }
    }

    fn framed(&mut self, types: &TypeSet, id: TypeId, input: &mut &[u8]) -> Result<(), ValueError> {
        if !types.is_struct(id)? && take_uint(input)? != 0 {
            return Err(ValueError::NotSingle);
        }
        self.value(types, id, input)
    }

    /// Takes a basic value, or the beginning of a composed one.
    fn value(&mut self, types: &TypeSet, id: TypeId, input: &mut &[u8]) -> Result<(), ValueError> {
        let level = match id {
            TypeId::BOOL | TypeId::INT | TypeId::UINT | TypeId::FLOAT => {
                take_uint(input)?;
                return Ok(());
            }
            TypeId::COMPLEX => {
                take_uint(input)?;
                take_uint(input)?;
                return Ok(());
            }
            TypeId::BYTES | TypeId::STRING => {
                take_bytes(input)?;
                return Ok(());
            }
            TypeId::INTERFACE => match take_bytes(input)?.len() {
                0 => return Ok(()),
                1..=MAX_NAME => Level::Interface,
                _ => return Err(ValueError::LongName),
            },
            _ => match begin(types.definition(id)?, input)? {
                Some(level) => level,
                None => return Ok(()),
            },
        };
        if self.stack.len() >= MAX_DEPTH {
            return Err(ValueError::TooDeep { limit: MAX_DEPTH });
        }
        self.stack.push(level);
        Ok(())
    }

    /// Takes one definition, or the type and the length of what an interface holds.
    fn interface(
        &mut self,
        types: &TypeSet,
        whole: &[u8],
        input: &mut &[u8],
        sink: &mut impl Sink,
    ) -> Result<(), ValueError> {
        let start = whole.len() - input.len();
        let id = take_int(input)?;
        if id < 0 {
            let definition = shape::take(input)?;
            // A definition within an interface within an interface is followed by the length
            // of the next piece; otherwise its message ends with it.
            if !input.is_empty() {
                take_uint(input)?;
            }
            let id = id.checked_neg().ok_or(ValueError::BadNumber)?;
            return sink.definition(id, definition, start..whole.len() - input.len());
        }
        let id = TypeId(id);
        // The length is not the value's if that defines types, so Go and we do not use it.
        take_uint(input)?;
        if let Some(level) = self.stack.last_mut() {
            *level = Level::Concrete;
        }
        sink.concrete(id, start..whole.len() - input.len());
        self.framed(types, id, input)
    }
}

/// The level that a composed value begins; `None` if it is over at once.
fn begin(of: Arc<Definition>, input: &mut &[u8]) -> Result<Option<Level>, ValueError> {
    Ok(match &of.shape {
        Shape::Array { elem, len } => {
            if take_uint(input)? != *len {
                return Err(ValueError::ArrayLength);
            }
            Some(Level::Elements {
                elem: *elem,
                left: *len,
            })
        }
        Shape::Slice { elem } => Some(Level::Elements {
            elem: *elem,
            left: take_uint(input)?,
        }),
        Shape::Map { key, elem } => Some(Level::Entries {
            key: *key,
            elem: *elem,
            left: take_uint(input)?,
            key_is_next: true,
        }),
        Shape::Struct { .. } => Some(Level::Fields { of, next: 0 }),
        Shape::Marshaled(_) => {
            take_bytes(input)?;
            None
        }
    })
}

/// The type of the next field that the value has; `None` at its end.
fn next_field(
    of: &Definition,
    next: &mut usize,
    input: &mut &[u8],
) -> Result<Option<TypeId>, ValueError> {
    let delta = take_uint(input)?;
    if delta == 0 {
        return Ok(None);
    }
    let Shape::Struct { fields } = &of.shape else {
        return Err(ValueError::FieldNumber);
    };
    *next = usize::try_from(delta)
        .ok()
        .and_then(|delta| next.checked_add(delta))
        .ok_or(ValueError::FieldNumber)?;
    let field = fields.get(*next - 1).ok_or(ValueError::FieldNumber)?;
    Ok(Some(field.id))
}

/// Checks that `value`, framed, is one of type `id`, and returns how many bytes it has.
pub(crate) fn measure(types: &TypeSet, id: TypeId, value: &[u8]) -> Result<usize, ValueError> {
    let mut rest = value;
    let mut walker = Walker::begin(types, id, &mut rest)?;
    match walker.run(types, value, &mut rest, &mut Unseen)? {
        Walked::Whole => Ok(value.len() - rest.len()),
        Walked::Continues => Err(ValueError::Truncated),
    }
}
