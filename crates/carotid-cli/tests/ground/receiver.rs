//! A receiver of webhooks that does as a test says.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Channel, Sender, channel};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::program::PATIENCE;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is answered so.
    Status(u16),
    /// It is never answered.
    Hang,
    /// The connection is closed instead.
    Drop,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// In the order in which they came, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// What became of it.
    pub(crate) answer: Answer,
}

/// Takes webhooks on a port of its own.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    deliveries: Channel<Delivery>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Receiver {
    /// Takes everything.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, deliveries) = channel();
        let answers = Arc::new(Mutex::new(VecDeque::new()));
        let script = answers.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (sender, script) = (sender.clone(), Arc::clone(&script));
                // Whoever goes away in the middle of a request has not made it.
                std::thread::spawn(move || converse(&stream.unwrap(), &sender, &script));
            }
        });
        Self {
            address,
            deliveries,
            answers,
        }
    }

    /// The next requests get these answers; all after them 204.
    pub(crate) fn answer(&self, answers: &[Answer]) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The next request.
    #[track_caller]
    pub(crate) fn next(&self) -> Delivery {
        let delivery = self.deliveries.recv_timeout(PATIENCE);
        delivery.expect("a message comes in time")
    }

    /// Requests up to one that was taken and that `is_last` accepts.
    #[track_caller]
    pub(crate) fn until(&self, mut is_last: impl FnMut(&Delivery) -> bool) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        loop {
            deliveries.push(self.next());
            let last = &deliveries[deliveries.len() - 1];
            if last.is_taken() && is_last(last) {
                return deliveries;
            }
        }
    }
}

impl Delivery {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id").unwrap()
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.answer == Answer::Status(204)
    }

    /// The CloudEvent.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// `status trouble subject`.
    pub(crate) fn said(&self) -> String {
        let notice = &self.json()["data"];
        let word = |key: &str| notice[key].as_str().unwrap().to_owned();
        [word("status"), word("trouble"), word("subject")].join(" ")
    }
}

fn converse(
    stream: &TcpStream,
    sender: &Sender<Delivery>,
    script: &Mutex<VecDeque<Answer>>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let headers = head(&mut reader)?;
        let length = headers.iter().find(|(name, _)| name == "content-length")?;
        let mut body = vec![0; length.1.parse().ok()?];
        reader.read_exact(&mut body).ok()?;
        let next = script.lock().unwrap().pop_front();
        let answer = next.unwrap_or(Answer::Status(204));
        let delivery = Delivery {
            headers,
            body,
            answer,
        };
        sender.send(delivery).ok()?;
        match answer {
            Answer::Status(status) => {
                let head = format!("HTTP/1.1 {status} So\r\ncontent-length: 0\r\n\r\n");
                (&mut &*stream).write_all(head.as_bytes()).ok()?;
            }
            Answer::Hang => {
                // Until the other side has had enough.
                let _gone = reader.read(&mut [0]);
                return None;
            }
            Answer::Drop => return None,
        }
    }
}

/// The headers of the next request; the address is the same in all.
fn head(reader: &mut impl BufRead) -> Option<Vec<(String, String)>> {
    let mut headers = Vec::new();
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            return Some(headers);
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}
