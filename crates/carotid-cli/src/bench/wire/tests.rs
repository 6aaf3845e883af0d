use super::*;

/// Reads all replies from input that comes in pieces of this size.
fn replies(protocol: Protocol, input: &[u8], piece: usize) -> Vec<Reply> {
    let mut reader = protocol.replies();
    let mut read = Vec::new();
    for mut piece in input.chunks(piece) {
        while let Some(reply) = reader.poll(&mut piece).unwrap() {
            read.push(reply);
        }
    }
    read
}

#[test]
fn a_request_is_what_a_go_client_writes() {
    let mut out = Protocol::Gob.preamble().to_vec();
    let request = Protocol::Gob.request("Heartbeat.Ping", "client-42");
    request.put(&mut out, 0x4001_0203);
    let definition = b"\x2f\xff\x81\x03\x01\x01\x07Request\x01\xff\x82\x00\x01\x02\
        \x01\x0dServiceMethod\x01\x0c\x00\x01\x03Seq\x01\x06\x00\x00\x00";
    let call = b"\x19\xff\x82\x01\x0eHeartbeat.Ping\x01\xfc\x40\x01\x02\x03\x00\
        \x0c\x0c\x00\x09client-42";
    let expected = [&definition[..], &call[..]].concat();
    assert_eq!(
        out.escape_ascii().to_string(),
        expected.escape_ascii().to_string()
    );
}

#[test]
fn a_json_request_is_what_a_go_client_writes() {
    let mut out = Protocol::Json.preamble().to_vec();
    let request = Protocol::Json.request("Heartbeat.Ping", "b\"1");
    for number in [FIRST, 1_234_567_890, LAST] {
        request.put(&mut out, number);
    }
    let line = |number| {
        format!("{{\"method\":\"Heartbeat.Ping\",\"params\":[\"b\\\"1\"],\"id\":{number}}}\n")
    };
    let lines = [FIRST, 1_234_567_890, LAST].map(line).concat();
    assert_eq!(String::from_utf8(out).unwrap(), lines);
}

#[test]
fn replies_are_read_in_any_pieces() {
    let gob = b"\x3a\xff\x83\x03\x01\x01\x08Response\x01\xff\x84\x00\x01\x03\x01\x0dServiceMethod\
        \x01\x0c\x00\x01\x03Seq\x01\x06\x00\x01\x05Error\x01\x0c\x00\x00\x00\
        \x19\xff\x84\x01\x0eHeartbeat.Ping\x01\xfc\x40\x00\x00\x01\x00\x07\x0c\x00\x04Pong\
        \x19\xff\x84\x01\x0eHeartbeat.Ping\x01\xfc\x40\x00\x00\x00\x00\x07\x0c\x00\x04Gone";
    let json = b"{\"id\":1073741825,\"result\":\"Pong\",\"error\":null}\n\
        {\"id\":1073741824,\"result\":\"Gone\",\"error\":null}\n";
    let expected = [
        (FIRST + 1, Said::Pong),
        (FIRST, Said::Other("Gone".to_owned())),
    ]
    .map(|(number, said)| Reply {
        number: number.into(),
        said,
    });
    for piece in [1, 2, 7, 61, 1000] {
        assert_eq!(replies(Protocol::Gob, gob, piece), expected, "{piece}");
        assert_eq!(replies(Protocol::Json, json, piece), expected, "{piece}");
    }
}

#[test]
fn errors_say_what_the_server_said() {
    let json = br#"{"id":1,"result":null,"error":"rpc: can't find service X.Y"}
        {"id":2,"result":{"Epoch":1},"error":null}"#;
    let said: Vec<_> = replies(Protocol::Json, json, 1000)
        .into_iter()
        .map(|reply| reply.said)
        .collect();
    assert_eq!(
        said,
        [
            Said::Error("rpc: can't find service X.Y".to_owned()),
            Said::Other("something that is no string".to_owned()),
        ]
    );
}

#[test]
fn what_is_no_reply_is_refused() {
    let endless = [b"{\"id\":\"".to_vec(), vec![b'x'; MAX_REPLY]].concat();
    for (protocol, bytes) in [
        (Protocol::Json, &b"HTTP/1.1 400 Bad Request\r\n"[..]),
        (Protocol::Json, &endless),
        (Protocol::Gob, b"\xfc\x7f\xff\xff\xff"),
    ] {
        let read = protocol.replies().poll(&mut &*bytes);
        assert!(matches!(read, Err(NoReply::Wire(_))), "{read:?}");
    }
}

#[test]
fn a_goodbye_names_the_session() {
    let calls = [(FIRST, "a/1".to_owned())];
    let json = Protocol::Json.goodbyes(&calls);
    assert_eq!(
        String::from_utf8(json).unwrap(),
        "{\"method\":\"Heartbeat.Close\",\"params\":[{\"Name\":\"a/1\"}],\"id\":1073741824}\n"
    );
}

#[test]
fn a_gob_goodbye_defines_its_struct_once() {
    let calls = [(FIRST, "a/1".to_owned()), (FIRST + 1, "a/2".to_owned())];
    let gob = Protocol::Gob.goodbyes(&calls);
    let expected = b"\x1a\xff\x82\x01\x0fHeartbeat.Close\x01\xfc\x40\x00\x00\x00\x00\
        \x1e\xff\x83\x03\x01\x01\x07Goodbye\x01\xff\x84\x00\x01\x01\x01\x04Name\x01\x0c\x00\x00\x00\
        \x08\xff\x84\x01\x03a/1\x00\
        \x1a\xff\x82\x01\x0fHeartbeat.Close\x01\xfc\x40\x00\x00\x01\x00\
        \x08\xff\x84\x01\x03a/2\x00";
    assert_eq!(
        gob.escape_ascii().to_string(),
        expected.escape_ascii().to_string()
    );
}

#[test]
fn long_names_have_long_lengths() {
    let mut out = Vec::new();
    let name = "x".repeat(128);
    let method = format!("{name}.{name}");
    Protocol::Gob.request(&method, &name).put(&mut out, FIRST);
    assert!(
        out.starts_with(b"\xfe\x01\x0e\xff\x82\x01\xfe\x01\x01x"),
        "{}",
        out.escape_ascii()
    );
    let body = [b"\xff\x84\x0c\x00\xff\x80".to_vec(), name.into_bytes()].concat();
    assert!(out.ends_with(&body), "{}", out.escape_ascii());
}
