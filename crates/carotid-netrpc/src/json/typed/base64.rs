//! Base64 as Go writes bytes: RFC 4648, section 4, with padding.

/// Where a text is not base64; the words are Go's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("illegal base64 data at input byte {at}")]
pub(super) struct Illegal {
    at: usize,
}

/// The bytes that this text holds. As in Go, ends of lines do not count.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, Illegal> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut digits, mut padding) = (0u32, 0, 0);
    for (at, letter) in text.bytes().enumerate() {
        let digit = match letter {
            b'\r' | b'\n' => continue,
            b'=' if padding > 0 || digits >= 2 => None,
            _ => Some(digit(letter).ok_or(Illegal { at })?),
        };
        // Nothing follows padding.
        if padding > 0 && (digit.is_some() || digits == 0) {
            return Err(Illegal { at });
        }
        padding += u32::from(digit.is_none());
        bits = bits << 6 | u32::from(digit.unwrap_or(0));
        digits += 1;
        if digits == 4 {
            let [_, group @ ..] = bits.to_be_bytes();
            bytes.extend_from_slice(&group[..3 - padding as usize]);
            (bits, digits) = (0, 0);
        }
    }
    if digits != 0 {
        return Err(Illegal { at: text.len() });
    }
    Ok(bytes)
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_4648() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9v\r\nYmFy\n", "foobar"),
        ] {
            assert_eq!(decode(text).unwrap(), bytes.as_bytes(), "{text}");
        }
        assert_eq!(decode("AP+/+w==").unwrap(), [0, 255, 191, 251]);
    }

    #[test]
    fn what_is_not_base64_is_refused_where_it_goes_wrong() {
        for (text, at) in [
            ("Z", 1),
            ("Zg", 2),
            ("Zg=", 3),
            ("Z===", 1),
            ("=", 0),
            ("====", 0),
            ("Zg==Zg==", 4),
            ("Zg=g", 3),
            ("Zm8==", 4),
            ("Zm9v=", 4),
            ("Zm-_", 2),
            ("Zm9 ", 3),
            ("Zmä=", 2),
        ] {
            assert_eq!(decode(text), Err(Illegal { at }), "{text}");
        }
    }
}
