//! The types a peer has defined on its stream, and what is needed to read values of them.
//!
//! A peer that only sends strings never needs any of it, so definitions are kept as they came
//! and read when the first other value arrives. The `gobwire` decoder, which only typed Rust
//! values need, is made when the first of those is read, and dropped again after a large one,
//! because it keeps that value's buffer.
//!
//! Definitions stay for the life of the connection; their bytes and their number are capped
//! (I9). A definition may also hide inside a value that holds an interface. Such values are
//! followed through their messages and flattened: their definitions are taken out and kept like
//! all others, so that what is left can be read any number of times, or never.

use std::ops::Range;

use gobwire::Decoder;

use crate::error::WireError;
use crate::frame::Frame;
use crate::gob::definition::{Field, struct_fields};
use crate::gob::dynamic::error::ValueError;
use crate::gob::header::ForeignHeader;
use crate::gob::number::{put_bytes, take_bytes, take_int};
use crate::gob::shape::{self, Definition, TypeId};
use crate::gob::table::TypeSet;
use crate::gob::walk::{Sink, Walked, Walker};

/// Types per connection. Go has no such limit; a program that has more types than this in all
/// its source is hard to find, and a hostile one fills a megabyte or two with them.
pub(super) const MAX_TYPES: usize = 8192;
/// All definitions of a connection, in bytes, if its messages may be longer than that. In
/// memory they take up to ten times as much once they are read.
const MAX_DEFINITIONS: usize = 1024 * 1024;
/// A value larger than this takes the decoder, with its buffer, away with it.
const KEPT_VALUE: usize = 4096;

/// What became of a message that carries a value.
#[derive(Debug)]
pub(crate) enum Accepted<'i> {
    /// The value is whole: its type id and the value itself, without definitions.
    Whole(Frame<'i>),
    /// The next message continues it.
    Continues,
    /// It cannot be read, but the stream can.
    Broken(ValueError),
}

/// Everything a peer has defined.
#[derive(Debug, Default)]
pub(crate) struct Types {
    kept: Kept,
    set: Option<TypeSet>,
    decoder: Option<Box<Typed>>,
    value: Option<Box<Partial>>,
}

/// The definitions as they came, each with its length before it.
#[derive(Debug, Default)]
struct Kept {
    definitions: Vec<u8>,
    count: usize,
}

/// Reads Rust types.
#[derive(Debug, Default)]
struct Typed {
    decoder: Decoder,
    /// How much of the kept definitions it has been told.
    told: usize,
}

/// A value that goes on in the next message.
#[derive(Debug)]
struct Partial {
    walker: Walker,
    flat: Vec<u8>,
    size: usize,
}

impl Types {
    /// Keeps one definition.
    pub(crate) fn define(&mut self, frame: &Frame<'_>, limit: usize) -> Result<(), WireError> {
        self.kept
            .keep(frame, limit)
            .map_err(|_| WireError::TooManyTypes)?;
        match &self.set {
            Some(set) => define(set, frame).map_err(WireError::BadDefinition),
            None => Ok(()),
        }
    }

    /// The fields of struct `id`, if the peer has defined it.
    pub(crate) fn struct_fields(&self, id: i64) -> Result<Option<Vec<Field<'_>>>, WireError> {
        let mut rest = &self.kept.definitions[..];
        while !rest.is_empty() {
            let mut body = take_bytes(&mut rest)?;
            if take_int(&mut body)? == -id {
                return struct_fields(body);
            }
        }
        Ok(None)
    }

    /// Whether the next message continues a value.
    pub(crate) fn expects_more(&self) -> bool {
        self.value.is_some()
    }

    /// Takes a message of a value.
    pub(crate) fn accept<'i>(
        &mut self,
        frame: Frame<'i>,
        limit: usize,
    ) -> Result<Accepted<'i>, WireError> {
        let set = self.set()?.clone();
        let mut rest = &frame[..];
        let mut partial = match self.value.take() {
            Some(partial) => partial,
            None => {
                let id = TypeId(take_int(&mut rest)?);
                if id != TypeId::INTERFACE && !set.holds_interfaces() {
                    return Ok(match set.is_struct(id) {
                        Ok(_) => Accepted::Whole(frame),
                        Err(error) => Accepted::Broken(error),
                    });
                }
                match Walker::begin(&set, id, &mut rest) {
                    Ok(walker) => Box::new(Partial {
                        walker,
                        flat: Vec::new(),
                        size: 0,
                    }),
                    Err(error) => return Ok(Accepted::Broken(error)),
                }
            }
        };
        partial.size += frame.len();
        if partial.size > limit {
            return Err(WireError::TooLong {
                size: partial.size as u64,
                limit,
            });
        }
        let mut flatten = Flatten {
            message: &frame,
            copied: 0,
            flat: &mut partial.flat,
            kept: &mut self.kept,
            limit,
            set: &set,
        };
        let walked = partial.walker.run(&set, &frame, &mut rest, &mut flatten);
        match walked {
            Ok(Walked::Whole) if flatten.is_untouched() => Ok(Accepted::Whole(frame)),
            Ok(Walked::Whole) => {
                flatten.finish();
                Ok(Accepted::Whole(Frame::owned(partial.flat)))
            }
            Ok(Walked::Continues) => {
                flatten.finish();
                self.value = Some(partial);
                Ok(Accepted::Continues)
            }
            Err(ValueError::TooManyTypes) => Err(WireError::TooManyTypes),
            Err(error) => Ok(Accepted::Broken(error)),
        }
    }

    /// Reads a whole value as a Rust type.
    pub(crate) fn decode<T>(&mut self, message: &[u8]) -> Result<T, gobwire::Error>
    where
        T: gobwire::Decode + Default,
    {
        let typed = self.decoder.get_or_insert_default();
        typed.tell(&self.kept.definitions);
        let value = typed.decode(message);
        // Making the decoder again costs a look at all definitions, so the value must have
        // been longer than those.
        if message.len() > KEPT_VALUE.max(self.kept.definitions.len()) {
            self.decoder = None;
        }
        value
    }

    /// Reads a header that is not plain.
    pub(crate) fn foreign_header(
        &mut self,
        frame: Frame<'_>,
        limit: usize,
    ) -> Result<ForeignHeader, WireError> {
        match self.accept(frame, limit)? {
            Accepted::Whole(frame) => self.decode(&frame).map_err(|_| WireError::NotAHeader),
            Accepted::Continues | Accepted::Broken(_) => Err(WireError::NotAHeader),
        }
    }

    /// The definitions, read.
    pub(crate) fn set(&mut self) -> Result<&TypeSet, WireError> {
        if self.set.is_none() {
            let set = TypeSet::new();
            let mut rest = &self.kept.definitions[..];
            while !rest.is_empty() {
                define(&set, take_bytes(&mut rest)?).map_err(WireError::BadDefinition)?;
            }
            self.set = Some(set);
        }
        Ok(self.set.as_ref().expect("it was made just above"))
    }

    #[cfg(test)]
    pub(crate) fn is_loaded(&self) -> bool {
        self.decoder.is_some()
    }
}

impl Kept {
    fn keep(&mut self, definition: &[u8], limit: usize) -> Result<(), ValueError> {
        self.count += 1;
        let limit = limit.min(MAX_DEFINITIONS);
        if self.count > MAX_TYPES || self.definitions.len() + definition.len() > limit {
            return Err(ValueError::TooManyTypes);
        }
        if self.definitions.is_empty() {
            // Most peers define a header and nothing else, and stay for long.
            self.definitions.reserve_exact(definition.len() + 9);
        }
        put_bytes(&mut self.definitions, definition);
        Ok(())
    }
}

impl Typed {
    fn tell(&mut self, definitions: &[u8]) {
        let mut rest = definitions.get(self.told..).unwrap_or_default();
        while let Ok(definition) = take_bytes(&mut rest) {
            // We have read it; should `gobwire` not want it, the values that need it say so.
            let _ = self.decoder.push_message(definition);
        }
        self.told = definitions.len();
    }

    fn decode<T: gobwire::Decode + Default>(
        &mut self,
        message: &[u8],
    ) -> Result<T, gobwire::Error> {
        match self.decoder.push_message(message)? {
            gobwire::Progress::Ready => self.decoder.decode(),
            gobwire::Progress::TypeDefinition(_) | gobwire::Progress::NeedMore => {
                // A value comes here whole, but a decoder that waits would spoil the next one.
                *self = Self::default();
                Err(gobwire::Error::UnexpectedEof)
            }
        }
    }
}

fn define(set: &TypeSet, mut message: &[u8]) -> Result<(), ValueError> {
    let id = take_int(&mut message)?.checked_neg();
    let definition = shape::take(&mut message)?;
    if !message.is_empty() {
        return Err(ValueError::BadDefinition);
    }
    set.define(id.ok_or(ValueError::BadNumber)?, definition)
}

/// Takes the definitions out of a value. Nothing is copied before there is one.
struct Flatten<'f> {
    message: &'f [u8],
    copied: usize,
    flat: &'f mut Vec<u8>,
    kept: &'f mut Kept,
    limit: usize,
    set: &'f TypeSet,
}

impl Flatten<'_> {
    fn is_untouched(&self) -> bool {
        self.copied == 0 && self.flat.is_empty()
    }

    fn finish(self) {
        self.flat.extend_from_slice(&self.message[self.copied..]);
    }
}

impl Sink for Flatten<'_> {
    fn definition(
        &mut self,
        id: i64,
        definition: Definition,
        at: Range<usize>,
    ) -> Result<(), ValueError> {
        let mut message = Vec::new();
        shape::put(&mut message, id, &definition, |id| id.0);
        self.kept.keep(&message, self.limit)?;
        self.set.define(id, definition)?;
        self.flat
            .extend_from_slice(&self.message[self.copied..at.start]);
        self.copied = at.end;
        Ok(())
    }
}
