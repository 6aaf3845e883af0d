//! How connections end, as a stock Go client sees it.

use super::ground::{Ours, Theirs, assert_alike, play};
use crate::ground::program::Program;

#[test]
fn a_closed_client_fails_its_calls_and_harms_nobody() {
    assert_alike(
        &["tcp", "http", "json"],
        "close",
        &[
            "close <nil>",
            "close again connection is shut down",
            "call connection is shut down",
            "pending call failed: true",
            "another client <nil> 56",
        ],
    );
}

#[track_caller]
fn assert_lost(client: &Program, end: impl FnOnce()) {
    assert_eq!(client.line(), "waiting");
    end();
    assert_eq!(
        client.rest(),
        [
            "pending call: unexpected EOF true",
            "next call: connection is shut down true",
            "close: <nil>",
        ]
    );
}

#[test]
fn calls_fail_with_unexpected_eof_when_their_server_is_gone_and_with_err_shutdown_from_then_on() {
    for dial in ["tcp", "http", "json"] {
        let mut theirs = Theirs::start();
        let client = play(&theirs.address(dial).to_string(), dial, "loss");
        assert_lost(&client, || theirs.program.kill());

        let ours = Ours::start();
        let client = play(&ours.address.to_string(), dial, "loss");
        assert_lost(&client, || ours.end());
    }
}

#[test]
fn what_is_no_header_ends_its_own_connection_alone() {
    assert_alike(
        &["tcp"],
        "garbage",
        &[
            "<nil> 1 <nil> 56",
            "ended: true",
            "open <nil> true",
            "garbage <nil>",
        ],
    );
}

#[test]
fn an_argument_that_gob_cannot_send_is_the_callers_error_and_its_connection_is_out_of_step() {
    let expected = [
        "true false",
        "next call failed: true",
        "another client <nil> 56",
    ];
    assert_alike(&["tcp", "http"], "unsendable", &expected);
}

#[test]
fn calls_that_run_are_answered_after_their_peer_stopped_sending() {
    assert_alike(
        &["tcp"],
        "half-close",
        &[
            "entered <nil> true",
            "open <nil> true",
            "header <nil> Gate.Wait 5 ",
            "reply <nil> half-close",
            "then EOF",
        ],
    );
}
#[test]
fn calls_before_what_is_no_header_are_answered() {
    assert_alike(&["tcp"], "behind", &["<nil> 1 <nil> 56", "ended: true"]);
}
