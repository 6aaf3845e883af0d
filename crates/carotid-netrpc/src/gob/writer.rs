//! A gob stream of net/rpc, written.
//!
//! Type ids: 64 is the header, 65 the empty struct that goes with an error; `gobwire` numbers
//! the users' types from 65, and is therefore told of the empty struct first.

use gobwire::{Encode, Encoder, Gob};

use crate::gob::definition::put_struct;
use crate::gob::number::{put_bytes, put_int, put_message, put_uint};
use crate::gob::{header, ids};

const HEADER: i64 = 64;
const EMPTY: i64 = 65;

#[derive(Debug, Default, Gob)]
struct Empty {}

/// Writes one direction of one connection.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    header_defined: bool,
    empty_defined: bool,
    encoder: Option<Box<Encoder>>,
}

impl Writer {
    /// Appends a request header and its argument. On error nothing is appended.
    pub(crate) fn request(
        &mut self,
        out: &mut Vec<u8>,
        method: &str,
        seq: u64,
        argument: &(impl Encode + ?Sized),
    ) -> Result<(), gobwire::Error> {
        let mut body = Vec::new();
        self.encoder(&mut body).encode_into(argument, &mut body)?;
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
        self.define_empty(out);
        put_message(out, |out| {
            put_int(out, EMPTY);
            put_uint(out, 0);
        });
    }

    /// Appends a response whose body `encode` writes. On error nothing is appended.
    pub(crate) fn value(
        &mut self,
        out: &mut Vec<u8>,
        method: &str,
        seq: u64,
        encode: impl FnOnce(&mut Encoder, &mut Vec<u8>) -> Result<(), gobwire::Error>,
    ) -> Result<(), gobwire::Error> {
        let mut body = Vec::new();
        // The definition of the empty struct may be all that stays of a failed attempt.
        let encoder = self.encoder(out);
        encode(encoder, &mut body)?;
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

    fn define_empty(&mut self, out: &mut Vec<u8>) {
        if !self.empty_defined {
            self.empty_defined = true;
            put_struct(out, EMPTY, "", &[]);
        }
    }

    fn encoder(&mut self, out: &mut Vec<u8>) -> &mut Encoder {
        if self.encoder.is_none() {
            self.define_empty(out);
            let mut encoder = Box::<Encoder>::default();
            encoder
                .encode(&Empty {})
                .expect("a struct without fields encodes");
            self.encoder = Some(encoder);
        }
        self.encoder.as_mut().expect("it was made just above")
    }
}
