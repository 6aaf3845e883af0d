//! `carotid config check`: everything that is wrong with a file, and where.

use std::ops::Range;
use std::process::ExitCode;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::CheckArgs;
use super::nearest::nearest;
use crate::args::Settings;
use crate::exit::Exit;
use crate::output;
use crate::settings::file::{File, Place};
use crate::settings::{existing_file, faults};

/// More than this and the rest is likely to follow from it.
const MOST_PROBLEMS: usize = 100;

pub(super) fn run(args: CheckArgs) -> Result<ExitCode, Exit> {
    let path = args.file.or_else(existing_file).ok_or_else(|| {
        Exit::usage(anyhow::anyhow!("there is no configuration file"))
            .advise("Name one: carotid config check FILE.")
    })?;
    let file = File::read(&path).map_err(Exit::usage)?;
    let problems = problems(&file);
    let path = path.display();
    if problems.is_empty() {
        output::line(&format!("{path}: nothing is wrong"))?;
        return Ok(ExitCode::SUCCESS);
    }
    for problem in &problems {
        let place = problem
            .place
            .map(|Place { line, column }| format!("{line}:{column}:"));
        output::line(&format!(
            "{path}:{} {}",
            place.unwrap_or_default(),
            problem.why
        ))?;
    }
    Ok(ExitCode::from(Exit::USAGE))
}

/// Something wrong, and where it stands if it stands somewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    place: Option<Place>,
    why: String,
}

fn problems(file: &File) -> Vec<Problem> {
    let (mut table, syntax) = DeTable::parse_recoverable(&file.text);
    let mut problems: Vec<_> = syntax.iter().map(|error| problem(file, error)).collect();
    let is_whole = problems.is_empty();
    // What cannot be read is noted and left out, and then the rest is read again.
    let settings = loop {
        match Settings::deserialize(Deserializer::from(table.clone())) {
            Ok(settings) => break Some(settings),
            Err(error) => {
                let follows = problem(file, &error);
                // What is no TOML is no value either.
                if problems.iter().all(|known| known.place != follows.place) {
                    problems.push(follows);
                }
                let place = error.span();
                let removed = place.is_some_and(|place| remove(table.get_mut(), &place));
                if !removed || MOST_PROBLEMS <= problems.len() {
                    break None;
                }
            }
        }
    };
    // Half a file contradicts itself where the whole need not.
    if let Some(settings) = settings.filter(|_| is_whole) {
        let contradictions = faults(settings);
        problems.extend(
            contradictions
                .iter()
                .map(|fault| contradiction(file, fault)),
        );
    }
    problems.sort();
    problems.dedup();
    problems
}

fn problem(file: &File, error: &toml::de::Error) -> Problem {
    Problem {
        place: error.span().map(|span| file.place(span.start)),
        why: plain(error.message()),
    }
}

/// Says of an unknown key what was meant; the parser lists all that could have been.
pub(crate) fn plain(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field `") else {
        return message.replace('\n', ": ");
    };
    let mut words = rest.split('`').step_by(2);
    let key = words.next().unwrap_or_default();
    // The rest of the words in back quotes; the text between them is of no interest.
    let known: Vec<_> = rest.split('`').skip(2).step_by(2).collect();
    match nearest(key, known.iter().copied()) {
        Some(meant) => format!("unknown key {key:?}: did you mean {meant:?}?"),
        None if known.is_empty() => format!("unknown key {key:?}"),
        // The second spelling of each is for those who are used to flags.
        None => {
            let known: Vec<_> = known.into_iter().filter(|key| !key.contains('-')).collect();
            format!("unknown key {key:?}; there are {}", known.join(", "))
        }
    }
}

/// A contradiction names the settings that it is between; the last of them in the file is where it is told.
fn contradiction(file: &File, fault: &Exit) -> Problem {
    let why = fault.reason();
    let words: Vec<_> = why
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect();
    let is_named = |key: &str| {
        let key = key.rsplit('.').next().unwrap_or(key).replace('-', "_");
        words.contains(&key.as_str())
    };
    let mut entries = file.entries();
    if let Some(table) = why.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        entries.retain(|entry| entry.key.starts_with(&format!("{}.", table.0)));
    }
    let named = entries.iter().rfind(|entry| is_named(&entry.key));
    // Of a table that lacks something, where it begins.
    let named = named.or_else(|| entries.first().filter(|_| why.starts_with('[')));
    Problem {
        place: named.map(|entry| file.place(entry.at)),
        why,
    }
}

/// Takes out what stands at this place: the innermost setting, or the table that begins there.
fn remove(table: &mut DeTable<'_>, place: &Range<usize>) -> bool {
    let mut found = None;
    for (key, value) in table.iter_mut() {
        if inner(value, place) {
            return true;
        }
        if covers(&key.span(), place) || covers(&value.span(), place) {
            found = Some(key.clone());
        }
    }
    found.is_some_and(|key| table.remove(key.get_ref().as_ref()).is_some())
}

fn inner(value: &mut Spanned<DeValue<'_>>, place: &Range<usize>) -> bool {
    match value.get_mut() {
        DeValue::Table(table) => remove(table, place),
        DeValue::Array(items) => items.iter_mut().any(|item| inner(item, place)),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => false,
    }
}

fn covers(whole: &Range<usize>, part: &Range<usize>) -> bool {
    whole.start <= part.start && part.end <= whole.end && !whole.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let file = File {
            path: "f".into(),
            text: text.to_owned(),
        };
        let line = |problem: Problem| {
            let place = problem
                .place
                .map(|place| format!("{}:{} ", place.line, place.column));
            place.unwrap_or_default() + &problem.why
        };
        problems(&file).into_iter().map(line).collect()
    }

    #[test]
    fn a_file_without_fault_has_no_problems() {
        assert_eq!(told(""), [""; 0]);
        assert_eq!(
            told("interval = '5s'\n[fleet]\nbeats-per-second = 7"),
            [""; 0]
        );
    }

    #[test]
    fn every_unknown_key_and_every_wrong_value_is_told() {
        let text = "intervall = '1s'\ntimeout = 10\n[fleet]\nbeats = 5\nreconnects_per_second = -1\n\
                    [detektion]\nx = 1\n[mass_silence]\nshare = 'all'\n";
        let told = told(text);
        for (problem, expected) in told.iter().zip([
            "1:1 unknown key \"intervall\": did you mean \"interval\"?",
            "2:11 invalid type: integer `10`",
            "4:1 unknown key \"beats\"; there are beats_per_second, reconnects_per_second",
            "5:25 invalid value: integer `-1`",
            "6:2 unknown key \"detektion\": did you mean \"detection\"?",
            "9:9 invalid type: string \"all\"",
        ]) {
            assert!(problem.starts_with(expected), "{problem}\n{expected}");
        }
        assert_eq!(told.len(), 6, "{told:#?}");
    }

    #[test]
    fn contradictions_come_together_with_their_arithmetic() {
        let text = "interval = '10s'\ntimeout = '15s'\n[detection]\ndetector = 'adaptive'\n\
                    suspect_after = 3.0\n[fleet]\nbeats_per_second = 0\n[mass_silence]\nshare = 2\n";
        let told = told(text);
        for (problem, expected) in told.iter().zip([
            "2:1 timeout 15s is shorter than two intervals (2 × 10s = 20s)",
            "5:1 suspect_after belongs to the fixed rule",
            "7:1 beats_per_second is 0",
            "9:1 mass silence of a share of 2",
        ]) {
            assert!(problem.starts_with(expected), "{problem}\n{expected}");
        }
        assert_eq!(told.len(), 4, "{told:#?}");
    }

    #[test]
    fn what_is_wrong_with_a_table_is_told_in_it() {
        let told = told("[service.ok]\nmin_alive = 1\n[service.'a/b']\nmin_alive = 1\n");
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(told[0].starts_with("4:1 [service.\"a/b\"]"), "{told:#?}");
    }

    #[test]
    fn broken_syntax_does_not_hide_the_rest() {
        let told = told("timeout = 60s\nintervall = '1s'\n");
        let place = |told: &String| told.split_once(' ').unwrap().0.to_owned();
        let places: Vec<_> = told.iter().map(place).collect();
        assert_eq!(places, ["1:11", "2:1"], "{told:#?}");
    }
}
