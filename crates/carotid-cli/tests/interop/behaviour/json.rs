//! JSON requests by hand, to Go's server and to ours.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use serde_json::{Value, json};

use super::ground::{Ours, Theirs, assert_ours, assert_theirs};
use crate::ground::program::PATIENCE;

/// Sends all of it at once and reads what is answered until the server has closed.
fn answers(server: SocketAddr, requests: &str) -> Vec<Value> {
    let stream = sent(server, requests);
    stream.shutdown(Shutdown::Write).unwrap();
    all_from(&stream)
}

fn sent(server: SocketAddr, requests: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(requests.as_bytes()).unwrap();
    stream
}

fn all_from(stream: &TcpStream) -> Vec<Value> {
    let mut answers = Vec::new();
    for line in BufReader::new(stream).lines() {
        match line {
            Ok(line) => answers.push(serde_json::from_str(&line).unwrap()),
            // It was closed before it had read everything.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the server does not close: {error}"),
        }
    }
    answers
}

/// Asserts what both servers answer. Calls run side by side, so each request goes alone.
#[track_caller]
fn assert_alike(cases: &[(&str, Value)]) {
    let (theirs, ours) = (Theirs::start(), Ours::start());
    for (request, expected) in cases {
        let expected = [expected.clone()];
        assert_eq!(answers(theirs.json, request), expected, "Go: {request}");
        assert_eq!(answers(ours.address, request), expected, "{request}");
    }
}

fn product(id: &Value) -> Value {
    json!({"id": id, "result": 56, "error": null})
}

fn failure(id: u32, error: &str) -> Value {
    json!({"id": id, "result": null, "error": error})
}

#[test]
fn an_id_may_be_anything_and_comes_back_as_it_was() {
    let ids = [
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!("a name"),
        json!(""),
        json!(true),
        json!([1, "two", null]),
        json!({"deep": {"er": []}}),
        Value::Null,
    ];
    let requests = ids.map(|id| {
        let request = json!({"method": "Arith.Multiply", "params": [{"A": 7, "B": 8}], "id": id});
        (request.to_string(), product(&id))
    });
    let cases: Vec<_> = requests
        .iter()
        .map(|(request, answer)| (request.as_str(), answer.clone()))
        .collect();
    assert_alike(&cases);
}

#[test]
fn a_request_without_an_id_is_answered_with_null() {
    let request = r#"{"method":"Arith.Multiply","params":[{"A":7,"B":8}]}"#;
    assert_alike(&[(request, product(&Value::Null))]);
}

#[test]
fn params_are_an_array_whose_first_element_is_the_argument() {
    let second = r#"{"method":"Arith.Multiply","params":[{"A":7,"B":8},{"A":1}],"id":1}"#;
    let partial = r#"{"method":"Fit.Same","params":[{"B":8,"C":9}],"id":1}"#;
    let none = r#"{"method":"Fit.Same","params":[],"id":1}"#;
    let null = r#"{"method":"Fit.Same","params":[null],"id":1}"#;
    let shown = |text: &str| json!({"id": 1, "result": text, "error": null});
    assert_alike(&[
        (second, product(&json!(1))),
        (partial, shown("{A:0 B:8}")),
        (none, shown("{A:0 B:0}")),
        (null, shown("{A:0 B:0}")),
    ]);
}

#[test]
fn params_that_are_missing_are_refused_in_gos_words() {
    let missing = "jsonrpc: request body missing params";
    assert_alike(&[
        (r#"{"method":"Arith.Multiply","id":1}"#, failure(1, missing)),
        (
            r#"{"method":"Arith.Multiply","params":null,"id":1}"#,
            failure(1, missing),
        ),
    ]);
}

#[test]
fn an_error_is_a_string_beside_a_null_result() {
    let lost = "rpc: can't find service Nobody.Home";
    let nameless = "rpc: service/method request ill-formed: ";
    assert_alike(&[
        (
            r#"{"method":"Arith.Divide","params":[{"A":7}],"id":1}"#,
            failure(1, "divide by zero"),
        ),
        (
            r#"{"method":"Nobody.Home","params":[7],"id":1}"#,
            failure(1, lost),
        ),
        (r#"{"id":1,"params":["no method"]}"#, failure(1, nameless)),
    ]);
}

#[test]
fn params_that_do_not_fit_are_refused_and_the_connection_lives_on() {
    let (theirs, ours) = (Theirs::start(), Ours::start());
    for params in [r#"["text"]"#, "[true]", r#"[{"A":"7"}]"#, "7", "\"x\""] {
        let requests = format!(
            r#"{{"method":"Arith.Multiply","params":{params},"id":1}}
               {{"method":"Arith.Multiply","params":[{{"A":7,"B":8}}],"id":2}}"#
        );
        for server in [theirs.json, ours.address] {
            let mut answers = answers(server, &requests);
            answers.sort_by_key(|answer| answer["id"].as_u64());
            let [refused, answered] = &answers[..] else {
                panic!("two answers to {params}");
            };
            assert_eq!(refused["id"], 1, "{params}");
            assert_eq!(refused["result"], Value::Null);
            assert!(refused["error"].is_string(), "{refused}");
            assert_eq!(*answered, product(&json!(2)));
        }
    }
}

#[test]
fn requests_need_no_lines_and_may_come_together() {
    let (theirs, ours) = (Theirs::start(), Ours::start());
    let requests: String = (0..20)
        .map(|id| {
            let request =
                json!({"method": "Arith.Multiply", "params": [{"A": 7, "B": 8}], "id": id});
            let space = ["", "\n", " \r\n\t "][id % 3];
            format!("{request}{space}")
        })
        .collect();
    let expected: Vec<Value> = (0..20).map(|id| product(&json!(id))).collect();
    for server in [theirs.json, ours.address] {
        let mut seen = answers(server, &requests);
        seen.sort_by_key(|answer| answer["id"].as_u64());
        assert_eq!(seen, expected);
    }
}

#[test]
fn what_is_no_request_ends_the_connection() {
    let (theirs, ours) = (Theirs::start(), Ours::start());
    for nonsense in [r#"{"method":7}"#, r#"{"method":}"#, "{\"method\" \"x\"}"] {
        for server in [theirs.json, ours.address] {
            // We go on listening, so that it is the server that ends this.
            let seen = all_from(&sent(server, nonsense));
            assert_eq!(seen, Vec::<Value>::new(), "{nonsense}");
        }
    }
}

#[test]
fn kinds_that_json_does_not_tell_apart_fit_where_gobs_do_not() {
    let seen = [
        "Same {A:7 B:8}",
        "Swapped {B:8 A:7}",
        "More {A:7 B:8 C:0}",
        "Less {B:8}",
        "Other {B:8 C:0}",
        "Wide {A:7 B:8}",
        "Narrow {A:7 B:8}",
        "Pointers {A:7 B:8}",
        "Unsigned {A:7 B:8}",
        "Float {A:7 B:8}",
        "Nothing {}",
        "Strangers {C:0 D:0}",
        "300 into 8 bits refused",
        "-128 into 8 bits {A:-128 B:127}",
        "from 8 bits {A:7 B:8}",
        "from 64 bits {A:7 B:8}",
        "from pointers {A:7 B:8}",
        "from fewer {A:0 B:8}",
        "from more {A:7 B:8}",
        "from unsigned {A:7 B:8}",
        "from strangers {A:0 B:0}",
        "once more {A:7 B:8}",
    ];
    assert_theirs("json", "arguments", &seen);
    assert_ours("json", "arguments", &seen);
}

#[test]
fn null_is_a_zero_value() {
    let seen = [
        "from a nil pointer {A:7 B:0}",
        "into a pointer [true false]",
    ];
    assert_theirs("json", "nothing", &seen);
    assert_ours("json", "nothing", &seen);
    let result = |result: Value| json!({"id": 1, "result": result, "error": null});
    assert_alike(&[
        (
            r#"{"method":"Fit.Same","params":[{"A":null,"B":8}],"id":1}"#,
            result("{A:0 B:8}".into()),
        ),
        (
            r#"{"method":"Echo.List","params":[[1,null]],"id":1}"#,
            result(json!([1, 0])),
        ),
        (
            r#"{"method":"Echo.Table","params":[{"a":null,"b":1}],"id":1}"#,
            result(json!({"a": 0, "b": 1})),
        ),
    ]);
}

#[test]
fn a_list_is_no_struct() {
    let seen = ["true 0", "<nil> 56"];
    assert_theirs("json", "list", &seen);
    assert_ours("json", "list", &seen);
}

#[test]
fn bytes_come_in_base64_or_as_numbers_and_go_takes_our_numbers() {
    let seen = ["Bytes <nil> true"];
    assert_theirs("json", "bytes", &seen);
    assert_ours("json", "bytes", &seen);
    let (theirs, ours) = (Theirs::start(), Ours::start());
    for bytes in [json!("AP8="), json!([0, 255])] {
        let request = json!({"method": "Echo.Bytes", "params": [bytes], "id": 1}).to_string();
        let result = |result: Value| [json!({"id": 1, "result": result, "error": null})];
        assert_eq!(answers(theirs.json, &request), result("AP8=".into()));
        assert_eq!(answers(ours.address, &request), result(json!([0, 255])));
    }
    for (method, text) in [
        ("Echo.Bytes", "AP8"),
        ("Echo.Bytes", "?"),
        ("Echo.List", ""),
    ] {
        let request = json!({"method": method, "params": [text], "id": 1}).to_string();
        for server in [theirs.json, ours.address] {
            let [refused] = &answers(server, &request)[..] else {
                panic!("one answer to {text:?}");
            };
            assert!(refused["error"].is_string(), "{method} {text:?}: {refused}");
        }
    }
}

#[test]
fn a_requests_own_keys_are_found_whatever_their_case_and_the_last_of_several_counts() {
    let loud = r#"{"METHOD":"Arith.Multiply","Params":[{"A":7,"B":8}],"ID":1}"#;
    let twice =
        r#"{"method":"x","params":[{"A":7,"B":8}],"id":2,"method":"Arith.Multiply","id":1}"#;
    let more = r#"{"method":"Arith.Multiply","trace":[{}],"params":[{"A":7,"B":8}],"id":1}"#;
    let product = product(&json!(1));
    assert_alike(&[loud, twice, more].map(|request| (request, product.clone())));
}

#[test]
fn an_arguments_fields_are_found_whatever_their_case() {
    let shown = |text: &str| json!({"id": 1, "result": text, "error": null});
    assert_alike(&[
        (
            r#"{"method":"Fit.Same","params":[{"a":7,"B":8}],"id":1}"#,
            shown("{A:7 B:8}"),
        ),
        (
            r#"{"method":"Echo.Tree","params":[{"NAME":"x","children":[]}],"id":1}"#,
            json!({"id": 1, "result": {"Name": "x", "Children": []}, "error": null}),
        ),
    ]);
}
