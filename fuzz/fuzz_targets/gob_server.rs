//! A gob stream of calls.

#![no_main]

use libfuzzer_sys::fuzz_target;

/// What Go sends before its first header.
const REQUEST: &[u8] = b"\x2f\xff\x81\x03\x01\x01\x07Request\x01\xff\x82\x00\x01\x02\x01\x0d\
    ServiceMethod\x01\x0c\x00\x01\x03Seq\x01\x06\x00\x00\x00";

fuzz_target!(|input: &[u8]| {
    let chunk = input.last().map_or(1, |byte| usize::from(*byte) % 37);
    carotid_fuzz::serve_both_ways(input, chunk);
    // The same behind a good beginning, so that what follows it is reached.
    carotid_fuzz::serve_both_ways(&[REQUEST, input].concat(), chunk);
});
