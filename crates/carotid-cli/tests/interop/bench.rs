//! `carotid bench` against the recipe in Go, which tells of every ping that it has had.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::go;
use crate::ground::daemon::carotid;
use crate::ground::program::Program;

#[test]
fn the_recipe_has_had_every_ping_that_was_counted() {
    let recipe = go::start("recipe", &["-trace"]);
    let address = go::announced(&recipe.line()).to_string();
    let mut command = carotid();
    command
        .args(["bench", "--addr", &address, "-o", "json"])
        .args(["--duration", "300ms", "--warm-up", "100ms"])
        .args(["--connections", "3", "--in-flight", "8", "--names", "2"])
        .args(["--rate", "600"]);
    let (code, report, said) = Program::start(&mut command).outcome();
    assert_eq!((code, &*said), (Some(0), ""));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["errors"], json!([]));
    assert_eq!(report["server"]["name"], "recipe", "{report:#}");
    // It knows no goodbye, and is not blamed for that.
    assert_eq!(
        report["goodbye"],
        json!({"left": 0, "unheard": 0, "refusal": null})
    );

    recipe.request_end();
    let mut pings = BTreeMap::<String, u64>::new();
    for line in recipe.rest() {
        *pings.entry(line).or_default() += 1;
    }
    let name = |connection, n| format!("ping bench/{connection}-{n}");
    let expected: Vec<_> = (0..3).flat_map(|c| [name(c, 0), name(c, 1)]).collect();
    assert_eq!(pings.keys().cloned().collect::<Vec<_>>(), expected);
    let total: u64 = pings.values().sum();
    assert_eq!(report["pings"]["answered"], total);
    assert_eq!(report["pings"]["sent"], total);
}

/// A short load on a recipe that was started so, and what came of it.
fn load(recipe: &[&str], scheme: &str, flags: &[&str]) {
    let recipe = go::start("recipe", recipe);
    let address = go::announced(&recipe.line());
    let mut command = carotid();
    command
        .args(["bench", "--addr", &format!("{scheme}{address}")])
        .args(["-o", "json", "--duration", "300ms", "--warm-up", "0s"])
        .args(flags);
    let (code, report, said) = Program::start(&mut command).outcome();
    assert_eq!((code, &*said), (Some(0), ""));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["pings"]["sent"], report["pings"]["answered"]);
    assert_eq!(report["errors"], json!([]));
}

#[test]
fn answers_in_any_order_find_their_pings() {
    load(&[], "", &["--connections", "2", "--in-flight", "100"]);
}

#[test]
fn a_server_behind_http_is_loaded_too() {
    load(&["-http"], "http://", &["--connections", "20"]);
}
