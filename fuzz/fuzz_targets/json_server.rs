//! A stream of JSON calls.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let chunk = input.last().map_or(1, |byte| usize::from(*byte) % 37);
    carotid_fuzz::serve_both_ways(&[b"  ", input].concat(), chunk);
});
