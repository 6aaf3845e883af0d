//! The daemon's event stream, read as a blocking script would.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use jiff::Timestamp;
use serde_json::Value;

use super::daemon::Daemon;
use super::program::PATIENCE;

/// One conclusion of the daemon.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) epoch: u64,
    pub(crate) cause: Option<String>,
    pub(crate) silent_ms: u64,
    pub(crate) stalled_ms: u64,
    /// The whole of it.
    pub(crate) json: Value,
}

/// A subscription.
#[derive(Debug)]
pub(crate) struct Events {
    stream: BufReader<TcpStream>,
    last: u64,
}

impl Events {
    /// All events, from the daemon's first.
    pub(crate) fn subscribe(http: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(http).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // HTTP/1.0, so that the events come without chunk sizes between them.
        write!(
            stream,
            "GET /api/v1/events?after=0 HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n"
        )
        .unwrap();
        let mut events = Self {
            stream: BufReader::new(stream),
            last: 0,
        };
        let status = events.line();
        assert!(status.contains(" 200 "), "{status}");
        while !events.line().is_empty() {}
        events
    }

    /// The next event of a session; a busy machine may stall the daemon in between.
    pub(crate) fn next(&mut self) -> Event {
        loop {
            let event = self.next_of_any_kind();
            if event.kind != "stalled" {
                return event;
            }
        }
    }

    /// The next event, that of a stall included.
    pub(crate) fn next_of_any_kind(&mut self) -> Event {
        let (mut id, mut kind, mut value) = (None, None, None);
        loop {
            let line = self.line();
            match line.split_once(':') {
                Some(("id", text)) => id = Some(text.trim().parse::<u64>().unwrap()),
                Some(("event", text)) => kind = Some(text.trim().to_owned()),
                Some(("data", text)) => value = Some(serde_json::from_str(text).unwrap()),
                _ if line.is_empty() && value.is_some() => break,
                _ => {}
            }
        }
        let event = Event::read(&value.unwrap());
        assert_eq!(
            id,
            Some(event.seq),
            "the stream's id is the event's sequence number"
        );
        assert_eq!(
            kind.as_ref(),
            Some(&event.kind),
            "the stream's event is the event's kind"
        );
        assert!(
            event.seq > self.last,
            "event {} after {}",
            event.seq,
            self.last
        );
        self.last = event.seq;
        event
    }

    /// The next event, which must be of this kind, name and cause.
    #[track_caller]
    pub(crate) fn expect(&mut self, kind: &str, name: &str, cause: Option<&str>) -> Event {
        let event = self.next();
        let seen = (
            event.kind.as_str(),
            event.name.as_str(),
            event.cause.as_deref(),
        );
        assert_eq!(seen, (kind, name, cause), "{event:?}");
        event
    }

    /// That nothing but what was read has happened so far: the next event is
    /// the opening of a newcomer.
    #[track_caller]
    pub(crate) fn expect_no_more(&mut self, daemon: &Daemon) {
        let _newcomer = daemon.ping("newcomer");
        self.expect("opened", "newcomer", None);
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self
            .stream
            .read_line(&mut line)
            .expect("an event comes in time");
        assert_ne!(read, 0, "the event stream ended");
        line.trim_end_matches(['\r', '\n']).to_owned()
    }
}

impl Event {
    fn read(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        Self {
            seq: value["seq"].as_u64().unwrap(),
            kind: text("kind").unwrap(),
            name: text("name").unwrap_or_default(),
            epoch: value["epoch"].as_u64().unwrap_or_default(),
            cause: text("cause"),
            silent_ms: value["silent_ms"].as_u64().unwrap_or_default(),
            stalled_ms: value["stalled_ms"].as_u64().unwrap_or_default(),
            at: text("at").unwrap().parse().unwrap(),
            json: value.clone(),
        }
    }
}
