//! gob as Go's `net/rpc` writes it, byte for byte.
//!
//! Apart from carotid's own codec on purpose, so that a fault there cannot hide in a measurement.

/// The definition of `rpc.Request` as type 65.
pub(super) const REQUEST_TYPE: &[u8] =
    b"\x2f\xff\x81\x03\x01\x01\x07Request\x01\xff\x82\x00\x01\x02\
    \x01\x0dServiceMethod\x01\x0c\x00\x01\x03Seq\x01\x06\x00\x00\x00";

/// The definition of `struct{ Name string }` as type 66.
pub(super) const GOODBYE_TYPE: &[u8] =
    b"\x1e\xff\x83\x03\x01\x01\x07Goodbye\x01\xff\x84\x00\x01\x01\x01\x04Name\x01\x0c\x00\x00\x00";

/// A call with a string.
pub(super) fn call(method: &str, number: u32, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put_header(&mut out, method, number);
    put_message(&mut out, |body| {
        // A value that is no struct has a zero before it.
        body.extend_from_slice(b"\x0c\x00");
        put_text(body, name);
    });
    out
}

/// A call with the struct of [`GOODBYE_TYPE`], which must have been sent before its first value.
pub(super) fn goodbye(out: &mut Vec<u8>, method: &str, number: u32, name: &str, is_first: bool) {
    put_header(out, method, number);
    if is_first {
        out.extend_from_slice(GOODBYE_TYPE);
    }
    put_message(out, |body| {
        body.extend_from_slice(b"\xff\x84\x01");
        put_text(body, name);
        body.push(0);
    });
}

fn put_header(out: &mut Vec<u8>, method: &str, number: u32) {
    put_message(out, |header| {
        header.extend_from_slice(b"\xff\x82\x01");
        put_text(header, method);
        // Four bytes of number, as all numbers here have.
        header.extend_from_slice(b"\x01\xfc");
        header.extend_from_slice(&number.to_be_bytes());
        header.push(0);
    });
}

fn put_message(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let mut message = Vec::new();
    body(&mut message);
    put_length(out, message.len());
    out.append(&mut message);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Below 128 one byte; otherwise the negated count of bytes, then the bytes.
fn put_length(out: &mut Vec<u8>, length: usize) {
    let bytes = length.to_be_bytes();
    match bytes {
        [.., low] if length < 128 => out.push(low),
        [.., low] if length < 256 => out.extend_from_slice(&[0xff, low]),
        [.., high, low] => out.extend_from_slice(&[0xfe, high, low]),
    }
}
