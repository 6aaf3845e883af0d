//! The codec against what Go's own net/rpc sends (`streams/capture.go` made the files).

use carotid_netrpc::codec::{Incoming, ReplyReader, ServerCodec};
use carotid_netrpc::{Answer, Argument, Gob, ServerError, WireError};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

const LIMIT: usize = 64 * 1024;

const GOB_CALLS: &[u8] = include_bytes!("streams/gob_calls.bin");
const GOB_REPLIES: &[u8] = include_bytes!("streams/gob_replies.bin");
const JSON_CALLS: &[u8] = include_bytes!("streams/json_calls.bin");
const JSON_REPLIES: &[u8] = include_bytes!("streams/json_replies.bin");
const EXTRA_CALLS: &[u8] = include_bytes!("streams/extra_calls.bin");

#[derive(Debug, Default, Deserialize, Gob)]
#[serde(default, rename_all = "PascalCase")]
struct Args {
    a: i64,
    b: i64,
}

#[derive(Debug, Default, Serialize, Gob)]
#[serde(rename_all = "PascalCase")]
struct Quotient {
    quo: i64,
    rem: i64,
}

/// What a server makes of some input.
#[derive(Debug, Default, PartialEq)]
struct Transcript {
    calls: Vec<String>,
    replies: Vec<u8>,
    end: Option<String>,
}

fn answer(method: &str, argument: &mut Argument<'_>) -> (String, Result<Answer, ServerError>) {
    if method.starts_with("Arith.") {
        return match argument.decode::<Args>() {
            Ok(args) if method.ends_with("Divide") && args.b != 0 => {
                let quotient = Quotient {
                    quo: args.a.wrapping_div(args.b),
                    rem: args.a.wrapping_rem(args.b),
                };
                (format!("{args:?}"), Ok(Answer::value(quotient)))
            }
            Ok(args) => {
                let product = args.a.wrapping_mul(args.b);
                (format!("{args:?}"), Ok(Answer::value(product)))
            }
            Err(error) => (error.to_string(), Err(error.into())),
        };
    }
    if method == "Heartbeat.Ping" {
        return match argument.as_str() {
            Ok(name) => (name.into_owned(), Ok(Answer::text("Pong"))),
            Err(error) => (error.to_string(), Err(error.into())),
        };
    }
    ("?".to_owned(), Err(ServerError::no_service(method)))
}

fn serve<'i>(chunks: impl IntoIterator<Item = &'i [u8]>, limit: usize) -> Transcript {
    let mut codec = ServerCodec::new(limit);
    let mut seen = Transcript::default();
    for mut input in chunks {
        loop {
            match codec.poll(&mut input) {
                Ok(Some(Incoming::Call(mut call))) => {
                    let (what, outcome) = answer(&call.method, &mut call.argument);
                    seen.calls.push(format!("{} {what}", call.method));
                    let (method, id) = (call.method, call.id);
                    codec.reply(&mut seen.replies, &method, &id, outcome.as_ref());
                }
                Ok(Some(Incoming::Send(bytes))) => seen.replies.extend_from_slice(bytes),
                Ok(None) => break,
                Err(error) => {
                    seen.end = Some(error.to_string());
                    return seen;
                }
            }
        }
    }
    seen
}

fn replies(mut input: &[u8]) -> Vec<String> {
    let mut reader = ReplyReader::new(LIMIT);
    let mut out = Vec::new();
    while let Some(mut reply) = reader.poll(&mut input).expect("a good stream") {
        let text = reply.body.as_str().map(|text| text.into_owned());
        out.push(format!("{} {:?} {:?}", reply.seq, reply.error, text.ok()));
    }
    out
}

const CALLS: [&str; 6] = [
    "Heartbeat.Ping client-42",
    "Heartbeat.Ping 客户端/42",
    "Arith.Multiply Args { a: 7, b: 8 }",
    "Arith.Divide Args { a: 17, b: 5 }",
    "Nobody.Home ?",
    "Heartbeat.Ping client-42",
];

#[test]
fn gob_from_go_is_understood_and_answered_alike() {
    let seen = serve([GOB_CALLS], LIMIT);
    assert_eq!(seen.calls, CALLS);
    assert_eq!(seen.end, None);
    assert_eq!(replies(&seen.replies), replies(GOB_REPLIES));
}

#[test]
fn json_from_go_is_understood_and_answered_byte_for_byte() {
    let seen = serve([JSON_CALLS], LIMIT);
    assert_eq!(seen.calls, CALLS);
    assert_eq!(
        String::from_utf8(seen.replies).unwrap(),
        std::str::from_utf8(JSON_REPLIES).unwrap()
    );
}

#[test]
fn fields_we_do_not_have_are_skipped_also_interfaces_in_several_messages() {
    let seen = serve([EXTRA_CALLS], LIMIT);
    // The first value holds a nil interface, the third defines a type in its middle.
    assert_eq!(seen.calls, ["Arith.Multiply Args { a: 6, b: 7 }"; 4]);
}

#[test]
fn connect_leads_to_gob() {
    let mut stream = b"CONNECT /_goRPC_ HTTP/1.0\n\n".to_vec();
    stream.extend_from_slice(GOB_CALLS);
    let seen = serve([&stream[..]], LIMIT);
    assert_eq!(seen.calls, CALLS);
    let rest = seen
        .replies
        .strip_prefix(b"HTTP/1.0 200 Connected to Go RPC\n\n");
    assert_eq!(replies(rest.unwrap()), replies(GOB_REPLIES));
}

#[test]
fn every_split_gives_the_same() {
    let mut http = b"CONNECT /_goRPC_ HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    http.extend_from_slice(GOB_CALLS);
    for stream in [GOB_CALLS, JSON_CALLS, EXTRA_CALLS, &http] {
        let whole = serve([stream], LIMIT);
        assert_eq!(serve(stream.chunks(1), LIMIT), whole);
        for at in 0..=stream.len() {
            assert_eq!(serve([&stream[..at], &stream[at..]], LIMIT), whole);
        }
    }
}

#[test]
fn a_length_of_two_to_the_62_is_refused() {
    let mut stream = GOB_CALLS.to_vec();
    stream.extend_from_slice(&[0xf8, 0x40, 0, 0, 0, 0, 0, 0, 0]);
    let seen = serve([&stream[..]], LIMIT);
    assert_eq!(seen.calls, CALLS);
    let end = "message of 4611686018427387904 bytes is over the limit of 65536";
    assert_eq!(seen.end.as_deref(), Some(end));
}

#[test]
fn a_line_of_ten_megabytes_is_refused_at_the_limit() {
    let mut codec = ServerCodec::new(LIMIT);
    let chunk = [b'a'; 1000];
    let mut given = 0;
    let mut input = &b"{\"method\":\""[..];
    let error = loop {
        if let Err(error) = codec.poll(&mut input) {
            break error;
        }
        given += chunk.len();
        assert!(given < 2 * LIMIT, "it must not be collected");
        input = &chunk;
    };
    assert!(matches!(error, WireError::TooLong { limit: LIMIT, .. }));
}

#[test]
fn a_broken_argument_is_answered_and_the_stream_goes_on() {
    // A ping whose argument is an int, then a whole conversation.
    let mut calls = JSON_CALLS.to_vec();
    calls.splice(
        ..0,
        *b"{\"method\":\"Heartbeat.Ping\",\"params\":[1],\"id\":9}\n",
    );
    let seen = serve([&calls[..]], LIMIT);
    assert_eq!(seen.calls.len(), 7);
    assert_eq!(seen.calls[1..], CALLS);

    // The string of the first ping claims to be longer than its message.
    let mut calls = GOB_CALLS.to_vec();
    let at = calls.windows(9).position(|w| w == b"client-42").unwrap();
    calls[at - 1] = 100;
    let seen = serve([&calls[..]], LIMIT);
    assert_eq!(seen.calls[1..], CALLS[1..]);
    assert_eq!(
        seen.calls[0],
        "Heartbeat.Ping gob: invalid length 100: exceeds input size 9"
    );
}

#[test]
fn a_reply_that_has_no_gob_form_becomes_an_error() {
    let mut codec = ServerCodec::new(LIMIT);
    let mut input = GOB_CALLS;
    let Ok(Some(Incoming::Call(call))) = codec.poll(&mut input) else {
        panic!("a call");
    };
    let (method, id) = (call.method, call.id);
    let mut out = Vec::new();
    // A nil pointer.
    let nothing = Answer::value(None::<i64>);
    codec.reply(&mut out, &method, &id, Ok(&nothing));
    codec.reply(
        &mut out,
        &method,
        &id,
        Ok(&Answer::value(Quotient::default())),
    );
    let seen = replies(&out);
    assert!(seen[0].contains("cannot encode nil pointer"), "{seen:?}");
    assert_eq!(seen[1], r#"0 "" None"#);
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let streams = prop::sample::select(vec![GOB_CALLS, JSON_CALLS, EXTRA_CALLS]);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (streams, edits, any::<prop::sample::Index>()).prop_map(|(stream, edits, end)| {
        let mut stream = stream.to_vec();
        for (at, byte) in edits {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        stream.truncate(end.index(stream.len() * 2).max(1));
        stream
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_streams_do_not_panic_and_splits_change_nothing(
        stream in mutated(),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = serve([&stream[..]], LIMIT);
        let (left, right) = stream.split_at(cut.index(stream.len()));
        prop_assert_eq!(serve([left, right], LIMIT), serve(stream.chunks(1), LIMIT));
        prop_assert_eq!(serve([left, right], LIMIT), whole);
    }

    #[test]
    fn random_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        serve([&bytes[..]], 200);
    }

    #[test]
    fn hostile_replies_do_not_panic(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut stream = GOB_REPLIES.to_vec();
        let at = at.index(stream.len());
        stream[at] = byte;
        let mut input = &stream[..];
        let mut reader = ReplyReader::new(LIMIT);
        while let Ok(Some(mut reply)) = reader.poll(&mut input) {
            let _ = reply.body.as_str().map(drop);
        }
    }
}
