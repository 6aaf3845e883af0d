//! Finds where a JSON object ends, without understanding it.
//!
//! Brackets are counted outside strings; whether they match is serde's to judge. Each byte is
//! looked at once, however the input is cut, so a slow or long message costs no more than its
//! length.

use crate::error::WireError;

/// Deeper nesting than serde_json follows is not worth collecting.
const MAX_DEPTH: u32 = 128;

/// Where the scanner stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scanner {
    depth: u32,
    place: Place,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    Plain,
    String,
    Escape,
}

impl Scanner {
    /// How many bytes of `input` are white space before a value.
    pub(crate) fn leading_space(input: &[u8]) -> usize {
        let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        input.iter().take_while(|byte| space(byte)).count()
    }

    /// Looks at `input` and returns how many of its bytes belong to the value that ends in it;
    /// `None` if the value goes on. After an end the scanner is fresh.
    pub(crate) fn scan(&mut self, input: &[u8]) -> Result<Option<usize>, WireError> {
        for (at, byte) in input.iter().enumerate() {
            self.place = match (self.place, byte) {
                (Place::Escape, _) => Place::String,
                (Place::String, b'\\') => Place::Escape,
                (Place::String, b'"') => Place::Plain,
                (Place::String, _) => Place::String,
                (Place::Plain, b'"') => Place::String,
                (Place::Plain, _) => Place::Plain,
            };
            if matches!(self.place, Place::Plain) {
                match byte {
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth = self.depth.checked_sub(1).ok_or(WireError::BadJson)?;
                    }
                    _ => {}
                }
            }
            if self.depth > MAX_DEPTH {
                return Err(WireError::BadJson);
            }
            if self.depth == 0 {
                // Only an object is a request, so a bare scalar is refused at its first byte.
                if *byte != b'}' {
                    return Err(WireError::BadJson);
                }
                *self = Self::default();
                return Ok(Some(at + 1));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_past_strings_and_escapes() {
        let value = br#"{"a":"}\"}\\","b":[{}]}"#;
        let mut input = value.to_vec();
        input.extend(b" {");
        assert_eq!(Scanner::default().scan(&input).unwrap(), Some(value.len()));
        let mut scanner = Scanner::default();
        for (at, byte) in value.iter().enumerate() {
            let end = scanner.scan(&[*byte]).unwrap();
            assert_eq!(end.is_some(), at + 1 == value.len());
        }
    }

    #[test]
    fn bare_values_and_deep_nests_are_refused() {
        for bad in [&b"1"[..], b"\"x\"", b"]", b"null", b"[]"] {
            assert!(Scanner::default().scan(bad).is_err());
        }
        assert!(Scanner::default().scan(&[b'['; 200]).is_err());
    }
}
