use super::*;
use crate::gob::definition::put_struct;
use crate::gob::number::{put_bytes, put_int, put_message, put_uint};
use crate::gob::types::MAX_TYPES;

const LIMIT: usize = 64 * 1024;
const HEADER: i64 = 64;

fn define_header(out: &mut Vec<u8>, fields: &[(&str, i64)]) {
    put_struct(out, HEADER, "Request", fields);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_message(out, |out| {
        put_int(out, ids::STRING);
        put_uint(out, 0);
        put_bytes(out, text.as_bytes());
    });
}

fn read_all(stream: &[u8]) -> Result<Vec<(String, u64, String)>, WireError> {
    let mut reader = Reader::default();
    let mut input = stream;
    let mut calls = Vec::new();
    while let Some(mut message) = reader.poll(&mut input, LIMIT)? {
        calls.push((
            message.header.method.into_owned(),
            message.header.seq,
            message.body.as_str().map(String::from).unwrap_or_default(),
        ));
    }
    Ok(calls)
}

#[test]
fn header_fields_go_by_name_and_unknown_ones_are_skipped() {
    let mut stream = Vec::new();
    let fields = [
        ("Trace", ids::COMPLEX),
        ("Seq", ids::UINT),
        ("Tag", ids::BYTES),
        ("ServiceMethod", ids::STRING),
    ];
    define_header(&mut stream, &fields);
    put_message(&mut stream, |out| {
        put_int(out, HEADER);
        out.extend_from_slice(&[1, 5, 6, 1, 9, 1, 2, b't', b't', 1, 3]);
        out.extend_from_slice(b"A.B\0");
    });
    put_text(&mut stream, "x");
    let expected = ("A.B".to_owned(), 9, "x".to_owned());
    assert_eq!(read_all(&stream).unwrap(), [expected]);
}

#[test]
fn header_with_a_structured_field_is_read_through_gobwire() {
    let mut stream = Vec::new();
    put_struct(&mut stream, 70, "Deep", &[("N", ids::INT)]);
    let fields = [("Deep", 70), ("ServiceMethod", ids::STRING)];
    define_header(&mut stream, &fields);
    for _ in 0..2 {
        put_message(&mut stream, |out| {
            put_int(out, HEADER);
            out.extend_from_slice(&[1, 1, 4, 0, 1, 3]);
            out.extend_from_slice(b"A.B\0");
        });
        put_text(&mut stream, "x");
    }
    let expected = ("A.B".to_owned(), 0, "x".to_owned());
    assert_eq!(read_all(&stream).unwrap(), [expected.clone(), expected]);
}

#[test]
fn a_value_where_a_header_belongs_ends_the_stream() {
    let mut stream = Vec::new();
    put_text(&mut stream, "x");
    assert!(matches!(read_all(&stream), Err(WireError::NotAHeader)));
    let mut stream = Vec::new();
    define_header(&mut stream, &[("A", ids::INT)]);
    put_message(&mut stream, |out| {
        put_int(out, HEADER);
        out.push(0);
    });
    assert!(matches!(read_all(&stream), Err(WireError::NotAHeader)));
}

#[test]
fn type_definitions_are_bounded_in_number_and_in_bytes() {
    let mut stream = Vec::new();
    for id in 0..=MAX_TYPES as i64 {
        put_struct(&mut stream, 64 + id, "", &[]);
    }
    assert!(matches!(read_all(&stream), Err(WireError::TooManyTypes)));

    let mut stream = Vec::new();
    let name = "x".repeat(LIMIT / 3);
    for id in 0..3 {
        put_struct(&mut stream, 64 + id, &name, &[]);
    }
    assert!(matches!(read_all(&stream), Err(WireError::TooManyTypes)));
}

/// A call whose argument holds an interface, whose type is defined in the middle of the value.
fn put_inline_definition(out: &mut Vec<u8>, holder: i64, inline: i64) {
    put_message(out, |out| {
        put_int(out, HEADER);
        out.extend_from_slice(&[1, 3]);
        out.extend_from_slice(b"A.B\0");
    });
    put_message(out, |out| {
        put_int(out, holder);
        out.push(1);
        put_bytes(out, b"T");
        let mut definition = Vec::new();
        put_struct(&mut definition, inline, "", &[]);
        out.extend_from_slice(&definition[1..]);
    });
    put_message(out, |out| {
        put_int(out, inline);
        // The length of the value, which is an empty struct, and the end of the holder.
        out.extend_from_slice(&[1, 0, 0]);
    });
}

/// Reads calls whose arguments nobody looks at.
fn count_unread(mut stream: &[u8]) -> Result<usize, WireError> {
    let mut reader = Reader::default();
    let mut count = 0;
    while reader.poll(&mut stream, 16 * LIMIT)?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[test]
fn type_definitions_inside_values_are_bounded_too() {
    let mut stream = Vec::new();
    define_header(&mut stream, &[("ServiceMethod", ids::STRING)]);
    put_struct(&mut stream, 65, "Holder", &[("Any", ids::INTERFACE)]);
    let most = MAX_TYPES as i64;
    for n in 2..most {
        put_inline_definition(&mut stream, 65, 100 + n);
    }
    assert_eq!(count_unread(&stream).unwrap(), MAX_TYPES - 2);
    put_inline_definition(&mut stream, 65, 100 + most);
    assert!(matches!(
        count_unread(&stream),
        Err(WireError::TooManyTypes)
    ));
}

#[test]
fn a_value_is_bounded_however_many_messages_it_is_spread_over() {
    let mut stream = Vec::new();
    define_header(&mut stream, &[("ServiceMethod", ids::STRING)]);
    put_struct(&mut stream, 65, "Holder", &[("Any", ids::INTERFACE)]);
    put_message(&mut stream, |out| {
        put_int(out, HEADER);
        out.extend_from_slice(&[1, 3]);
        out.extend_from_slice(b"A.B\0");
    });
    put_message(&mut stream, |out| {
        put_int(out, 65);
        out.push(1);
        put_bytes(out, b"T");
    });
    let name = "x".repeat(LIMIT / 8);
    for n in 0..8 {
        put_struct(&mut stream, 100 + n, &name, &[]);
    }
    assert!(matches!(read_all(&stream), Err(WireError::TooLong { .. })));
}

#[test]
fn a_large_value_leaves_no_buffer_behind() {
    let mut stream = Vec::new();
    define_header(&mut stream, &[("ServiceMethod", ids::STRING)]);
    put_message(&mut stream, |out| {
        put_int(out, HEADER);
        out.extend_from_slice(&[1, 3]);
        out.extend_from_slice(b"A.B\0");
    });
    put_message(&mut stream, |out| {
        put_int(out, ids::BYTES);
        put_uint(out, 0);
        put_bytes(out, &[7; 20_000]);
    });
    let mut reader = Reader::default();
    let mut input = &stream[..];
    let mut message = reader.poll(&mut input, LIMIT).unwrap().unwrap();
    let bytes: Vec<u8> = message.body.decode().unwrap();
    assert_eq!(bytes.len(), 20_000);
    drop(message);
    assert!(reader.poll(&mut input, LIMIT).unwrap().is_none());
    assert!(!reader.types.is_loaded());
}
