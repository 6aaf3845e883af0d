//! Finds where a JSON value ends, byte by byte.
//!
//! It follows the grammar of RFC 8259, as Go's decoder does, so that what cannot become JSON is
//! refused at its first wrong byte, however the input is cut. Each byte is looked at once, so a
//! slow or long message costs no more than its length; nesting costs one bit a level.

/// Deeper nesting than serde_json follows is not worth collecting.
const MAX_DEPTH: u8 = 128;

/// Where the scanner stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scanner {
    place: Place,
    depth: u8,
    /// For each open bracket, innermost lowest, whether it is that of an object.
    objects: u128,
    commas: u32,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// Before a value.
    #[default]
    Value,
    /// Before the first value of an array, or its end.
    FirstValue,
    /// Before a name.
    Name,
    /// Before the first name of an object, or its end.
    FirstName,
    Colon,
    AfterValue,
    Text {
        name: bool,
    },
    Escape {
        name: bool,
    },
    Hex {
        name: bool,
        left: u8,
    },
    /// What is left of `true`, `false` or `null`.
    Word(&'static [u8]),
    Number(Digits),
}

#[derive(Clone, Copy, Debug)]
enum Digits {
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    E,
    Sign,
    Exponent,
}

/// A byte that no JSON has there.
#[derive(Debug)]
struct Wrong;

impl Scanner {
    /// How many bytes of `input` are white space before a value.
    pub(crate) fn leading_space(input: &[u8]) -> usize {
        input.iter().take_while(|byte| is_space(**byte)).count()
    }

    /// Looks at `input` and returns how many of its bytes belong to the value that ends in it;
    /// `None` if the value goes on. Only objects and arrays are values here.
    ///
    /// The error is the index of the first byte that cannot be.
    pub(crate) fn scan(&mut self, input: &[u8]) -> Result<Option<usize>, usize> {
        let mut at = 0;
        while let Some(byte) = input.get(at) {
            if matches!(self.place, Place::Text { .. }) {
                let plain = input[at..].iter().position(|byte| is_special(*byte));
                let Some(plain) = plain else {
                    return Ok(None);
                };
                if plain > 0 {
                    at += plain;
                    continue;
                }
            }
            let step = self.step(*byte);
            step.map_err(|Wrong| at)?;
            at += 1;
            if self.depth == 0 {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// How many commas separated the elements of the outermost value.
    pub(crate) fn commas(&self) -> u32 {
        self.commas
    }

    fn step(&mut self, byte: u8) -> Result<(), Wrong> {
        self.place = match self.place {
            Place::Text { name } => match byte {
                b'"' if name => Place::Colon,
                b'"' => Place::AfterValue,
                b'\\' => Place::Escape { name },
                0x20.. => Place::Text { name },
                _ => return Err(Wrong),
            },
            Place::Escape { name } => match byte {
                b'u' => Place::Hex { name, left: 4 },
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Place::Text { name },
                _ => return Err(Wrong),
            },
            Place::Hex { .. } if !byte.is_ascii_hexdigit() => return Err(Wrong),
            Place::Hex { name, left: ..=1 } => Place::Text { name },
            Place::Hex { name, left } => Place::Hex {
                name,
                left: left - 1,
            },
            Place::Word(rest) => match rest.split_first() {
                Some((first, [])) if *first == byte => Place::AfterValue,
                Some((first, rest)) if *first == byte => Place::Word(rest),
                Some(_) | None => return Err(Wrong),
            },
            Place::Number(digits) => match digits.next(byte) {
                Some(digits) => Place::Number(digits),
                None if digits.may_end() => self.outside(Place::AfterValue, byte)?,
                None => return Err(Wrong),
            },
            place @ (Place::Value
            | Place::FirstValue
            | Place::Name
            | Place::FirstName
            | Place::Colon
            | Place::AfterValue) => self.outside(place, byte)?,
        };
        Ok(())
    }

    /// A byte outside of strings, words and numbers.
    fn outside(&mut self, place: Place, byte: u8) -> Result<Place, Wrong> {
        let in_object = self.objects & 1 == 1;
        match (place, byte) {
            (place, byte) if is_space(byte) => Ok(place),
            (Place::Value | Place::FirstValue, b'{' | b'[') => self.open(byte == b'{'),
            (Place::FirstName, b'}') => Ok(self.close()),
            (Place::AfterValue, b'}') if in_object => Ok(self.close()),
            (Place::FirstValue, b']') => Ok(self.close()),
            (Place::AfterValue, b']') if !in_object => Ok(self.close()),
            (Place::AfterValue, b',') => {
                if self.depth == 1 {
                    self.commas = self.commas.saturating_add(1);
                }
                Ok(if in_object { Place::Name } else { Place::Value })
            }
            (Place::Colon, b':') => Ok(Place::Value),
            (Place::Name | Place::FirstName, b'"') => Ok(Place::Text { name: true }),
            // Only an object is a request and only an array a batch, so a bare scalar is
            // refused at its first byte.
            (Place::Value | Place::FirstValue, byte) if self.depth > 0 => scalar(byte),
            _ => Err(Wrong),
        }
    }

    fn open(&mut self, object: bool) -> Result<Place, Wrong> {
        if self.depth == MAX_DEPTH {
            return Err(Wrong);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(object);
        Ok(if object {
            Place::FirstName
        } else {
            Place::FirstValue
        })
    }

    fn close(&mut self) -> Place {
        self.depth -= 1;
        self.objects >>= 1;
        Place::AfterValue
    }
}

fn scalar(first: u8) -> Result<Place, Wrong> {
    match first {
        b'"' => Ok(Place::Text { name: false }),
        b't' => Ok(Place::Word(b"rue")),
        b'f' => Ok(Place::Word(b"alse")),
        b'n' => Ok(Place::Word(b"ull")),
        b'-' => Ok(Place::Number(Digits::Minus)),
        b'0' => Ok(Place::Number(Digits::Zero)),
        b'1'..=b'9' => Ok(Place::Number(Digits::Whole)),
        _ => Err(Wrong),
    }
}

impl Digits {
    fn next(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Minus, b'0') => Some(Self::Zero),
            (Self::Minus | Self::Whole, b'0'..=b'9') => Some(Self::Whole),
            (Self::Zero | Self::Whole, b'.') => Some(Self::Point),
            (Self::Point | Self::Fraction, b'0'..=b'9') => Some(Self::Fraction),
            (Self::Zero | Self::Whole | Self::Fraction, b'e' | b'E') => Some(Self::E),
            (Self::E, b'+' | b'-') => Some(Self::Sign),
            (Self::E | Self::Sign | Self::Exponent, b'0'..=b'9') => Some(Self::Exponent),
            _ => None,
        }
    }

    fn may_end(self) -> bool {
        matches!(
            self,
            Self::Zero | Self::Whole | Self::Fraction | Self::Exponent
        )
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Whether a byte is more than a part of the string it stands in.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | ..0x20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_past_strings_and_escapes() {
        let value =
            br#"{"a":"}\"}\\\u00e9","b":[{},-0.5e+7,1E2,0,true,false,null,[]] , "c" : { } }"#;
        let mut input = value.to_vec();
        input.extend(b" {");
        assert_eq!(Scanner::default().scan(&input), Ok(Some(value.len())));
        let mut scanner = Scanner::default();
        for (at, byte) in value.iter().enumerate() {
            let end = scanner.scan(&[*byte]).unwrap();
            assert_eq!(end.is_some(), at + 1 == value.len());
        }
        assert_eq!(scanner.commas(), 2);
    }

    #[test]
    fn what_cannot_become_json_is_refused_at_its_first_wrong_byte() {
        for (bad, at) in [
            ("1", 0),
            ("\"x\"", 0),
            ("]", 0),
            ("null", 0),
            ("{]", 1),
            ("[1}", 2),
            ("[,", 1),
            ("[1,]", 3),
            ("{,", 1),
            ("{\"a\"}", 4),
            ("{\"a\":}", 5),
            ("{\"a\":1,}", 7),
            ("{a", 1),
            ("[01", 2),
            ("[-a", 2),
            ("[1.]", 3),
            ("[1e]", 3),
            ("[truf", 4),
            ("[\"\\x", 3),
            ("[\"\\u12g", 6),
            ("[\"\n", 2),
            ("[1 2", 3),
        ] {
            assert_eq!(Scanner::default().scan(bad.as_bytes()), Err(at), "{bad}");
        }
        assert_eq!(Scanner::default().scan(&[b'['; 200]), Err(128));
    }
}
