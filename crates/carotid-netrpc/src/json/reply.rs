//! A stream of JSON replies, read: the client's side.
//!
//! As in Go, the case of letters in the names of fields does not matter, and the last of
//! several wins. Where Go gives up the connection we are milder: `null` is a result, and an
//! error may be an object with a `message`, as JSON-RPC 2.0 has it.

use std::borrow::Cow;

use crate::argument::Argument;
use crate::codec::ReplyMessage;
use crate::error::WireError;
use crate::json::object::{each_field, text};
use crate::json::params::Params;
use crate::json::value::Values;

/// Reads a client's end of a connection.
#[derive(Debug, Default)]
pub(crate) struct ReplyReader {
    values: Values,
}

impl ReplyReader {
    /// The next reply; `None` when `input` is used up before there is one.
    pub(crate) fn poll<'i>(
        &mut self,
        input: &mut &'i [u8],
        limit: usize,
    ) -> Result<Option<ReplyMessage<'i, 'i>>, WireError> {
        while let Some(value) = self.values.poll(input, limit)? {
            let reply = match &value.text {
                Cow::Borrowed(text) => Reply::read(text)?,
                Cow::Owned(text) => Reply::read(text)?.into_owned(),
            };
            // A complaint about something that the peer could not read answers no call.
            let Some(seq) = reply.seq else { continue };
            return Ok(Some(ReplyMessage {
                seq,
                error: reply.error,
                body: Argument::json(reply.result),
            }));
        }
        Ok(None)
    }
}

struct Reply<'i> {
    seq: Option<u64>,
    error: Cow<'i, str>,
    result: Params<'i>,
}

impl<'i> Reply<'i> {
    fn read(object: &'i str) -> Result<Self, WireError> {
        let (mut id, mut result, mut error) = (None, None, None);
        each_field(object, |name, value| {
            let field = match name {
                _ if name.eq_ignore_ascii_case("id") => &mut id,
                _ if name.eq_ignore_ascii_case("result") => &mut result,
                _ if name.eq_ignore_ascii_case("error") => &mut error,
                _ => return,
            };
            *field = Some(value);
        })
        .map_err(|_| WireError::BadJson)?;
        let seq = match id {
            None | Some("null") => None,
            Some(id) => Some(id.parse().map_err(|_| WireError::BadJson)?),
        };
        let error = match (error, result) {
            (None | Some("null"), Some(_)) => Cow::Borrowed(""),
            (None | Some("null"), None) => return Err(WireError::BadJson),
            (Some(error), _) => match message(error) {
                text if text.is_empty() => Cow::Borrowed("unspecified error"),
                text => text,
            },
        };
        let result = Params::bare(Cow::Borrowed(result.unwrap_or("null")));
        Ok(Self { seq, error, result })
    }

    fn into_owned(self) -> Reply<'static> {
        Reply {
            seq: self.seq,
            error: Cow::Owned(self.error.into_owned()),
            result: self.result.into_owned(),
        }
    }
}

/// What an error says, whatever it is.
fn message(error: &str) -> Cow<'_, str> {
    if let Some(text) = text(error) {
        return text;
    }
    let mut message = None;
    let fields = each_field(error, |name, value| {
        if name == "message" {
            message = text(value);
        }
    });
    match (fields, message) {
        (Ok(()), Some(message)) => message,
        (Ok(()) | Err(_), _) => Cow::Borrowed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(json: &str) -> Result<Option<(u64, String, String)>, WireError> {
        let mut reader = ReplyReader::default();
        let mut input = json.as_bytes();
        let reply = reader.poll(&mut input, 1000)?;
        Ok(reply.map(|mut reply| {
            let text = reply.body.as_str().map(Cow::into_owned);
            (
                reply.seq,
                reply.error.into_owned(),
                text.unwrap_or_default(),
            )
        }))
    }

    #[test]
    fn replies_are_read_as_servers_write_them() {
        for (json, seq, error, text) in [
            (r#"{"id":7,"result":"a","error":null}"#, 7, "", "a"),
            (r#"{"ID":7,"Result":"a"}"#, 7, "", "a"),
            (r#"{"id":7,"result":null,"error":null}"#, 7, "", ""),
            (
                r#"{"id":7,"result":null,"error":"\u003cno>"}"#,
                7,
                "<no>",
                "",
            ),
            (
                r#"{"id":7,"result":"a","error":""}"#,
                7,
                "unspecified error",
                "a",
            ),
            (r#"{"id":7,"error":{"code":1,"message":"no"}}"#, 7, "no", ""),
            (r#"{"id":7,"error":[1]}"#, 7, "[1]", ""),
        ] {
            let seen = reply(json).unwrap().unwrap();
            assert_eq!(seen, (seq, error.to_owned(), text.to_owned()), "{json}");
        }
    }

    #[test]
    fn a_complaint_is_no_reply_and_what_is_neither_is_malformed() {
        assert_eq!(reply(r#"{"id":null,"error":"what?"}"#).unwrap(), None);
        for json in [
            "[]",
            "{}",
            r#"{"id":"1","result":1}"#,
            r#"{"id":-1,"result":1}"#,
            r#"{"id":1}"#,
            "7",
        ] {
            assert!(matches!(reply(json), Err(WireError::BadJson)), "{json}");
        }
    }
}
