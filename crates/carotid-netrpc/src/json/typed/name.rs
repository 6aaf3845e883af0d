//! Names of fields, whose case need not be right.

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

/// The name of one of these fields, or another one.
pub(super) struct Name<S> {
    pub(super) fields: &'static [&'static str],
    pub(super) seed: S,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Name<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<S::Value, D::Error> {
        inner.deserialize_str(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Name<S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<S::Value, E> {
        let name = find(self.fields, name).unwrap_or(name);
        self.seed.deserialize(BorrowedStrDeserializer::new(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<S::Value, E> {
        let name = find(self.fields, name).unwrap_or(name);
        self.seed.deserialize(StrDeserializer::new(name))
    }
}

/// The field of exactly this name, or else the first whose name differs only in case.
fn find(fields: &'static [&'static str], name: &str) -> Option<&'static str> {
    let exact = fields.iter().find(|field| **field == name);
    let field = exact.or_else(|| fields.iter().find(|field| is_alike(field, name)));
    field.copied()
}

fn is_alike(field: &str, name: &str) -> bool {
    if field.is_ascii() && name.is_ascii() {
        return field.eq_ignore_ascii_case(name);
    }
    field.chars().map(fold).eq(name.chars().map(fold))
}

/// One letter for all of its cases, in place of Unicode's simple folding: `K` is also the sign
/// of Kelvin and `s` also the long one, as in Go.
fn fold(letter: char) -> char {
    let upper = only(letter.to_uppercase()).unwrap_or(letter);
    only(upper.to_lowercase()).unwrap_or(upper)
}

fn only(mut letters: impl Iterator<Item = char>) -> Option<char> {
    let letter = letters.next()?;
    letters.next().is_none().then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_name_comes_first_and_any_case_will_do() {
        const FIELDS: &[&str] = &["Args", "args", "Ärger", "K", "Masse"];
        for (name, field) in [
            ("args", Some("args")),
            ("Args", Some("Args")),
            ("ARGS", Some("Args")),
            ("äRGER", Some("Ärger")),
            ("\u{212a}", Some("K")),
            ("MA\u{17f}SE", Some("Masse")),
            ("Maße", None),
            ("Arg", None),
            ("Argss", None),
            ("", None),
        ] {
            assert_eq!(find(FIELDS, name), field, "{name}");
        }
    }
}
