//! A gob stream of calls whose arguments are kept as they are, and sent back.

#![no_main]

use carotid_fuzz::LIMIT;
use carotid_netrpc::codec::{Incoming, ReplyReader, ServerCodec};
use carotid_netrpc::{Answer, Dynamic, ServerError};
use libfuzzer_sys::fuzz_target;

/// What Go sends before its first header.
const REQUEST: &[u8] = b"\x2f\xff\x81\x03\x01\x01\x07Request\x01\xff\x82\x00\x01\x02\x01\x0d\
    ServiceMethod\x01\x0c\x00\x01\x03Seq\x01\x06\x00\x00\x00";

/// The value without the numbers of types, which are another stream's.
fn text(dynamic: &Dynamic) -> String {
    let text = format!("{:?}", dynamic.value());
    let parts = text.split("TypeId(");
    parts
        .map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()))
        .collect()
}

/// Echoes every call; returns the values, as text, and the replies.
fn echo(mut input: &[u8]) -> (Vec<String>, Vec<u8>) {
    let mut codec = ServerCodec::new(LIMIT);
    let (mut seen, mut out) = (Vec::new(), Vec::new());
    while let Ok(Some(incoming)) = codec.poll(&mut input) {
        let Incoming::Call(mut call) = incoming else {
            continue;
        };
        let decoded = call.argument.decode::<Dynamic>();
        let outcome = decoded.map_err(ServerError::from).map(|dynamic| {
            seen.push(text(&dynamic));
            Answer::value(dynamic)
        });
        let (method, id) = (call.method, call.id);
        codec.reply(&mut out, &method, &id, outcome.as_ref());
    }
    (seen, out)
}

fuzz_target!(|input: &[u8]| {
    let stream = [REQUEST, input].concat();
    let (seen, out) = echo(&stream);
    // What was taken is sent as a stream that can be read, and holds the same values; one that
    // leaves out what is of an undefined type is taken, and cannot be sent.
    let mut reader = ReplyReader::new(64 * LIMIT);
    let mut input = &out[..];
    let mut seen = seen.iter();
    while let Some(mut reply) = reader.poll(&mut input).expect("our own stream is good") {
        if reply.error.is_empty() {
            let dynamic = reply.body.decode::<Dynamic>();
            let back = text(&dynamic.expect("our own value is good"));
            assert!(seen.any(|seen| *seen == back), "{back} was not sent");
        }
    }
});
