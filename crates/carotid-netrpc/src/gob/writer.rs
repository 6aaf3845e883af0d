//! A gob stream of net/rpc, written.

use crate::gob::convert::ToGob;
use crate::gob::definition::put_struct;
use crate::gob::number::{put_bytes, put_int, put_message, put_uint};
use crate::gob::sent::{EMPTY, Sent};
use crate::gob::{header, ids};

const HEADER: i64 = 64;

/// Writes one direction of one connection.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    header_defined: bool,
    sent: Sent,
}

impl Writer {
    /// Appends a request header and its argument. On error at most definitions are appended.
    pub(crate) fn request(
        &mut self,
        out: &mut Vec<u8>,
        method: &str,
        seq: u64,
        argument: &(impl ToGob + ?Sized),
    ) -> Result<(), gobwire::Error> {
        let mut body = Vec::new();
        argument.put_gob(&mut self.sent, out, &mut body)?;
        if !self.header_defined {
            self.header_defined = true;
            let fields = [("ServiceMethod", ids::STRING), ("Seq", ids::UINT)];
            put_struct(out, HEADER, "Request", &fields);
        }
        header::put(out, HEADER, method, seq, "");
        out.append(&mut body);
        Ok(())
    }

    /// Appends a response that is a string.
    pub(crate) fn text(&mut self, out: &mut Vec<u8>, method: &str, seq: u64, text: &str) {
        self.response_header(out, method, seq, "");
        put_message(out, |out| {
            put_int(out, ids::STRING);
            put_uint(out, 0);
            put_bytes(out, text.as_bytes());
        });
    }

    /// Appends a response that is an error. Go takes an empty text for success, so there is
    /// always one.
    pub(crate) fn error(&mut self, out: &mut Vec<u8>, method: &str, seq: u64, text: &str) {
        let text = if text.is_empty() {
            "unspecified error"
        } else {
            text
        };
        self.response_header(out, method, seq, text);
        self.sent.define_empty(out);
        put_message(out, |out| {
            put_int(out, EMPTY);
            put_uint(out, 0);
        });
    }

    /// Appends a response. On error at most definitions are appended.
    pub(crate) fn value(
        &mut self,
        out: &mut Vec<u8>,
        method: &str,
        seq: u64,
        answer: &(impl ToGob + ?Sized),
    ) -> Result<(), gobwire::Error> {
        let mut body = Vec::new();
        answer.put_gob(&mut self.sent, out, &mut body)?;
        self.response_header(out, method, seq, "");
        out.append(&mut body);
        Ok(())
    }

    fn response_header(&mut self, out: &mut Vec<u8>, method: &str, seq: u64, error: &str) {
        if !self.header_defined {
            self.header_defined = true;
            let fields = [
                ("ServiceMethod", ids::STRING),
                ("Seq", ids::UINT),
                ("Error", ids::STRING),
            ];
            put_struct(out, HEADER, "Response", &fields);
        }
        header::put(out, HEADER, method, seq, error);
    }
}
