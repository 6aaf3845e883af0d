//! A stream of JSON calls, in Go's dialect and in JSON-RPC 2.0.

#![no_main]

use carotid_fuzz::LIMIT;
use carotid_netrpc::Answer;
use carotid_netrpc::codec::{Incoming, ServerCodec};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let chunk = input.last().map_or(1, |byte| usize::from(*byte) % 37);
    let stream = [b"  ", input].concat();
    carotid_fuzz::serve_both_ways(&stream, chunk);
    reply_late(&stream);
});

/// Replies when everything was read, the last call first; all that is sent must be JSON.
fn reply_late(mut input: &[u8]) {
    let mut codec = ServerCodec::new(LIMIT);
    let (mut calls, mut out) = (Vec::new(), Vec::new());
    while let Ok(Some(incoming)) = codec.poll(&mut input) {
        match incoming {
            Incoming::Call(call) => calls.push((call.method.into_owned(), call.id)),
            Incoming::Send(bytes) => out.extend_from_slice(bytes),
        }
    }
    for (method, id) in calls.iter().rev() {
        codec.reply(&mut out, method, id, Ok(&Answer::text("Pong")));
    }
    for line in out
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        serde_json::from_slice::<serde::de::IgnoredAny>(line).expect("each line is JSON");
    }
}
