//! A configuration file, and where in it everything stands.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::Context;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file and its text.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// One setting of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// With dots between the tables, as TOML would have it.
    pub(crate) key: String,
    /// As it is written, on one line.
    pub(crate) value: String,
    /// Where its key begins, in bytes.
    pub(crate) at: usize,
}

/// A place in a file, as editors count: from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl File {
    /// Reads it; what it says is not looked at.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?;
        let path = path.to_owned();
        Ok(Self { path, text })
    }

    /// Where the byte at `offset` is.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let begin = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before[begin..].chars().count() + 1,
        }
    }

    /// All settings in the order in which they are written; as many as can be made out.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let (table, _faults) = DeTable::parse_recoverable(&self.text);
        let mut entries = Vec::new();
        self.walk(table.get_ref(), "", &mut entries);
        entries.sort_by_key(|entry| entry.at);
        entries
    }

    fn walk(&self, table: &DeTable<'_>, prefix: &str, entries: &mut Vec<Entry>) {
        for (key, value) in table {
            let path = format!("{prefix}{}", quoted(key.get_ref()));
            self.visit(path, key.span().start, value, entries);
        }
    }

    fn visit(
        &self,
        key: String,
        at: usize,
        value: &Spanned<DeValue<'_>>,
        entries: &mut Vec<Entry>,
    ) {
        match value.get_ref() {
            DeValue::Table(table) => self.walk(table, &format!("{key}."), entries),
            DeValue::Array(items) if items.iter().all(|item| item.get_ref().is_table()) => {
                for (index, item) in items.iter().enumerate() {
                    self.visit(format!("{key}[{index}]"), at, item, entries);
                }
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => {
                let text = self.text.get(value.span()).unwrap_or_default();
                let value = text.split_whitespace().collect::<Vec<_>>().join(" ");
                entries.push(Entry { key, value, at });
            }
        }
    }
}

/// The key as it can stand between dots.
fn quoted(key: &str) -> Cow<'_, str> {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(is_bare) {
        Cow::Borrowed(key)
    } else {
        Cow::Owned(toml::Value::from(key).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_found_where_it_stands() {
        let text = "# é\ninterval = '2s'\n[service.'客']\n  min_alive = 2\nlist = [1,\n 2]\n\
                    [[hook]]\nurl = \"u\"\n[empty]\n";
        let file = File {
            path: PathBuf::new(),
            text: text.to_owned(),
        };
        let found: Vec<_> = file
            .entries()
            .into_iter()
            .map(|entry| {
                let place = file.place(entry.at);
                (entry.key, entry.value, place.line, place.column)
            })
            .collect();
        let expected = [
            ("interval", "'2s'", 2, 1),
            ("service.\"客\".min_alive", "2", 4, 3),
            ("service.\"客\".list", "[1, 2]", 5, 1),
            ("hook[0].url", "\"u\"", 7, 3),
        ];
        let expected =
            expected.map(|(key, value, line, column)| (key.into(), value.into(), line, column));
        assert_eq!(found[..3], expected[..3]);
        assert_eq!(found[3].0, expected[3].0);
    }
}
