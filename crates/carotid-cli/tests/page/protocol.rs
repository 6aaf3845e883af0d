//! Chromium's DevTools protocol, as far as these tests speak it: numbered calls and their answers, with
//! events between them.

use std::collections::VecDeque;
use std::net::TcpStream;

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::ground::program::PATIENCE;

/// A conversation with one tab.
pub(super) struct Protocol {
    socket: WebSocket<TcpStream>,
    calls: u64,
    /// What came while an answer was waited for.
    events: VecDeque<Event>,
}

/// Something that happened in the tab.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) method: String,
    pub(super) params: Value,
}

impl Protocol {
    /// Begins to talk at a `ws://` address of this machine.
    pub(super) fn connect(address: &str) -> Self {
        let host = address.strip_prefix("ws://").unwrap();
        let stream = TcpStream::connect(host.split('/').next().unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = tungstenite::client(address, stream).unwrap();
        Self {
            socket,
            calls: 0,
            events: VecDeque::new(),
        }
    }

    /// Calls a method; what it refuses is a failed test.
    #[track_caller]
    pub(super) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let call = json!({"id": id, "method": method, "params": params});
        let sent = self.socket.send(Message::text(call.to_string()));
        sent.unwrap_or_else(|error| panic!("{method}: {error}"));
        loop {
            let mut message = self.read(method);
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
            self.keep(&mut message);
        }
    }

    /// Waits for an event; those before it are kept for [`Self::events`].
    #[track_caller]
    pub(super) fn wait_for(&mut self, method: &str) -> Value {
        let is_it = |event: &Event| event.method == method;
        if let Some(at) = self.events.iter().position(is_it) {
            return self.events.remove(at).unwrap().params;
        }
        loop {
            let mut message = self.read(method);
            if message["method"] == method {
                return message["params"].take();
            }
            self.keep(&mut message);
        }
    }

    /// Forgets what has happened so far, and tells it.
    pub(super) fn events(&mut self) -> Vec<Event> {
        // An answer comes after all events before it.
        self.call("Runtime.evaluate", &json!({"expression": "0"}));
        self.events.drain(..).collect()
    }

    fn keep(&mut self, message: &mut Value) {
        if let Some(method) = message["method"].as_str() {
            let method = method.to_owned();
            let params = message["params"].take();
            self.events.push_back(Event { method, params });
        }
    }

    #[track_caller]
    fn read(&mut self, waiting_for: &str) -> Value {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Ok(_) => {}
                Err(error) => panic!("{waiting_for}: {error}"),
            }
        }
    }
}
