//! `carotid config show`: every setting in force, and where it comes from.

use std::process::ExitCode;

use clap::ArgMatches;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::origin::{Origin, Setting, Value, settings};
use super::{ShowArgs, ShowFormat};
use crate::exit::Exit;
use crate::output;
use crate::settings::file::File;
use crate::settings::{Decided, decide, existing_file};

pub(super) fn run(args: ShowArgs, matches: &ArgMatches) -> Result<ExitCode, Exit> {
    let path = args.serve.config.clone().or_else(existing_file);
    let file = path.as_deref().map(File::read).transpose();
    let file = file.map_err(Exit::usage)?;
    let mut settings = settings(matches, file.as_ref());
    let decided = decide(args.serve);
    if let Ok(Decided { server, .. }) = &decided
        && let Some(one) = settings.iter_mut().find(|one| one.key == "data")
        && let Some(journal) = &server.journal
        && let Some(folder) = journal.directory.to_str()
    {
        // The usual folder depends on who asks.
        one.value = Value::Literal(toml::Value::from(folder).to_string());
    }
    match args.output {
        ShowFormat::Table => table(&settings, args.origin)?,
        ShowFormat::Json => json(file.as_ref(), &settings)?,
        ShowFormat::Toml => output::bytes(toml(&settings, args.origin).as_bytes())?,
    }
    // They are shown whether or not they can be used; whoever has to find out why not needs them most.
    decided?;
    Ok(ExitCode::SUCCESS)
}

impl Value {
    /// For people.
    fn shown(&self) -> &str {
        match self {
            Self::Literal(literal) => literal,
            Self::Words(words) => words,
        }
    }
}

fn table(settings: &[Setting], origin: bool) -> Result<(), Exit> {
    let widest = |of: fn(&Setting) -> &str| settings.iter().map(|one| of(one).width()).max();
    let keys = widest(|one| &one.key).unwrap_or(0).max(3);
    let values = widest(|one| one.value.shown()).unwrap_or(0).max(5);
    let row = |key: &str, value: &str, from: &str| {
        let (key_pad, value_pad) = (keys - key.width(), values - value.width());
        let line = format!("{key}{:key_pad$}  {value}{:value_pad$}  {from}", "", "");
        output::harmless(line.trim_end()) + "\n"
    };
    let mut text = row("KEY", "VALUE", if origin { "FROM" } else { "" });
    for one in settings {
        let from = one.origin.to_string();
        text += &row(&one.key, one.value.shown(), if origin { &from } else { "" });
    }
    output::bytes(text.as_bytes())
}

/// The document of `-o json`.
#[derive(Serialize)]
struct Document {
    /// The file that was read.
    file: Option<String>,
    settings: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    key: String,
    /// `null` where a default depends on other settings.
    value: Option<toml::Value>,
    /// That default, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<String>,
    origin: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

fn json(file: Option<&File>, settings: &[Setting]) -> Result<(), Exit> {
    let rows = settings.iter().map(|one| {
        let (value, words) = match &one.value {
            Value::Literal(literal) => (parsed(literal), None),
            Value::Words(words) => (None, Some(words.clone())),
        };
        let (origin, flag, variable, line) = match &one.origin {
            Origin::Flag(flag) => ("flag", Some(flag.clone()), None, None),
            Origin::Variable(name) => ("environment", None, Some(name.clone()), None),
            Origin::File { line, .. } => ("file", None, None, Some(*line)),
            Origin::Default => ("default", None, None, None),
        };
        Row {
            key: one.key.clone(),
            value,
            words,
            origin,
            flag,
            variable,
            line,
        }
    });
    output::json(&Document {
        file: file.map(|file| file.path.display().to_string()),
        settings: rows.collect(),
    })
}

/// What a literal of TOML means.
pub(super) fn parsed(literal: &str) -> Option<toml::Value> {
    let table: toml::Table = toml::from_str(&format!("value = {literal}")).ok()?;
    table.get("value").cloned()
}

/// A file that says the same.
fn toml(settings: &[Setting], origin: bool) -> String {
    let mut text = String::new();
    let (outside, tables): (Vec<_>, Vec<_>) = settings
        .iter()
        .partition(|one| table_of(&one.key).is_none());
    let mut table = None;
    for one in outside.into_iter().chain(tables) {
        let (of, name) = match table_of(&one.key) {
            Some((of, name)) => (Some(of), name),
            None => (None, one.key.as_str()),
        };
        if of != table {
            table = of;
            text += &format!("\n[{}]\n", of.unwrap_or_default());
        }
        text += &match &one.value {
            Value::Literal(literal) => format!("{name} = {literal}"),
            // Nothing can be written that means the same.
            Value::Words(words) => format!("# {name}: {words}"),
        };
        if origin {
            text += &format!("  # {}", one.origin);
        }
        text.push('\n');
    }
    text
}

/// The table of a key, and its name in there; a quoted part may have dots of its own.
fn table_of(key: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let dot = key.char_indices().filter(|(_, c)| {
        quoted ^= *c == '"';
        *c == '.' && !quoted
    });
    let (at, _) = dot.last()?;
    Some((&key[..at], &key[at + 1..]))
}
