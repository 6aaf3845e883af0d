//! The types a peer has defined on its stream, and the `gobwire` decoder that needs them.
//!
//! A peer that only sends strings never needs the decoder, so it is made when the first other
//! value arrives, from the definitions kept until then as they came. It is dropped again after
//! a large value, because it keeps that value's buffer.
//!
//! Definitions stay for the life of the connection; their bytes and their number are capped
//! (I9). A definition may also hide inside a value that holds an interface; see [`Census`].

use std::collections::HashSet;

use gobwire::{Decoder, Progress, TypeTable, WireType};

use crate::error::WireError;
use crate::frame::Frame;
use crate::gob::definition::{Field, struct_fields};
use crate::gob::header::ForeignHeader;
use crate::gob::ids;
use crate::gob::number::{put_bytes, take_bytes, take_int, take_uint_maybe, to_int};

/// Types per connection. Real programs define a handful.
const MAX_TYPES: usize = 1024;
/// Messages per value. Go starts one for each type that first appears inside an interface;
/// each costs a scan of the whole value.
const MAX_PARTS: usize = 64;
/// A value larger than this takes the decoder, with its buffer, away with it.
const KEPT_VALUE: usize = 4096;

/// What became of a message that carries a value.
#[derive(Debug)]
pub(crate) enum Accepted {
    /// It is whole, and [`Types::value`] reads it.
    Whole,
    /// The next message continues it.
    Continues,
    /// It cannot be read, but the stream can.
    Broken(gobwire::Error),
}

/// Everything a peer has defined.
#[derive(Debug)]
pub(crate) struct Types {
    /// The definitions as they came, each with its length before it.
    definitions: Vec<u8>,
    count: usize,
    limit: usize,
    loaded: Option<Box<Loaded>>,
}

#[derive(Debug, Default)]
struct Loaded {
    decoder: Decoder,
    /// Bytes and messages of the value that the decoder holds.
    value: usize,
    parts: usize,
    census: Option<Census>,
}

impl Types {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            definitions: Vec::new(),
            count: 0,
            limit,
            loaded: None,
        }
    }

    /// Keeps one definition.
    pub(crate) fn define(&mut self, frame: &Frame<'_>) -> Result<(), WireError> {
        self.count += 1;
        if self.count > MAX_TYPES || self.definitions.len() + frame.len() > self.limit {
            return Err(WireError::TooManyTypes);
        }
        if self.definitions.is_empty() {
            // Most peers define a header and nothing else, and stay for long.
            self.definitions.reserve_exact(frame.len() + 9);
        }
        put_bytes(&mut self.definitions, frame);
        match &mut self.loaded {
            Some(loaded) => loaded.define(frame),
            None => Ok(()),
        }
    }

    /// The fields of struct `id`, if the peer has defined it.
    pub(crate) fn struct_fields(&self, id: i64) -> Result<Option<Vec<Field<'_>>>, WireError> {
        let mut rest = &self.definitions[..];
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
        self.loaded.as_ref().is_some_and(|loaded| loaded.parts > 0)
    }

    /// Gives a message of a value to the decoder.
    pub(crate) fn accept(&mut self, frame: &Frame<'_>) -> Result<Accepted, WireError> {
        let limit = self.limit;
        let loaded = self.load()?;
        loaded.value += frame.len();
        loaded.parts += 1;
        if loaded.value > limit {
            return Err(WireError::TooLong {
                size: loaded.value as u64,
                limit,
            });
        }
        if loaded.parts > MAX_PARTS {
            return Err(WireError::TooManyParts);
        }
        loaded.watch(frame);
        match loaded.decoder.push_message(frame) {
            Ok(Progress::Ready) => {
                loaded.parts = 0;
                Ok(Accepted::Whole)
            }
            Ok(Progress::NeedMore) => Ok(Accepted::Continues),
            // A definition where a value was announced is not a value.
            Ok(Progress::TypeDefinition(_)) => Err(WireError::NotAHeader),
            Err(error) => {
                loaded.parts = 0;
                Ok(Accepted::Broken(error))
            }
        }
    }

    /// The decoder that holds the last whole value.
    pub(crate) fn value(&mut self) -> Result<&mut Decoder, WireError> {
        Ok(&mut self.load()?.decoder)
    }

    /// Reads a header that only `gobwire` can.
    pub(crate) fn foreign_header(&mut self, frame: &Frame<'_>) -> Result<ForeignHeader, WireError> {
        let header = match self.accept(frame)? {
            Accepted::Whole => self.value()?.decode().map_err(|_| WireError::NotAHeader),
            Accepted::Continues | Accepted::Broken(_) => Err(WireError::NotAHeader),
        };
        self.finish_value()?;
        header
    }

    /// Forgets the value that was read last, whether or not anyone decoded it.
    pub(crate) fn finish_value(&mut self) -> Result<(), WireError> {
        let Some(loaded) = &mut self.loaded else {
            return Ok(());
        };
        if loaded.value == 0 || loaded.parts > 0 {
            return Ok(());
        }
        // There is nothing to discard if the value was decoded, and that is no error.
        let _ = loaded.decoder.discard();
        // Making the decoder again costs a look at all definitions, so the value must have
        // been longer than those.
        let large = loaded.value > KEPT_VALUE.max(self.definitions.len());
        loaded.value = 0;
        if let Some(census) = &mut loaded.census {
            census.take(loaded.decoder.types());
            if self.count + census.ids.len() > MAX_TYPES || census.bytes > self.limit {
                return Err(WireError::TooManyTypes);
            }
        }
        let all_kept = loaded.census.as_ref().is_none_or(|c| c.ids.is_empty());
        if large && all_kept {
            self.loaded = None;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded.is_some()
    }

    fn load(&mut self) -> Result<&mut Loaded, WireError> {
        if self.loaded.is_none() {
            let mut loaded = Box::<Loaded>::default();
            let mut rest = &self.definitions[..];
            while !rest.is_empty() {
                loaded.define(take_bytes(&mut rest)?)?;
            }
            self.loaded = Some(loaded);
        }
        Ok(self.loaded.as_mut().expect("it was made just above"))
    }
}

impl Loaded {
    fn define(&mut self, body: &[u8]) -> Result<(), WireError> {
        let progress = self.decoder.push_message(body);
        match progress.map_err(WireError::BadDefinition)? {
            Progress::TypeDefinition(id) => {
                if mentions_interface(self.decoder.types(), id) {
                    self.census.get_or_insert_default();
                }
                Ok(())
            }
            Progress::NeedMore | Progress::Ready => Err(WireError::NotAHeader),
        }
    }

    /// Keeps the bytes of a value that may define types.
    fn watch(&mut self, frame: &[u8]) {
        if self.parts == 1 && take_int(&mut &frame[..]).ok() == Some(ids::INTERFACE) {
            self.census.get_or_insert_default();
        }
        if let Some(census) = &mut self.census {
            census.value.extend_from_slice(frame);
        }
    }
}

fn mentions_interface(types: &TypeTable, id: i64) -> bool {
    match types.get(id).map(|defined| &**defined) {
        Some(WireType::Array { elem, .. } | WireType::Slice { elem, .. }) => {
            *elem == ids::INTERFACE
        }
        Some(WireType::Map { key, elem, .. }) => [*key, *elem].contains(&ids::INTERFACE),
        Some(WireType::Struct { fields, .. }) => fields.iter().any(|f| f.id == ids::INTERFACE),
        Some(WireType::Marshaler { .. }) | None => false,
    }
}

/// Counts the types that were defined inside values.
///
/// Such a definition begins with the type's negative id, so its id stands somewhere in the
/// bytes of the value: every place is tried, and an id the decoder now knows is counted once.
/// That never counts too few, and too many only by types the peer has defined elsewhere.
#[derive(Debug, Default)]
struct Census {
    ids: HashSet<i64>,
    bytes: usize,
    value: Vec<u8>,
}

impl Census {
    fn take(&mut self, types: &TypeTable) {
        let value = std::mem::take(&mut self.value);
        let before = self.ids.len();
        for at in 0..value.len() {
            if let Ok(Some(number)) = take_uint_maybe(&mut &value[at..])
                && let Some(id) = to_int(number).checked_neg()
                && id > 0
                && types.get(id).is_some()
            {
                self.ids.insert(id);
            }
        }
        if self.ids.len() > before {
            self.bytes += value.len();
        }
    }
}
