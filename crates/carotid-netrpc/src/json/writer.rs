//! JSON on its way out, each message one line.
//!
//! Go's dialect has requests and responses laid out as Go's, field by field.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use crate::answer::Answer;
use crate::error::{Fault, ServerError};
use crate::json::id::JsonId;

/// What Go's client takes an empty error for; so do we, and say it.
const UNSPECIFIED: &str = "unspecified error";

/// Appends a call. On error, or if writing the argument panics, nothing is appended.
pub(crate) fn call(
    out: &mut Vec<u8>,
    method: &str,
    seq: u64,
    argument: &(impl Serialize + ?Sized),
) -> Result<(), serde_json::Error> {
    let argument = serde_json::to_vec(argument)?;
    out.extend_from_slice(b"{\"method\":");
    text(out, method);
    out.extend_from_slice(b",\"params\":[");
    out.extend_from_slice(&argument);
    writeln!(out, "],\"id\":{seq}}}").expect("a vector takes all bytes");
    Ok(())
}

/// Appends a response of Go's dialect. An answer without JSON form becomes an error.
pub(crate) fn go(out: &mut Vec<u8>, id: &JsonId, outcome: Result<&Answer, &ServerError>) {
    out.extend_from_slice(b"{\"id\":");
    id.put(out);
    out.extend_from_slice(b",\"result\":");
    let start = out.len();
    let failed = match outcome {
        Ok(answer) => put(out, answer).err(),
        Err(error) => Some(error.text().to_owned()),
    };
    let Some(failed) = failed else {
        out.extend_from_slice(b",\"error\":null}\n");
        return;
    };
    out.truncate(start);
    out.extend_from_slice(b"null,\"error\":");
    text(out, or_unspecified(&failed));
    out.extend_from_slice(b"}\n");
}

/// Appends a response of JSON-RPC 2.0, without an end of line. An answer without JSON form
/// becomes an error.
pub(crate) fn two(out: &mut Vec<u8>, id: &JsonId, outcome: Result<&Answer, &ServerError>) {
    let error = match outcome {
        Ok(answer) => {
            let start = out.len();
            begin_two(out, id);
            out.extend_from_slice(b"\"result\":");
            let Err(error) = put(out, answer) else {
                out.push(b'}');
                return;
            };
            out.truncate(start);
            return two_error(out, id, Code::Internal, &error);
        }
        Err(error) => error,
    };
    let code = match error.fault() {
        Fault::Method => Code::Server,
        Fault::NoMethod => Code::NoMethod,
        Fault::Argument => Code::Params,
        Fault::Panic => Code::Internal,
    };
    two_error(out, id, code, error.text());
}

/// Appends an error of JSON-RPC 2.0, without an end of line.
pub(crate) fn two_error(out: &mut Vec<u8>, id: &JsonId, code: Code, about: &str) {
    begin_two(out, id);
    let number = code.number();
    write!(out, "\"error\":{{\"code\":{number},\"message\":").expect("a vector takes all bytes");
    match code.message() {
        Some(message) => {
            text(out, message);
            out.extend_from_slice(b",\"data\":");
            text(out, about);
        }
        None => text(out, or_unspecified(about)),
    }
    out.extend_from_slice(b"}}");
}

/// An error of JSON-RPC 2.0. The specification gives each but the last its message; what we
/// have to add is its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Parse,
    Invalid,
    NoMethod,
    Params,
    Internal,
    /// The error of a method, or of this server.
    Server,
}

impl Code {
    fn number(self) -> i32 {
        match self {
            Self::Parse => -32700,
            Self::Invalid => -32600,
            Self::NoMethod => -32601,
            Self::Params => -32602,
            Self::Internal => -32603,
            Self::Server => -32000,
        }
    }

    fn message(self) -> Option<&'static str> {
        match self {
            Self::Parse => Some("Parse error"),
            Self::Invalid => Some("Invalid Request"),
            Self::NoMethod => Some("Method not found"),
            Self::Params => Some("Invalid params"),
            Self::Internal => Some("Internal error"),
            Self::Server => None,
        }
    }
}

/// Appends an answer; the error is what to say instead.
fn put(out: &mut Vec<u8>, answer: &Answer) -> Result<(), String> {
    // The answer's own `Serialize` may panic, which is no affair of the connection's other calls.
    match catch_unwind(AssertUnwindSafe(|| answer.put_json(out))) {
        Ok(put) => put.map_err(|error| error.to_string()),
        Err(_) => Err("rpc: writing the reply panicked".to_owned()),
    }
}

fn begin_two(out: &mut Vec<u8>, id: &JsonId) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    id.put(out);
    out.push(b',');
}

fn or_unspecified(text: &str) -> &str {
    if text.is_empty() { UNSPECIFIED } else { text }
}

fn text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string is always JSON, a vector takes it");
}
