//! JSON values, cut out of chunks of input.
//!
//! A value that lies whole in the chunk is borrowed from it. Only one that ends in a later
//! chunk is copied, and the copy goes away with it, so that an idle connection holds nothing.

use std::borrow::Cow;

use crate::error::WireError;
use crate::json::scan::Scanner;

/// Cuts input into values: objects and arrays, with or without white space between them.
#[derive(Debug, Default)]
pub(crate) struct Values {
    held: Option<Box<Held>>,
}

/// The beginning of a value.
#[derive(Debug)]
struct Held {
    scanner: Scanner,
    bytes: Vec<u8>,
}

/// One object or array.
#[derive(Debug)]
pub(crate) struct Value<'i> {
    pub(crate) text: Cow<'i, str>,
    /// How many commas separate its own elements.
    pub(crate) commas: u32,
}

impl Values {
    /// The next value; `None` when `input` is used up before there is one. Of a value nothing
    /// is kept beyond `limit` bytes (I9).
    pub(crate) fn poll<'i>(
        &mut self,
        input: &mut &'i [u8],
        limit: usize,
    ) -> Result<Option<Value<'i>>, WireError> {
        if self.held.is_none() {
            *input = &input[Scanner::leading_space(input)..];
            if input.is_empty() {
                return Ok(None);
            }
        }
        let mut fresh = Scanner::default();
        let (scanner, had) = match &mut self.held {
            Some(held) => (&mut held.scanner, held.bytes.len()),
            None => (&mut fresh, 0),
        };
        let allowed = input.get(..limit - had).unwrap_or(input);
        let scanned = scanner.scan(allowed);
        let commas = scanner.commas();
        let taken = match scanned {
            Ok(Some(at)) | Err(at) => at,
            Ok(None) => allowed.len(),
        };
        let fits = allowed.len() == input.len();
        let (taken, rest) = input.split_at(taken);
        *input = rest;
        if let (Ok(Some(_)), None) = (scanned, &self.held) {
            let text = String::from_utf8_lossy(taken);
            return Ok(Some(Value { text, commas }));
        }
        let held = self.held.get_or_insert_with(|| {
            let bytes = Vec::new();
            let scanner = fresh;
            Box::new(Held { scanner, bytes })
        });
        held.bytes.extend_from_slice(taken);
        match scanned {
            Ok(Some(_)) => {
                let bytes = self.held.take().map(|held| held.bytes).unwrap_or_default();
                let text = Cow::Owned(lossy(bytes));
                Ok(Some(Value { text, commas }))
            }
            Ok(None) if fits => Ok(None),
            Ok(None) => Err(WireError::TooLong {
                size: limit as u64 + 1,
                limit,
            }),
            Err(_) => Err(WireError::BadJson),
        }
    }

    /// What was kept of the value that is not whole yet, or that was refused.
    pub(crate) fn so_far(&self) -> &[u8] {
        self.held.as_ref().map_or(&[], |held| &held.bytes)
    }
}

/// What is not UTF-8 becomes replacement characters, as in Go.
fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_value_is_borrowed_and_a_cut_one_leaves_no_buffer() {
        let mut values = Values::default();
        let mut input = &b" {\"a\":[1,2]}\n[3"[..];
        let value = values.poll(&mut input, 100).unwrap().unwrap();
        assert!(matches!(value.text, Cow::Borrowed("{\"a\":[1,2]}")));
        assert!(values.poll(&mut input, 100).unwrap().is_none());
        assert_eq!(values.so_far(), b"[3");
        let value = values.poll(&mut &b",4]"[..], 100).unwrap().unwrap();
        assert_eq!((&*value.text, value.commas), ("[3,4]", 1));
        assert!(values.held.is_none());
    }

    #[test]
    fn the_limit_is_the_same_however_the_input_is_cut() {
        let value = b"{\"a\":\"bcd\"}";
        for limit in 0..15 {
            let mut whole = Values::default();
            let once = whole
                .poll(&mut &value[..], limit)
                .map(|value| value.is_some());
            let mut values = Values::default();
            let many = value.chunks(1).try_fold(false, |_, mut byte| {
                values.poll(&mut byte, limit).map(|value| value.is_some())
            });
            let fits = value.len() <= limit;
            for outcome in [once, many] {
                assert_eq!(outcome.ok(), fits.then_some(true), "{limit}");
            }
        }
    }

    #[test]
    fn what_is_not_utf8_is_replaced() {
        let bytes = b"[\"\xff\"]";
        let value = Values::default().poll(&mut &bytes[..], 100).unwrap();
        assert_eq!(value.unwrap().text, "[\"\u{fffd}\"]");
        let mut values = Values::default();
        values.poll(&mut &bytes[..3], 100).unwrap();
        let value = values.poll(&mut &bytes[3..], 100).unwrap();
        assert_eq!(value.unwrap().text, "[\"\u{fffd}\"]");
    }
}
