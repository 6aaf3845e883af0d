//! One connection without a socket, in virtual time.

use super::*;
use crate::codec::{CallWriter, ReplyReader};
use crate::error::ServerError;

const REQUEST: &[u8] = b"{\"method\":\"Heartbeat.Ping\",\"params\":[\"me\"],\"id\":1}\n";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Answers pings.
struct Pings {
    idle: Option<Duration>,
    peer_closed: bool,
    /// What it was told that the peer speaks.
    spoken: Vec<Protocol>,
}

impl Interceptor for Pings {
    fn call(
        &mut self,
        method: &str,
        argument: &mut Argument<'_>,
    ) -> Option<Result<Answer, ServerError>> {
        (method == "Heartbeat.Ping").then(|| {
            argument.as_str()?;
            Ok(Answer::text("Pong"))
        })
    }

    fn idle_timeout(&self) -> Option<Duration> {
        self.idle
    }

    fn speaks(&mut self, protocol: Protocol) {
        self.spoken.push(protocol);
    }

    fn peer_closed(&mut self) {
        self.peer_closed = true;
    }
}

/// A connection, its peer, and the time between them.
struct World {
    now: Instant,
    router: Router,
    options: Options,
    pings: Pings,
    connection: Connection,
    started: Vec<Started>,
    out: Vec<u8>,
    /// What the peer has taken, and how much more it would.
    taken: Vec<u8>,
    room: usize,
}

impl World {
    fn new(options: Options) -> Self {
        let now = super::super::server::clock();
        let mut router = Router::new();
        router
            .method("Slow.Echo", async |n: u64| Ok::<_, ServerError>(n))
            .unwrap();
        Self {
            now,
            router,
            pings: Pings {
                idle: Some(seconds(3)),
                peer_closed: false,
                spoken: Vec::new(),
            },
            connection: Connection::new(now, &options),
            options,
            started: Vec::new(),
            out: Vec::new(),
            taken: Vec::new(),
            room: usize::MAX,
        }
    }

    fn turn(&mut self, act: impl FnOnce(&mut Connection, &mut Turn<'_, Pings>)) {
        let mut turn = Turn {
            now: self.now,
            router: &self.router,
            options: &self.options,
            interceptor: &mut self.pings,
            started: &mut self.started,
            out: &mut self.out,
        };
        act(&mut self.connection, &mut turn);
    }

    fn flush(&mut self) {
        let (taken, room) = (&mut self.taken, &mut self.room);
        let write = |bytes: &[u8]| {
            let length = bytes.len().min(*room);
            if length == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            *room -= length;
            taken.extend_from_slice(&bytes[..length]);
            Ok(length)
        };
        self.connection
            .flush(self.now, &mut self.out, write)
            .unwrap();
    }

    /// The peer says this; returns what the connection wishes then.
    fn says(&mut self, bytes: &[u8]) -> Wish {
        self.turn(|connection, turn| connection.handle_input(turn, bytes));
        self.settle()
    }

    fn settle(&mut self) -> Wish {
        self.flush();
        self.connection.wish(&self.options)
    }

    /// As many of the calls that were started are done.
    fn finish(&mut self, count: usize) -> Wish {
        for call in self.started.drain(..count) {
            let done = Done {
                method: call.method,
                id: call.id,
                outcome: Ok(Answer::text("done")),
            };
            self.connection.handle_done(self.now, done, &mut self.out);
        }
        self.settle()
    }

    /// How long until its next deadline, and what that means.
    fn deadline(&self) -> Option<(Duration, String)> {
        let deadline = self.connection.deadline(&self.options, self.pings.idle);
        deadline.map(|(at, end)| (at - self.now, end.to_string()))
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

fn slow_calls(count: u64) -> Vec<u8> {
    let (mut writer, mut out) = (CallWriter::new(), Vec::new());
    for n in 0..count {
        writer.call(&mut out, "Slow.Echo", n, &n).unwrap();
    }
    out
}

#[test]
fn whoever_does_not_call_in_time_is_closed_whatever_it_sends() {
    let mut world = World::default();
    let late = "no whole call within the first-call timeout".to_owned();
    assert_eq!(world.deadline(), Some((seconds(5), late.clone())));
    world.now += seconds(1);
    // A part of a request that is never whole.
    assert_eq!(world.says(&REQUEST[..20]), Wish::Read);
    assert_eq!(world.deadline(), Some((seconds(4), late)));
}

#[test]
fn what_a_peer_speaks_is_told_once_with_its_first_calls() {
    let (mut two, gob) = (br#"{"jsonrpc":"2.0","id":1,"#.to_vec(), slow_calls(1));
    two.extend_from_slice(br#""method":"Heartbeat.Ping","params":["me"]}"#);
    let connect = [b"CONNECT /_goRPC_ HTTP/1.0\n\n", &gob[..]].concat();
    let spoken = [
        (REQUEST, Protocol::Json),
        (&two, Protocol::JsonRpc),
        (&gob, Protocol::Gob),
        (&connect, Protocol::GobOverHttp),
    ];
    for (bytes, protocol) in spoken {
        let mut world = World::default();
        let (first, rest) = bytes.split_at(bytes.len() - 2);
        world.says(first);
        assert_eq!(world.pings.spoken, [], "there is no whole call yet");
        world.says(rest);
        assert_eq!(world.pings.spoken, [protocol]);
    }
    let mut world = World::default();
    world.says(REQUEST);
    world.says(REQUEST);
    assert_eq!(world.pings.spoken, [Protocol::Json]);
}

#[test]
fn silence_counts_from_the_last_whole_call() {
    let mut world = World::default();
    let idle = "no call within the idle timeout".to_owned();
    world.says(REQUEST);
    assert_eq!(world.deadline(), Some((seconds(3), idle.clone())));
    world.now += seconds(2);
    assert_eq!(world.says(&REQUEST[..20]), Wish::Read);
    assert_eq!(world.deadline(), Some((seconds(1), idle.clone())));
    world.says(&REQUEST[20..]);
    assert_eq!(world.deadline(), Some((seconds(3), idle)));
    world.pings.idle = None;
    assert_eq!(world.deadline(), None, "it may be silent for ever");
}

#[test]
fn a_running_call_keeps_its_connection_and_silence_begins_after_it() {
    let mut world = World::default();
    world.says(&slow_calls(1));
    assert_eq!(world.deadline(), None);
    world.now += seconds(60);
    world.finish(1);
    let (left, _) = world.deadline().unwrap();
    assert_eq!(left, seconds(3));
}

#[test]
fn a_peer_that_does_not_read_is_not_read_and_makes_nothing_pile_up() {
    let mut world = World {
        room: 10,
        ..World::default()
    };
    assert_eq!(world.says(REQUEST), Wish::Wait);
    let stuck = "the peer does not read its replies".to_owned();
    assert_eq!(world.deadline(), Some((seconds(5), stuck)));
    world.now += seconds(4);
    world.room = 5;
    assert_eq!(world.settle(), Wish::Wait);
    let (left, _) = world.deadline().unwrap();
    assert_eq!(left, seconds(5), "it takes a little");
    world.room = usize::MAX;
    assert_eq!(world.settle(), Wish::Read);
    assert_eq!(
        world.taken,
        b"{\"id\":1,\"result\":\"Pong\",\"error\":null}\n"
    );
}

#[test]
fn more_calls_than_may_run_wait_their_turn_in_order() {
    let options = Options {
        max_in_flight: 2,
        ..Options::default()
    };
    let mut world = World::new(options);
    assert_eq!(world.says(&slow_calls(100)), Wish::Wait);
    for _ in 0..98 {
        assert_eq!(world.started.len(), 2);
        assert_eq!(world.finish(1), Wish::Continue);
        world.turn(|connection, turn| connection.handle_backlog(turn));
    }
    assert_eq!(world.finish(2), Wish::Read);
    let (mut reader, mut input, mut seen) = (ReplyReader::new(1000), &world.taken[..], 0);
    while let Some(reply) = reader.poll(&mut input).unwrap() {
        assert_eq!((reply.seq, &*reply.error), (seen, ""));
        seen += 1;
    }
    assert_eq!(seen, 100);
}

#[test]
fn a_peer_that_closes_its_side_is_still_answered() {
    let mut world = World::default();
    world.says(&slow_calls(1));
    world.turn(|connection, turn| connection.handle_close(turn));
    assert_eq!(world.settle(), Wish::Wait);
    assert!(world.pings.peer_closed);
    assert_eq!(world.finish(1), Wish::End);
    assert!(!world.taken.is_empty());
    assert!(matches!(world.connection.take_end(), End::Closed));
}

#[test]
fn stopping_answers_what_runs_and_takes_nothing_more() {
    let mut world = World::default();
    world.says(&slow_calls(1));
    world.connection.stop();
    assert_eq!(world.settle(), Wish::Wait);
    assert_eq!(world.deadline(), None);
    assert_eq!(world.finish(1), Wish::End);
    assert!(matches!(world.connection.take_end(), End::Shutdown));
}

#[test]
fn a_refusal_is_written_before_the_end() {
    let mut world = World::default();
    assert_eq!(world.says(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), Wish::End);
    assert!(world.taken.starts_with(b"HTTP/1.0 405 "));
    let end = world.connection.take_end();
    assert!(matches!(end, End::Malformed(WireError::NotConnect)));
}

#[test]
fn calls_before_what_cannot_be_read_are_answered() {
    let mut world = World::default();
    let mut bytes = slow_calls(1);
    bytes.extend([0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
    assert_eq!(world.says(&bytes), Wish::Wait);
    assert_eq!(world.deadline(), None);
    assert_eq!(world.finish(1), Wish::End);
    assert!(!world.taken.is_empty());
    let end = world.connection.take_end();
    assert!(matches!(end, End::Malformed(_)));
}
