//! The `params` of a JSON request, which hold the one argument a method takes.
//!
//! Go's dialect has an array whose first element is the argument; further elements are
//! ignored, and a missing one is a zero value. JSON-RPC 2.0 has arguments by position and by
//! name: an array with one element may hold the argument as in Go; any other array, and every
//! object, is the argument itself, whose fields serde fills by position or by name. In all else
//! [Go's rules](super::typed) hold.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::ArgumentError;
use crate::json::object::Text;
use crate::json::typed::{Positional, Typed};

/// Where an argument lies, and by which rules it is read.
#[derive(Debug)]
pub(crate) struct Params<'a> {
    json: Option<Cow<'a, str>>,
    rules: Rules,
}

#[derive(Clone, Copy, Debug)]
enum Rules {
    Go,
    Two,
    /// The text is the value: a reply.
    Bare,
}

impl<'a> Params<'a> {
    pub(crate) fn go(json: Option<&'a str>) -> Self {
        Self {
            json: json.map(Cow::Borrowed),
            rules: Rules::Go,
        }
    }

    pub(crate) fn two(json: Option<&'a str>) -> Self {
        Self {
            json: json.map(Cow::Borrowed),
            rules: Rules::Two,
        }
    }

    pub(crate) fn bare(json: Cow<'a, str>) -> Self {
        Self {
            json: Some(json),
            rules: Rules::Bare,
        }
    }

    /// The same, no longer borrowed from the input.
    pub(crate) fn into_owned(self) -> Params<'static> {
        Params {
            json: self.json.map(|json| Cow::Owned(json.into_owned())),
            rules: self.rules,
        }
    }

    /// The argument as a value; a missing one is zero.
    pub(crate) fn value<T: DeserializeOwned + Default>(&self) -> Result<T, ArgumentError> {
        let value = match self.rules {
            Rules::Two => self.read::<Positional<T>>()?.map(|value| value.0),
            Rules::Go | Rules::Bare => self.read::<Typed<T>>()?.map(|value| value.0),
        };
        Ok(value.unwrap_or_default())
    }

    /// The argument as a string, borrowed where it has no escapes.
    pub(crate) fn text(&self) -> Result<Cow<'_, str>, ArgumentError> {
        let text = self.read::<Text<'_>>()?;
        Ok(text.map(|text| text.0).unwrap_or_default())
    }

    /// The JSON text as a value.
    pub(crate) fn whole<T: DeserializeOwned>(&self) -> Result<T, ArgumentError> {
        let json = self.json.as_deref().ok_or(ArgumentError::MissingParams)?;
        // Go's client refuses a reply that is nothing but null, and here only what is made for
        // it takes it.
        if json == "null" {
            return Ok(serde_json::from_str(json)?);
        }
        let Typed(value) = serde_json::from_str(json)?;
        Ok(value)
    }

    fn read<'s, T: Deserialize<'s>>(&'s self) -> Result<Option<T>, ArgumentError> {
        match (self.rules, self.json.as_deref()) {
            (Rules::Go, Some(json)) => go(json),
            (Rules::Two, Some(json)) => two(json),
            (Rules::Two, None) => Ok(None),
            (Rules::Bare, Some(json)) => Ok(serde_json::from_str(json)?),
            (Rules::Go | Rules::Bare, None) => Err(ArgumentError::MissingParams),
        }
    }
}

fn go<'a, T: Deserialize<'a>>(json: &'a str) -> Result<Option<T>, ArgumentError> {
    let kind = match json.bytes().next() {
        Some(b'[') => {
            let first: First<Option<T>> = serde_json::from_str(json)?;
            return Ok(first.value.flatten());
        }
        Some(b'{') => "object",
        Some(b'"') => "string",
        Some(b't' | b'f') => "bool",
        Some(_) | None => "number",
    };
    Err(ArgumentError::NotAnArray { kind })
}

fn two<'a, T: Deserialize<'a>>(json: &'a str) -> Result<Option<T>, ArgumentError> {
    if json.starts_with('[') {
        let first: First<&RawValue> = serde_json::from_str(json)?;
        match first {
            First { value: None, .. } => return Ok(None),
            First {
                value: Some(first),
                alone: true,
            } => {
                return serde_json::from_str(first.get()).or_else(|error| {
                    // One field by position, or a list of one.
                    serde_json::from_str(json)
                        .map(Some)
                        .map_err(|_| error.into())
                });
            }
            First { alone: false, .. } => {}
        }
    }
    Ok(serde_json::from_str(json).map(Some)?)
}

/// The first element of a sequence, if it has one, and whether it has no other.
struct First<T> {
    value: Option<T>,
    alone: bool,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(FirstVisitor(PhantomData))
    }
}

struct FirstVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FirstVisitor<T> {
    type Value = First<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array with one argument")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut elements: S) -> Result<First<T>, S::Error> {
        let value = elements.next_element()?;
        let mut alone = true;
        while elements.next_element::<IgnoredAny>()?.is_some() {
            alone = false;
        }
        Ok(First { value, alone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_go_the_first_element_is_the_argument() {
        let text = |json| Params::go(Some(json)).text().map(Cow::into_owned);
        let number = |json| Params::go(Some(json)).value::<u32>();
        assert_eq!(text(r#"["a"]"#).unwrap(), "a");
        assert_eq!(text(r#"["\u0061",2]"#).unwrap(), "a");
        assert_eq!(number("[7,8]").unwrap(), 7);
        assert_eq!(number("[]").unwrap(), 0);
        assert_eq!(number("[null]").unwrap(), 0);
        let missing = Params::go(None).value::<u32>();
        assert!(matches!(missing, Err(ArgumentError::MissingParams)));
        for (json, kind) in [
            ("7", "number"),
            ("{}", "object"),
            ("\"x\"", "string"),
            ("true", "bool"),
        ] {
            let text =
                format!("json: cannot unmarshal {kind} into Go value of type [1]interface {{}}");
            assert_eq!(number(json).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn in_two_an_argument_comes_by_position_or_by_name() {
        #[derive(Debug, Default, PartialEq, Deserialize)]
        struct Pair {
            #[serde(default)]
            a: i64,
            #[serde(default)]
            b: i64,
        }
        let pair = |json| Params::two(Some(json)).value::<Pair>();
        for json in ["[1,2]", r#"{"b":2,"a":1}"#, r#"[{"a":1,"b":2}]"#, "[[1,2]]"] {
            assert_eq!(pair(json).unwrap(), Pair { a: 1, b: 2 }, "{json}");
        }
        assert_eq!(pair("[]").unwrap(), Pair::default());
        assert_eq!(pair("[5]").unwrap(), Pair { a: 5, b: 0 });
        assert_eq!(Params::two(None).value::<Pair>().unwrap(), Pair::default());
        assert_eq!(pair("[null,2]").unwrap(), Pair { a: 0, b: 2 });
        assert_eq!(pair(r#"{"A":1,"b":null}"#).unwrap(), Pair { a: 1, b: 0 });
        assert!(pair("[1,2,3]").is_err());
        let list = |json| Params::two(Some(json)).value::<Vec<i64>>();
        assert_eq!(list("[1,2,4]").unwrap(), [1, 2, 4]);
        assert_eq!(list("[1]").unwrap(), [1]);
        assert_eq!(list("[[1]]").unwrap(), [1]);
        let texts = |json| Params::two(Some(json)).value::<Vec<String>>();
        assert_eq!(texts(r#"[""]"#).unwrap(), [""]);
        assert_eq!(texts(r#"["AQID"]"#).unwrap(), ["AQID"]);
        let bytes = |json| Params::two(Some(json)).value::<Vec<u8>>();
        assert_eq!(bytes(r#"["AQID"]"#).unwrap(), [1, 2, 3]);
        assert_eq!(Params::two(Some("[\"a\"]")).text().unwrap(), "a");
        assert!(Params::two(Some("[\"a\",\"b\"]")).text().is_err());
        assert!(Params::two(Some("{\"a\":\"b\"}")).text().is_err());
    }
}
