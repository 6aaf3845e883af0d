//! The bytes of a ping and of its reply, in both protocols of `net/rpc`.
//!
//! What can be written ahead is: a request is copied and given its number, whose place and width never
//! change, because all numbers are between [`FIRST`] and [`LAST`].

mod gob;
mod json;

use carotid::netrpc::WireError;
use carotid::netrpc::codec::ReplyReader;
use serde::Serialize;

/// The first number: from here on all have ten digits, and four bytes in gob.
pub(super) const FIRST: u32 = 1 << 30;

/// The last of them.
pub(super) const LAST: u32 = u32::MAX >> 1;

/// The method that says goodbye to a carotid.
const CLOSE: &str = "Heartbeat.Close";

/// Longer replies are not those of a heartbeat.
const MAX_REPLY: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    /// What rpc.Dial speaks
    Gob,
    /// What jsonrpc.Dial speaks
    Json,
}

/// One request, but for its number.
#[derive(Debug)]
pub(super) struct Request {
    bytes: Box<[u8]>,
    number_at: usize,
    protocol: Protocol,
}

/// The argument of a goodbye.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Goodbye<'a> {
    name: &'a str,
}

impl Protocol {
    /// What the first request of a connection has before it.
    pub(super) const fn preamble(self) -> &'static [u8] {
        match self {
            Self::Gob => gob::REQUEST_TYPE,
            Self::Json => b"",
        }
    }

    /// A call of `method` with a name.
    pub(super) fn request(self, method: &str, name: &str) -> Request {
        let encode = |number| match self {
            Self::Gob => gob::call(method, number, name),
            Self::Json => json::call(method, name, number).into_bytes(),
        };
        // These two differ in every digit and every byte.
        let (low, high) = (encode(FIRST), encode(LAST));
        let differs = low.iter().zip(&high).position(|(one, other)| one != other);
        Request {
            bytes: low.into(),
            number_at: differs.expect("the number is part of the request"),
            protocol: self,
        }
    }

    /// Goodbyes to these names, on a connection that has called something before.
    pub(super) fn goodbyes(self, calls: &[(u32, String)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (at, (number, name)) in calls.iter().enumerate() {
            match self {
                Self::Gob => gob::goodbye(&mut out, CLOSE, *number, name, at == 0),
                Self::Json => {
                    let call = json::call(CLOSE, &Goodbye { name }, *number);
                    out.extend_from_slice(call.as_bytes());
                }
            }
        }
        out
    }

    /// Reads the replies of one connection.
    pub(super) fn replies(self) -> Replies {
        match self {
            Self::Gob => Replies(ReplyReader::new(MAX_REPLY)),
            Self::Json => Replies(ReplyReader::json(MAX_REPLY)),
        }
    }
}

impl Request {
    /// Appends it with its number.
    pub(super) fn put(&self, out: &mut Vec<u8>, number: u32) {
        let at = out.len() + self.number_at;
        out.extend_from_slice(&self.bytes);
        match self.protocol {
            Protocol::Gob => out[at..at + 4].copy_from_slice(&number.to_be_bytes()),
            Protocol::Json => json::put_digits(&mut out[at..at + 10], number),
        }
    }
}

/// One reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) number: u64,
    pub(super) said: Said,
}

/// What a reply says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Pong,
    /// Any other answer; its text, if it is one.
    Other(String),
    /// The method's error.
    Error(String),
}

/// Why what came is no reply.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoReply {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("it does not hand out Go's RPC stream at this path")]
    Http,
}

/// The replies of one connection.
#[derive(Debug)]
pub(super) struct Replies(ReplyReader);

impl Replies {
    /// The next reply; `None` when `input` is used up before there is one.
    pub(super) fn poll(&mut self, input: &mut &[u8]) -> Result<Option<Reply>, NoReply> {
        let Some(mut reply) = self.0.poll(input)? else {
            return Ok(None);
        };
        let said = if reply.error.is_empty() {
            match reply.body.as_str() {
                Ok(text) if text == "Pong" => Said::Pong,
                Ok(text) => Said::Other(text.into_owned()),
                Err(_) => Said::Other("something that is no string".to_owned()),
            }
        } else {
            Said::Error(reply.error.into_owned())
        };
        Ok(Some(Reply {
            number: reply.seq,
            said,
        }))
    }
}

#[cfg(test)]
mod tests;
