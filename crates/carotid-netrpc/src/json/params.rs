//! The `params` of a JSON request: an array whose first element is the argument.
//!
//! As in Go, further elements are ignored, and a missing one is a zero value.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, SeqAccess, Visitor};

use crate::error::ArgumentError;

/// The argument as a value.
pub(crate) fn value<T: DeserializeOwned + Default>(
    params: Option<&str>,
) -> Result<T, ArgumentError> {
    let first: First<Option<T>> = parse(params)?;
    Ok(first.0.flatten().unwrap_or_default())
}

/// The argument as a string, borrowed where it has no escapes.
pub(crate) fn text(params: Option<&str>) -> Result<Cow<'_, str>, ArgumentError> {
    let first: First<Option<Text<'_>>> = parse(params)?;
    Ok(first.0.flatten().map(|text| text.0).unwrap_or_default())
}

fn parse<'a, T: Deserialize<'a>>(params: Option<&'a str>) -> Result<T, ArgumentError> {
    let params = params.ok_or(ArgumentError::MissingParams)?;
    Ok(serde_json::from_str(params)?)
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The first element of a sequence, if it has one.
struct First<T>(Option<T>);

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
        let first = elements.next_element()?;
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(First(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_element_is_the_argument() {
        assert_eq!(text(Some(r#"["a"]"#)).unwrap(), "a");
        assert_eq!(text(Some(r#"["\u0061",2]"#)).unwrap(), "a");
        assert_eq!(value::<u32>(Some("[7,8]")).unwrap(), 7);
        assert_eq!(value::<u32>(Some("[]")).unwrap(), 0);
        assert_eq!(value::<u32>(Some("[null]")).unwrap(), 0);
        assert!(value::<u32>(Some("7")).is_err());
        assert!(matches!(text(None), Err(ArgumentError::MissingParams)));
    }
}
