//! Where in a value the number stands that is too large.
//!
//! `gobwire` says how wide the number should have been, not which one it was. So all numbers
//! wider than that are candidates, and the one that the decoder stops at is found by halving:
//! if the value still does not decode with only the first of them left and the others made
//! zero, it is among those.

use std::fmt;

use crate::gob::dynamic::error::ValueError;
use crate::gob::misfit::Misfit;
use crate::gob::number::{take_bytes, take_uint, to_int};
use crate::gob::shape::{Shape, TypeId};
use crate::gob::table::TypeSet;

/// The longest message that is searched: a longer one must not be read a dozen times only for
/// the sake of a text.
const MAX_SEARCHED: usize = 64 * 1024;
/// `gobwire` does not read values that are nested deeper.
const MAX_DEPTH: usize = 512;

/// Names the number in `message` that overflows a `width`, the name of a Rust type. `root` is
/// the name of the whole value's type.
pub(super) fn find<T>(
    types: &TypeSet,
    message: &[u8],
    width: &str,
    root: &str,
    mut decode: impl FnMut(&[u8]) -> Result<T, gobwire::Error>,
) -> Misfit {
    let mut search = Search {
        types,
        width,
        message: message.to_vec(),
        at: 0,
        kept: usize::MAX,
        seen: 0,
        place: None,
    };
    let mut overflows = |message: &[u8]| {
        let outcome = decode(message);
        matches!(outcome, Err(gobwire::Error::Overflow(found)) if found == width)
    };
    if message.len() <= MAX_SEARCHED && search.run(root).is_ok() {
        let (mut low, mut high) = (1, search.seen);
        while low < high {
            let middle = low.midpoint(high);
            search.message.copy_from_slice(message);
            search.kept = middle;
            // It was walked before.
            let _ = search.run(root);
            if overflows(&search.message) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        search.message.copy_from_slice(message);
        search.kept = high;
        let _ = search.run(root);
    }
    let place = search.place.unwrap_or_else(|| format!("*{root}"));
    Misfit::OutOfRange {
        place: place.into(),
    }
}

/// What Go calls a place.
#[derive(Clone, Copy)]
enum Place<'p> {
    /// The whole value.
    Whole(&'p str),
    Field(&'p str),
    Element(&'p Self),
    Key(&'p Self),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(name) => write!(f, "*{name}"),
            Self::Field(name) => f.write_str(name),
            Self::Element(of) => write!(f, "element of {of}"),
            Self::Key(of) => write!(f, "key of {of}"),
        }
    }
}

struct Search<'s> {
    types: &'s TypeSet,
    width: &'s str,
    message: Vec<u8>,
    /// How much of the message has been walked.
    at: usize,
    /// Candidates after so many are made zero.
    kept: usize,
    seen: usize,
    /// Where the last one stands that was kept.
    place: Option<String>,
}

impl Search<'_> {
    fn run(&mut self, root: &str) -> Result<(), ValueError> {
        (self.at, self.seen) = (0, 0);
        let id = TypeId(to_int(self.number()?));
        self.framed(id, &Place::Whole(root), 0)
    }

    fn framed(&mut self, id: TypeId, place: &Place<'_>, depth: usize) -> Result<(), ValueError> {
        if !self.types.is_struct(id)? && self.number()? != 0 {
            return Err(ValueError::NotSingle);
        }
        self.value(id, place, depth)
    }

    fn value(&mut self, id: TypeId, place: &Place<'_>, depth: usize) -> Result<(), ValueError> {
        match id {
            TypeId::BOOL => drop(self.number()?),
            TypeId::INT | TypeId::UINT | TypeId::FLOAT => self.candidate(id, place)?,
            TypeId::COMPLEX => {
                self.number()?;
                self.number()?;
            }
            TypeId::BYTES | TypeId::STRING => drop(self.bytes()?),
            TypeId::INTERFACE => {
                if self.bytes()? > 0 {
                    let id = TypeId(to_int(self.number()?));
                    self.number()?;
                    self.framed(id, place, depth + 1)?;
                }
            }
            _ => self.composed(id, place, depth)?,
        }
        Ok(())
    }

    fn composed(&mut self, id: TypeId, place: &Place<'_>, depth: usize) -> Result<(), ValueError> {
        if depth > MAX_DEPTH {
            return Err(ValueError::TooDeep { limit: MAX_DEPTH });
        }
        match &self.types.definition(id)?.shape {
            Shape::Array { elem, .. } | Shape::Slice { elem } => {
                for _ in 0..self.number()? {
                    self.value(*elem, &Place::Element(place), depth + 1)?;
                }
            }
            Shape::Map { key, elem } => {
                for _ in 0..self.number()? {
                    // Go names the map itself if it is a number that does not fit, and a part
                    // of it if that is made of more.
                    let (of_key, of_elem) = (Place::Key(place), Place::Element(place));
                    let of_key = if key.is_basic() { place } else { &of_key };
                    self.value(*key, of_key, depth + 1)?;
                    let of_elem = if elem.is_basic() { place } else { &of_elem };
                    self.value(*elem, of_elem, depth + 1)?;
                }
            }
            Shape::Struct { fields } => {
                let mut next = 0usize;
                loop {
                    let delta = self.number()?;
                    if delta == 0 {
                        break;
                    }
                    let delta = usize::try_from(delta).map_err(|_| ValueError::FieldNumber)?;
                    next = next.saturating_add(delta);
                    let field = fields.get(next - 1).ok_or(ValueError::FieldNumber)?;
                    self.value(field.id, &Place::Field(&field.name), depth + 1)?;
                }
            }
            Shape::Marshaled(_) => drop(self.bytes()?),
        }
        Ok(())
    }

    /// Takes a number, and makes it zero if it is too large and there have been enough.
    fn candidate(&mut self, id: TypeId, place: &Place<'_>) -> Result<(), ValueError> {
        let start = self.at;
        let number = self.number()?;
        if fits(number, id, self.width) {
            return Ok(());
        }
        self.seen += 1;
        if self.seen <= self.kept {
            self.place = Some(place.to_string());
        } else {
            // A number too large for one byte begins with its length, which may stay.
            self.message[start + 1..self.at].fill(0);
        }
        Ok(())
    }

    fn number(&mut self) -> Result<u64, ValueError> {
        let mut rest = &self.message[self.at..];
        let number = take_uint(&mut rest)?;
        self.at = self.message.len() - rest.len();
        Ok(number)
    }

    /// How many there were.
    fn bytes(&mut self) -> Result<usize, ValueError> {
        let mut rest = &self.message[self.at..];
        let length = take_bytes(&mut rest)?.len();
        self.at = self.message.len() - rest.len();
        Ok(length)
    }
}

/// Whether a number of type `id` fits a Rust type. If it does not, it is not of one byte: all
/// of these fit.
fn fits(number: u64, id: TypeId, width: &str) -> bool {
    let signed = to_int(number);
    match (id, width) {
        (TypeId::INT, "i8") => i8::try_from(signed).is_ok(),
        (TypeId::INT, "i16") => i16::try_from(signed).is_ok(),
        (TypeId::INT, "i32") => i32::try_from(signed).is_ok(),
        (TypeId::INT, "isize") => isize::try_from(signed).is_ok(),
        (TypeId::UINT, "u8") => u8::try_from(number).is_ok(),
        (TypeId::UINT, "u16") => u16::try_from(number).is_ok(),
        (TypeId::UINT, "u32") => u32::try_from(number).is_ok(),
        (TypeId::UINT, "usize") => usize::try_from(number).is_ok(),
        (TypeId::FLOAT, "f32") => {
            let float = f64::from_bits(number.swap_bytes()).abs();
            !float.is_finite() || float <= f64::from(f32::MAX)
        }
        _ => true,
    }
}
