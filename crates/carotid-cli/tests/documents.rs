//! The documents promise tests by name; here is whether those exist.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, its foundations included"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// The rows of all tables of `docs/net-rpc.md` whose last column names tests.
fn rows(document: &str) -> Vec<Vec<&str>> {
    let mut shown = false;
    let mut rows = Vec::new();
    for line in document.lines() {
        let Some(row) = line.strip_prefix('|') else {
            shown = false;
            continue;
        };
        let cells: Vec<&str> = row
            .trim_end_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        if cells.last() == Some(&"shown by") {
            shown = true;
        } else if shown && !row.starts_with("---") {
            rows.push(cells);
        }
    }
    rows
}

/// The tests that a cell names: `place.rs::name`, in backquotes.
fn tests(cell: &str) -> Vec<(&str, &str)> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|word| word.split_once("::"))
        .collect()
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push(path);
        }
    }
}

/// Whether a source has a test of this name: a function below attributes that make it one.
fn has_test(source: &str, name: &str) -> bool {
    let head = format!("fn {name}(");
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let line = line.strip_prefix("async ").unwrap_or(line);
        let above = lines[..at].iter().rev();
        let mut attributes = above.take_while(|line| line.starts_with("#["));
        line.starts_with(&head)
            && attributes.any(|line| IS_TEST.iter().any(|is| line.starts_with(is)))
    })
}

/// How attributes begin that make a function a test.
const IS_TEST: [&str; 2] = ["#[test]", "#[tokio::test"];

#[test]
fn every_row_of_the_net_rpc_table_names_a_test_that_exists() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let document = fs::read_to_string(root.join("docs/net-rpc.md")).unwrap();
    let mut paths = Vec::new();
    sources(&root.join("crates"), &mut paths);

    let rows = rows(&document);
    assert!(rows.len() > 50, "only {} rows were found", rows.len());
    for row in rows {
        assert_eq!(row.len(), 3, "{row:?}");
        let tests = tests(row[2]);
        assert!(!tests.is_empty(), "no test shows {:?}", row[0]);
        for (place, name) in tests {
            // `Path::ends_with` compares whole components.
            let found: Vec<&PathBuf> = paths.iter().filter(|path| path.ends_with(place)).collect();
            let [path] = found[..] else {
                panic!("{place} is not the end of one path but of {found:?}");
            };
            let source = fs::read_to_string(path).unwrap();
            assert!(has_test(&source, name), "{place} has no test {name}");
        }
    }
}
