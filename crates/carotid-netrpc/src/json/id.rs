//! Ids of JSON calls, kept while the call runs and sent back as they came.

use std::io::Write;

/// The longest id in bytes.
pub(crate) const MAX_ID: usize = 1024;

/// Any JSON value that names a call. What clients usually send takes no allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JsonId {
    Null,
    Number(u64),
    /// Any other value, as it came but without white space around its parts.
    Other(Box<str>),
}

impl JsonId {
    /// The id that this JSON text is; `None` if it is too long to be kept.
    pub(crate) fn new(text: &str) -> Option<Self> {
        if text == "null" {
            return Some(Self::Null);
        }
        // JSON's numbers have no plus and no leading zeros, so what parses is written alike.
        if let Ok(number) = text.parse() {
            return Some(Self::Number(number));
        }
        if text.len() > MAX_ID {
            return None;
        }
        Some(Self::Other(if text.starts_with(['{', '[']) {
            compact(text).into()
        } else {
            text.into()
        }))
    }

    /// Appends the id as JSON.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Number(number) => write!(out, "{number}").expect("a vector takes all bytes"),
            Self::Other(text) => out.extend_from_slice(text.as_bytes()),
        }
    }
}

/// JSON without the white space that means nothing, as Go sends ids back: each answer is one
/// line.
fn compact(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |c: &char| {
        let keep = in_string || !c.is_ascii_whitespace();
        in_string ^= *c == '"' && !escaped;
        escaped = in_string && *c == '\\' && !escaped;
        keep
    };
    text.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        JsonId::new(text).unwrap().put(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_id_comes_back_as_it_was() {
        for text in [
            "null",
            "0",
            "18446744073709551615",
            "-1",
            "1e2",
            "1.0",
            "\"a b\"",
            "false",
        ] {
            assert_eq!(written(text), text);
        }
        assert_eq!(
            written("{ \"x y\\\" \\\\\" :\n[1, \" \" ] }"),
            "{\"x y\\\" \\\\\":[1,\" \"]}"
        );
        assert!(JsonId::new(&"1".repeat(MAX_ID)).is_some());
        assert!(JsonId::new(&"1".repeat(MAX_ID + 1)).is_none());
    }
}
