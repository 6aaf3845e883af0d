//! Any first bytes, in any pieces.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let chunk = input.first().map_or(1, |byte| usize::from(*byte) % 37);
    carotid_fuzz::serve_both_ways(input, chunk);
});
