//! What an idle connection holds, and what a heartbeat costs, in bytes and allocations.

use allocation_counter::measure;
use carotid_netrpc::Answer;
use carotid_netrpc::codec::{Incoming, ServerCodec};

const GOB_CALLS: &[u8] = include_bytes!("streams/gob_calls.bin");
const PING: &[u8] = b"{\"method\":\"Heartbeat.Ping\",\"params\":[\"client-42\"],\"id\":123456}\n";
const PING_TWO: &[u8] =
    b"{\"jsonrpc\":\"2.0\",\"method\":\"Heartbeat.Ping\",\"params\":[\"client-42\"],\"id\":7}\n";

/// Answers all pings in `input`, and returns how many there were.
fn answer(codec: &mut ServerCodec, mut input: &[u8], out: &mut Vec<u8>) -> usize {
    let mut pings = 0;
    while let Some(incoming) = codec.poll(&mut input).expect("a good stream") {
        if let Incoming::Call(mut call) = incoming {
            assert!(call.argument.as_str().is_ok_and(|name| name == "client-42"));
            let (method, id) = (call.method, call.id);
            codec.reply(out, &method, &id, Ok(&Answer::text("Pong")));
            pings += 1;
        }
    }
    pings
}

/// The definition of the header, and the first ping.
fn first_ping() -> &'static [u8] {
    let name = b"client-42";
    let at = GOB_CALLS.windows(9).position(|window| window == name);
    &GOB_CALLS[..at.expect("the name is in the ping") + name.len()]
}

#[test]
fn an_idle_connection_holds_little() {
    for (stream, most) in [(first_ping(), 250), (PING, 150), (PING_TWO, 150)] {
        let mut out = Vec::with_capacity(4096);
        let mut codec = ServerCodec::new(4 << 20);
        let held = measure(|| assert_eq!(answer(&mut codec, stream, &mut out), 1));
        let inline = size_of::<ServerCodec>() as i64;
        let sum = held.bytes_current + inline;
        assert!(sum <= most, "{} + {inline} bytes", held.bytes_current);
    }
}

#[test]
fn a_heartbeat_allocates_nothing() {
    let mut out = Vec::with_capacity(4096);
    let mut codec = ServerCodec::new(4 << 20);
    answer(&mut codec, PING, &mut out);
    for ping in [PING, PING_TWO] {
        let cost = measure(|| assert_eq!(answer(&mut codec, ping, &mut out), 1));
        assert_eq!(cost.count_total, 0);
    }
}

#[test]
fn what_was_cut_is_held_only_until_it_is_whole() {
    let mut out = Vec::with_capacity(4096);
    let mut codec = ServerCodec::new(4 << 20);
    answer(&mut codec, PING, &mut out);
    let cut = measure(|| {
        let (left, right) = PING.split_at(30);
        assert_eq!(answer(&mut codec, left, &mut out), 0);
        assert_eq!(answer(&mut codec, right, &mut out), 1);
    });
    assert_eq!(cut.bytes_current, 0);
    let batch = [b"[", PING_TWO, b",1,", PING_TWO, b"]"].concat();
    let batch = measure(|| assert_eq!(answer(&mut codec, &batch, &mut out), 2));
    assert!(batch.bytes_current <= 48, "{}", batch.bytes_current);
}
