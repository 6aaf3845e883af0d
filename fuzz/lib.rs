//! What the fuzz targets share. Run one with
//! `cargo +nightly fuzz run gob_server fuzz/corpus/gob_server fuzz/seeds/gob_server -- -malloc_limit_mb=1`.

use std::collections::BTreeMap;

use carotid_netrpc::codec::{Incoming, ServerCodec};
use carotid_netrpc::{Answer, Gob, ServerError};
use serde::{Deserialize, Serialize};

/// What a message may have at most. It is what `cargo xtask fuzz` lets a decoder allocate in one piece,
/// and libFuzzer counts that in whole mebibytes.
pub const LIMIT: usize = 1 << 20;

/// An argument with something of everything.
#[derive(Debug, Default, Serialize, Deserialize, Gob)]
#[serde(default, rename_all = "PascalCase")]
pub struct Args {
    a: i64,
    b: i64,
    name: String,
    bytes: Vec<u8>,
    list: Vec<Args>,
    map: BTreeMap<String, i64>,
    next: Option<Box<Args>>,
}

/// Serves input in chunks of `chunk` bytes; returns how each call was seen, the replies, and
/// whether the stream was refused.
pub fn serve(input: &[u8], chunk: usize) -> (Vec<String>, Vec<u8>, bool) {
    let mut codec = ServerCodec::new(LIMIT);
    let mut calls = Vec::new();
    let mut out = Vec::new();
    for mut input in input.chunks(chunk.max(1)) {
        loop {
            match codec.poll(&mut input) {
                Ok(Some(Incoming::Call(mut call))) => {
                    let outcome = if call.method.starts_with("Heartbeat.") {
                        match call.argument.as_str() {
                            Ok(_) => Ok(Answer::text("Pong")),
                            Err(error) => Err(error.into()),
                        }
                    } else if call.method.starts_with("Arith.") {
                        match call.argument.decode::<Args>() {
                            Ok(args) => Ok(Answer::value(args)),
                            Err(error) => Err(error.into()),
                        }
                    } else {
                        Err(ServerError::no_service(&call.method))
                    };
                    let (method, id) = (call.method, call.id);
                    codec.reply(&mut out, &method, &id, outcome.as_ref());
                    calls.push(method.into_owned());
                }
                Ok(Some(Incoming::Send(bytes))) => out.extend_from_slice(bytes),
                Ok(None) => break,
                Err(_) => return (calls, out, true),
            }
        }
    }
    (calls, out, false)
}

/// Serves input whole and in chunks, which must make no difference.
pub fn serve_both_ways(input: &[u8], chunk: usize) {
    assert_eq!(serve(input, input.len()), serve(input, chunk));
}
