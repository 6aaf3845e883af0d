//! Calls from a stock Go client, of Go's server and of ours.

use super::ground::{assert_alike, assert_ours, assert_theirs};

/// Every way in which Go dials TCP.
const DIALS: [&str; 3] = ["tcp", "http", "json"];

#[test]
fn arguments_come_by_value_and_by_pointer_and_names_may_have_dots() {
    assert_alike(
        &DIALS,
        "calls",
        &[
            "pointer <nil> 56",
            "value <nil> 56",
            "pointer to pointer <nil> 56",
            "struct <nil> {3 2}",
            "dotted name <nil> 56",
            "reply nobody wants <nil>",
            "zero argument <nil> 0",
        ],
    );
}

#[test]
fn replies_come_in_the_order_in_which_calls_end() {
    assert_alike(
        &DIALS,
        "order",
        &[
            "entered <nil> true",
            "entered <nil> true",
            "open <nil> true",
            "second <nil> true",
            "open <nil> true",
            "first <nil> true",
        ],
    );
}

#[test]
fn a_call_that_was_started_comes_back_on_its_done_channel() {
    assert_alike(&DIALS, "done", &["true Arith.Multiply {6 7} 42 <nil>"]);
}

#[test]
fn a_client_is_shared_by_many_goroutines() {
    assert_alike(&DIALS, "goroutines", &["[100 100 100 100 100 100 100 100]"]);
}

#[test]
fn an_error_is_a_server_error_with_its_text_and_no_reply() {
    assert_alike(
        &DIALS,
        "errors",
        &[
            r#""divide by zero" true untouched"#,
            r#""überall: \"quoted\"\n<&>" true untouched"#,
            "divide by zero {1 2}",
            "<nil> {3 1}",
        ],
    );
}

#[test]
fn replies_that_are_empty_arrive_and_gob_leaves_zeros_out() {
    // What is left out does not overwrite what the caller's variable holds.
    let gob = ["<nil> true 0", "<nil> 0", "<nil> {1 2}"];
    assert_alike(&["tcp", "http"], "empty", &gob);
    let json = ["<nil> true 0", "<nil> 0", "<nil> {0 0}"];
    assert_alike(&["json"], "empty", &json);
}

#[test]
fn what_is_not_there_is_refused_in_gos_words_and_its_argument_skipped() {
    assert_alike(
        &DIALS,
        "unknown",
        &[
            "rpc: can't find service Nobody.Home true",
            "rpc: can't find method Arith.Add true",
            "rpc: service/method request ill-formed: nodots true",
            "rpc: service/method request ill-formed:  true",
            "rpc: can't find method Arith. true",
            "rpc: can't find service .Multiply true",
            "rpc: can't find service arith.multiply true",
            "<nil> 56",
        ],
    );
}

#[test]
fn an_argument_that_does_not_fit_is_refused_and_the_connection_lives_on() {
    let mut expected = Vec::new();
    for refused in ["string", "int", "float64", "bool"] {
        expected.push(format!("{refused} refused: true"));
        expected.push("<nil> 56".to_owned());
    }
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    assert_alike(&DIALS, "misfit", &expected);
}

#[test]
fn a_panic_is_its_callers_error_and_nobody_elses() {
    for dial in DIALS {
        assert_ours(
            dial,
            "panic",
            &[
                "entered <nil> true",
                "rpc: method Fail.Panic panicked true untouched",
                "open <nil> true",
                "panic <nil>",
            ],
        );
    }
}

#[test]
fn headers_echo_name_and_number_of_their_request() {
    let header = |name: &str, seq: u64, error: &str| {
        format!("<nil> {{ServiceMethod:{name} Seq:{seq} Error:{error} next:<nil>}} <nil>")
    };
    let expected = [
        header("Arith.Multiply", 0, ""),
        header("Arith.Multiply", 1 << 40, ""),
        header("Arith.Divide", u64::MAX, "divide by zero"),
        header("Nobody.Home", 3, "rpc: can't find service Nobody.Home"),
        header(
            "nodots",
            3,
            "rpc: service/method request ill-formed: nodots",
        ),
    ];
    assert_alike(
        &["tcp"],
        "headers",
        &expected.each_ref().map(String::as_str),
    );
}

#[test]
fn an_error_without_words_is_success_in_go_and_an_error_here() {
    assert_theirs(
        "tcp",
        "wordless",
        &["<nil> a reply that must not be seen", "<nil> 56"],
    );
    assert_ours(
        "tcp",
        "wordless",
        &["unspecified error untouched", "<nil> 56"],
    );
    assert_ours(
        "json",
        "wordless",
        &["unspecified error untouched", "<nil> 56"],
    );
}
