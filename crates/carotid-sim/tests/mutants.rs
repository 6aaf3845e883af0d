//! An engine that was broken on purpose is found out.
//!
//! `cargo xtask test --only mutants` builds this with `--cfg carotid_break="…"`, which leaves out one
//! thing that the engine needs: re-filing what a beat moved, crediting our own stalls, or holding
//! mass silence. Without it the engine is whole, and there is nothing to find.

use carotid_sim::history::{Law, Listening, Violation};
use carotid_sim::world;

const SEEDS: u64 = 200;

/// What was left out of the engine, and the laws of which one at least must be found broken.
const BREAKAGE: Option<(&str, &[Law])> = if cfg!(carotid_break = "refile") {
    Some(("refile", &[Law::Wake, Law::NoLateDeath, Law::OneEnd]))
} else if cfg!(carotid_break = "credit") {
    Some(("credit", &[Law::NoEarlyDeath, Law::NoEarlySuspicion]))
} else if cfg!(carotid_break = "breaker") {
    Some(("breaker", &[Law::MassIsHeld]))
} else {
    None
};

#[test]
fn the_laws_are_broken_by_a_broken_engine_and_by_no_other() {
    let mut broken = (1..=SEEDS).filter_map(|seed| {
        let violation = world::run(seed, Listening::Nothing).violation;
        violation.map(|violation| (seed, violation))
    });
    let told =
        |(seed, violation): (u64, Violation)| format!("cargo xtask sim --seed {seed}: {violation}");
    match BREAKAGE {
        None => assert_eq!(broken.next().map(told), None),
        Some((what, laws)) => {
            let found = broken.find(|(_, violation)| laws.contains(&violation.law));
            let found = found.map(|(seed, violation)| format!("seed {seed}: {}", violation.law));
            println!("without {what}: {found:?}");
            assert!(found.is_some(), "nobody noticed that {what} is missing");
        }
    }
}
