//! Tells the protocol from the first two bytes.
//!
//! One byte is not enough: a gob stream begins with a length, which may equal any letter. Its
//! second byte then begins a negative number, the id of the first type definition: 0x7F, or
//! 0xF8 and above. No text protocol has those there.

use crate::error::WireError;

/// What a stream begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    Gob,
    Json,
    /// Any HTTP/1 request, or the preface of HTTP/2.
    Http,
}

/// The beginning that these two bytes are of.
pub(crate) fn detect(first: u8, second: u8) -> Result<Beginning, WireError> {
    match (first, second) {
        (0xf8.., _) | (..0x80, 0x7f | 0xf8..) => Ok(Beginning::Gob),
        (b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n', _) => Ok(Beginning::Json),
        (b'A'..=b'Z', b'A'..=b'Z') => Ok(Beginning::Http),
        (0x16, 0x03) => Err(WireError::Tls),
        _ => Err(WireError::UnknownProtocol),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_looks_like_text_is_still_gob() {
        for first in *b"{[ CGP\x03\x16" {
            assert_eq!(detect(first, 0xff).unwrap(), Beginning::Gob);
            assert_eq!(detect(first, 0x7f).unwrap(), Beginning::Gob);
        }
        assert_eq!(detect(0xfe, 1).unwrap(), Beginning::Gob);
    }

    #[test]
    fn text_is_told_by_its_beginning() {
        assert_eq!(detect(b'{', b'"').unwrap(), Beginning::Json);
        assert_eq!(detect(b'\n', b'{').unwrap(), Beginning::Json);
        assert_eq!(detect(b'C', b'O').unwrap(), Beginning::Http);
        assert_eq!(detect(b'P', b'R').unwrap(), Beginning::Http);
        assert!(matches!(detect(0x16, 3), Err(WireError::Tls)));
        assert!(matches!(detect(0, 0), Err(WireError::UnknownProtocol)));
        assert!(matches!(detect(0x90, 0), Err(WireError::UnknownProtocol)));
    }
}
