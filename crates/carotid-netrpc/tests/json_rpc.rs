//! JSON-RPC 2.0 at the server's codec, and beside it Go's dialect.

use carotid_netrpc::codec::{Call, CallId, Incoming, ServerCodec};
use carotid_netrpc::{Answer, Argument, Gob, ServerError};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const LIMIT: usize = 64 * 1024;

#[derive(Default, Deserialize, Gob)]
#[serde(deny_unknown_fields)]
struct Difference {
    minuend: i64,
    subtrahend: i64,
}

/// An answer that cannot be written.
#[derive(Default, Gob)]
struct Unwritable {
    panics: bool,
}

impl Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        assert!(!self.panics, "as asked");
        Err(serde::ser::Error::custom("no form"))
    }
}

/// The methods of the examples in the specification, and some that fail.
fn answer(method: &str, argument: &mut Argument<'_>) -> Result<Answer, ServerError> {
    match method {
        "subtract" => {
            let Difference {
                minuend,
                subtrahend,
            } = argument.decode()?;
            Ok(Answer::value(minuend - subtrahend))
        }
        "sum" => Ok(Answer::value(
            argument.decode::<Vec<i64>>()?.iter().sum::<i64>(),
        )),
        "get_data" => Ok(Answer::value(vec!["hello".to_owned(), "5".to_owned()])),
        "Heartbeat.Ping" => {
            argument.as_str()?;
            Ok(Answer::text("Pong"))
        }
        "fail" => Err("own error".into()),
        "panic" => Err(ServerError::panicked(method)),
        "Unwritable" => Ok(Answer::value(Unwritable { panics: false })),
        "UnwritablePanic" => Ok(Answer::value(Unwritable { panics: true })),
        _ => Err(ServerError::no_method(method)),
    }
}

/// What a server sends, each message on its line, and how the stream ended.
fn talk<'i>(chunks: impl IntoIterator<Item = &'i [u8]>, limit: usize) -> (Vec<u8>, Option<String>) {
    let mut codec = ServerCodec::new(limit);
    let mut out = Vec::new();
    for mut input in chunks {
        loop {
            match codec.poll(&mut input) {
                Ok(Some(Incoming::Call(mut call))) => {
                    let outcome = answer(&call.method, &mut call.argument);
                    let Call { method, id, .. } = call;
                    codec.reply(&mut out, &method, &id, outcome.as_ref());
                }
                Ok(Some(Incoming::Send(bytes))) => out.extend_from_slice(bytes),
                Ok(None) => break,
                Err(error) => return (out, Some(error.to_string())),
            }
        }
    }
    (out, None)
}

fn lines(sent: &[u8]) -> Vec<Value> {
    let lines = sent.split_inclusive(|byte| *byte == b'\n');
    lines
        .map(|line| serde_json::from_slice(line).expect("each line is JSON"))
        .collect()
}

/// The answers to `text`, errors without what we add to them.
fn answers(text: &str) -> Vec<Value> {
    let (whole, end) = talk([text.as_bytes()], LIMIT);
    assert_eq!(talk(text.as_bytes().chunks(1), LIMIT), (whole.clone(), end));
    let mut answers = lines(&whole);
    for answer in &mut answers {
        let one = std::slice::from_mut(answer);
        let parts = match one {
            [Value::Array(batch)] => batch,
            one => one,
        };
        for part in parts {
            if let Some(error) = part.get_mut("error").and_then(Value::as_object_mut) {
                error.remove("data");
            }
        }
    }
    answers
}

fn result(id: impl Into<Value>, result: impl Into<Value>) -> Value {
    let (id, result): (Value, Value) = (id.into(), result.into());
    json!({"jsonrpc": "2.0", "result": result, "id": id})
}

fn error(id: impl Into<Value>, code: i32, message: &str) -> Value {
    let id: Value = id.into();
    json!({"jsonrpc": "2.0", "error": {"code": code, "message": message}, "id": id})
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn the_examples_of_the_specification() {
    let invalid = || error(Value::Null, -32600, "Invalid Request");
    let parse = || error(Value::Null, -32700, "Parse error");
    let table: [(&str, Vec<Value>); 16] = [
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}"#,
            vec![result(1, 19)],
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}"#,
            vec![result(2, -19)],
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract",
                "params": {"subtrahend": 23, "minuend": 42}, "id": 3}"#,
            vec![result(3, 19)],
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract",
                "params": {"minuend": 42, "subtrahend": 23}, "id": 4}"#,
            vec![result(4, 19)],
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#,
            vec![],
        ),
        (r#"{"jsonrpc": "2.0", "method": "foobar"}"#, vec![]),
        (
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
            vec![error("1", -32601, "Method not found")],
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
            vec![parse()],
        ),
        (
            r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#,
            vec![invalid()],
        ),
        (
            r#"[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
                {"jsonrpc": "2.0", "method"]"#,
            vec![parse()],
        ),
        ("[]", vec![invalid()]),
        ("[1]", vec![json!([invalid()])]),
        ("[1,2,3]", vec![json!([invalid(), invalid(), invalid()])]),
        (
            r#"[
                {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
                {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
                {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
                {"foo": "boo"},
                {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
                {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
            ]"#,
            vec![json!([
                result("1", 7),
                result("2", 19),
                invalid(),
                error("5", -32601, "Method not found"),
                result("9", vec!["hello", "5"]),
            ])],
        ),
        (
            r#"[
                {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
                {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
            ]"#,
            vec![],
        ),
        // Not among the examples, but told beside them: an id of null is answered.
        (
            r#"{"jsonrpc": "2.0", "method": "sum", "params": [[1]], "id": null}"#,
            vec![result(Value::Null, 1)],
        ),
    ];
    for (sent, expected) in table {
        assert_eq!(answers(sent), expected, "{sent}");
    }
}

#[test]
fn every_failure_has_its_code_and_says_more_in_its_data() {
    for (method, params, code, message, about) in [
        ("fail", "[]", -32000, "own error", None),
        (
            "Foo.Bar",
            "[]",
            -32601,
            "Method not found",
            Some("rpc: can't find method Foo.Bar"),
        ),
        (
            "sum",
            "[\"x\"]",
            -32602,
            "Invalid params",
            Some("json: invalid type: string"),
        ),
        (
            "panic",
            "[]",
            -32603,
            "Internal error",
            Some("rpc: method panic panicked"),
        ),
        (
            "Unwritable",
            "[]",
            -32603,
            "Internal error",
            Some("no form"),
        ),
        (
            "UnwritablePanic",
            "[]",
            -32603,
            "Internal error",
            Some("rpc: writing the reply panicked"),
        ),
    ] {
        let call = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":"x"}}"#);
        let (sent, end) = talk([call.as_bytes()], LIMIT);
        assert_eq!(end, None);
        let sent = &lines(&sent)[0];
        assert_eq!(
            (&sent["id"], &sent["jsonrpc"]),
            (&json!("x"), &json!("2.0"))
        );
        assert_eq!(sent["error"]["code"], code);
        assert_eq!(sent["error"]["message"], message);
        let data = sent["error"].get("data").map(|data| data.as_str().unwrap());
        assert_eq!(data.is_some(), about.is_some());
        assert!(
            data.unwrap_or("").starts_with(about.unwrap_or("")),
            "{data:?}"
        );
        // The same in Go's dialect is the text and nothing else.
        let call = format!(r#"{{"method":"{method}","params":{params},"id":7}}"#);
        let (sent, _) = talk([call.as_bytes()], LIMIT);
        let sent = &lines(&sent)[0];
        let text = sent["error"].as_str().unwrap();
        assert!(text.starts_with(about.unwrap_or(message)), "{text}");
        assert_eq!((&sent["id"], &sent["result"]), (&json!(7), &Value::Null));
    }
}

#[test]
fn what_is_wrong_with_a_request_is_said_and_the_stream_goes_on() {
    for (bad, id, about) in [
        (
            r#"{"jsonrpc":"2.0","id":5}"#,
            json!(5),
            "the method is not a string",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"a","id":[1]}"#,
            Value::Null,
            "the id is neither",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"a","id":true}"#,
            Value::Null,
            "the id is neither",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"a","params":1,"id":5}"#,
            json!(5),
            "the params are",
        ),
        // In 2.0 the case of letters matters.
        (
            r#"{"jsonrpc":"2.0","Method":"a","id":5}"#,
            json!(5),
            "the method is not a string",
        ),
    ] {
        let stream = format!("{bad}{}", r#"{"jsonrpc":"2.0","method":"get_data","id":6}"#);
        let (sent, end) = talk([stream.as_bytes()], LIMIT);
        assert_eq!(end, None);
        let sent = lines(&sent);
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[0]["error"]["code"], -32600, "{bad}");
        assert_eq!(sent[0]["id"], id, "{bad}");
        let data = sent[0]["error"]["data"].as_str().unwrap();
        assert!(data.starts_with(about), "{data}");
        assert_eq!(sent[1]["id"], 6);
    }
    let long = format!(
        r#"[{{"jsonrpc":"2.0","method":"get_data","id":"{}"}}]"#,
        "x".repeat(1100)
    );
    let (sent, end) = talk([long.as_bytes()], LIMIT);
    assert_eq!(end, None);
    assert_eq!(
        lines(&sent)[0][0]["error"]["data"],
        "the id has more than 1024 bytes"
    );
}

#[test]
fn go_and_two_share_one_stream() {
    let stream = r#"{"method":"Heartbeat.Ping","params":["a"],"id":1}
        [{"jsonrpc":"2.0","method":"Heartbeat.Ping","params":["b"],"id":2}]
        {"jsonrpc":"2.0","method":"Heartbeat.Ping","params":["c"],"id":3}
        {"METHOD":"Heartbeat.Ping","Params":["d", 5],"Id":{ "e": 4 }}{}"#;
    let (sent, end) = talk([stream.as_bytes()], LIMIT);
    assert_eq!(end, None);
    assert_eq!(
        std::str::from_utf8(&sent).unwrap(),
        "{\"id\":1,\"result\":\"Pong\",\"error\":null}\n\
         [{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"Pong\"}]\n\
         {\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"Pong\"}\n\
         {\"id\":{\"e\":4},\"result\":\"Pong\",\"error\":null}\n\
         {\"id\":null,\"result\":null,\"error\":\"rpc: can't find method \"}\n"
    );
}

#[test]
fn only_a_peer_that_speaks_two_is_told_why_its_stream_ends() {
    let ping = r#"{"jsonrpc":"2.0","method":"Heartbeat.Ping","params":["b"],"id":2}"#;
    for (stream, told) in [
        ("{\"method\":5}".to_owned(), false),
        ("{\"method\"]".to_owned(), false),
        ("{\"jsonrpc\"]".to_owned(), true),
        ("[}".to_owned(), true),
        (format!("{ping}}}"), true),
        (format!("{{\"a\":\"{}", "x".repeat(LIMIT)), false),
        (format!("{{\"jsonrpc\":\"{}", "x".repeat(LIMIT)), true),
    ] {
        let (sent, end) = talk([stream.as_bytes()], LIMIT);
        assert!(end.is_some());
        let last = lines(&sent).pop().map(|last| last["error"]["code"].clone());
        let code = if stream.len() > LIMIT { -32600 } else { -32700 };
        assert_eq!(last, told.then(|| json!(code)), "{:.60}", stream);
    }
}

#[test]
fn a_batch_is_answered_when_its_last_call_is_whatever_the_order() {
    let batch: Vec<_> = (0..5)
        .map(|n| json!({"jsonrpc": "2.0", "method": "x", "id": n}))
        .collect();
    let stream = Value::from(batch).to_string() + r#"{"method":"x","id":9}"#;
    let mut codec = ServerCodec::new(LIMIT);
    let mut input = stream.as_bytes();
    let mut ids: Vec<CallId> = Vec::new();
    while let Some(incoming) = codec.poll(&mut input).unwrap() {
        let Incoming::Call(call) = incoming else {
            panic!("nothing is to be sent before a call is done");
        };
        ids.push(call.id);
    }
    assert_eq!(ids.len(), 6);
    let mut out = Vec::new();
    let ok = Answer::text("ok");
    // The call that came after the batch need not wait for it.
    for at in [5, 3, 0, 4, 2] {
        codec.reply(&mut out, "x", &ids[at], Ok(&ok));
    }
    assert_eq!(out, b"{\"id\":9,\"result\":\"ok\",\"error\":null}\n");
    codec.reply(&mut out, "x", &ids[1], Ok(&ok));
    let order: Vec<_> = lines(&out)[1]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["id"].clone())
        .collect();
    assert_eq!(order, [3, 0, 4, 2, 1]);
}

#[test]
fn who_stops_within_a_batch_sees_that_there_is_more() {
    let stream = r#" [{"jsonrpc":"2.0","method":"x","id":1} , {"jsonrpc":"2.0","method":"y"}] "#;
    for cut in 0..stream.len() {
        let mut codec = ServerCodec::new(LIMIT);
        let mut rest = stream.as_bytes().to_vec();
        let (mut methods, mut later) = (Vec::new(), rest.split_off(cut));
        let mut sent = Vec::new();
        loop {
            // One call at a time, the rest in memory of its own each time.
            let input = rest.clone();
            let mut input = &input[..];
            match codec.poll(&mut input).unwrap() {
                Some(Incoming::Call(Call { method, id, .. })) => {
                    methods.push(method.to_string());
                    assert!(!input.is_empty());
                    codec.reply(&mut sent, "", &id, Ok(&Answer::text("ok")));
                }
                Some(Incoming::Send(bytes)) => sent.extend_from_slice(bytes),
                None if later.is_empty() => break,
                None => {
                    rest = std::mem::take(&mut later);
                    continue;
                }
            }
            rest = input.to_vec();
        }
        assert_eq!(methods, ["x", "y"]);
        assert_eq!(
            sent,
            b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"ok\"}]\n"
        );
    }
}

#[test]
fn batches_are_bounded() {
    let many = format!("[{}1]", "1,".repeat(1000));
    let (sent, end) = talk([many.as_bytes()], LIMIT);
    assert_eq!(end, None);
    assert_eq!(
        lines(&sent)[0]["error"]["data"],
        "the batch has more than 1000 requests"
    );
    let just = format!("[{}1]", "1,".repeat(999));
    let (sent, _) = talk([just.as_bytes()], 1_000_000);
    assert_eq!(lines(&sent)[0].as_array().unwrap().len(), 1000);
    // Whatever is said of its elements, the answer has no more bytes than the limit but for
    // short errors.
    assert!(talk([just.as_bytes()], 10_000).0.len() < 200_000);

    let mut codec = ServerCodec::new(LIMIT);
    let stream = r#"[{"jsonrpc":"2.0","method":"x","id":1}]"#.repeat(17);
    let (mut input, mut calls, mut sent) = (stream.as_bytes(), Vec::new(), Vec::new());
    while let Some(incoming) = codec.poll(&mut input).unwrap() {
        match incoming {
            Incoming::Call(call) => calls.push(call.id),
            Incoming::Send(bytes) => sent.extend_from_slice(bytes),
        }
    }
    assert_eq!(calls.len(), 16);
    let refused = &lines(&sent)[0]["error"];
    assert_eq!(refused["code"], -32000);
    assert_eq!(refused["message"], "too many batches wait for their calls");
}

/// Something of JSON-RPC, for the most part well-formed.
fn part() -> impl Strategy<Value = String> {
    let one = prop::sample::select(vec![
        r#"{"jsonrpc":"2.0","method":"sum","params":[1,2],"id":1}"#,
        r#"{"jsonrpc":"2.0","method":"get_data","id":"\u00e9 ]"}"#,
        r#"{"jsonrpc":"2.0","method":"get_data"}"#,
        r#"{"jsonrpc":"2.0","method":1,"id":null}"#,
        r#"{"method":"Heartbeat.Ping","params":["x"],"id":[1, 2]}"#,
        r#"{}"#,
        r#"1"#,
        r#"-1.5e-3"#,
        r#"[[]]"#,
        "\n",
        "\"\u{e9}\"",
        "{\"jsonrpc\"",
    ]);
    let batch = prop::collection::vec(one.clone(), 0..5);
    prop_oneof![
        one.prop_map(str::to_owned),
        batch.prop_map(|batch| format!("[ {} ]", batch.join(" , "))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mixture_is_answered_alike_however_it_is_cut(
        parts in prop::collection::vec(part(), 1..6),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cut in any::<prop::sample::Index>(),
        limit in prop::sample::select(vec![30, 100, LIMIT]),
    ) {
        let mut stream = parts.concat().into_bytes();
        for (at, byte) in edits {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let whole = talk([&stream[..]], limit);
        let (left, right) = stream.split_at(cut.index(stream.len()));
        prop_assert_eq!(talk([left, right], limit), whole.clone());
        prop_assert_eq!(talk(stream.chunks(1), limit), whole);
    }
}
