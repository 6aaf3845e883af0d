//! The bytes of a Go client: `encoding/gob` as `net/rpc` writes it, for one call.
//!
//! Kept apart from carotid's own codec on purpose, so that a fault there cannot
//! hide in the measurement.

use std::io::{self, Read};

use anyhow::{Context, bail};

/// The definition of `rpc.Request`, sent once per connection.
const REQUEST_TYPE: &[u8] = b"\x2f\xff\x81\x03\x01\x01\x07Request\x01\xff\x82\x00\x01\x02\
    \x01\x0dServiceMethod\x01\x0c\x00\x01\x03Seq\x01\x06\x00\x00\x00";

/// The definition of `NameArgs`, what `Heartbeat.Close` takes, sent once per connection.
const NAME_ARGS_TYPE: &[u8] =
    b"\x1f\xff\x83\x03\x01\x01\x08NameArgs\x01\xff\x84\x00\x01\x01\x01\x04Name\x01\x0c\x00\x00\x00";

/// The definition of `OpenArgs` as far as it is used here, what `Heartbeat.Open` takes.
const OPEN_ARGS_TYPE: &[u8] =
    b"\x3c\xff\x83\x03\x01\x01\x08OpenArgs\x01\xff\x84\x00\x01\x03\x01\x04Name\x01\x0c\x00\x01\
    \x0aIntervalMs\x01\x04\x00\x01\x09TimeoutMs\x01\x04\x00\x00\x00";

/// An interval of a second and a timeout of two, as the rest of an `OpenArgs`.
const SHORT_TERMS: &[u8] = b"\x01\xfe\x07\xd0\x01\xfe\x0f\xa0\x00";

/// The message type of a bare string; the body of a pong is one.
const STRING: u8 = 0x0c;

/// The first of the sequence numbers that take three bytes, so that every
/// request, and every reply, has the same length.
pub(crate) const FIRST_SEQUENCE: u32 = 0x01_0000;

/// Requests for one connection.
#[derive(Clone, Debug)]
pub(crate) struct Pings {
    request: Vec<u8>,
    sequence_at: usize,
    sequence: u32,
}

impl Pings {
    /// Pings in the name of a session.
    pub(crate) fn new(name: &str) -> Self {
        let (request, sequence_at) = ping(name, FIRST_SEQUENCE);
        Self {
            request,
            sequence_at,
            sequence: FIRST_SEQUENCE,
        }
    }

    /// Bytes of a request after the first.
    pub(crate) fn request_len(&self) -> usize {
        self.request.len()
    }

    /// The first request of a connection: type definition, header, name.
    pub(crate) fn first(&self) -> Vec<u8> {
        [REQUEST_TYPE, &self.request].concat()
    }

    /// The number of the last request that was handed out.
    pub(crate) fn sequence(&self) -> u64 {
        u64::from(self.sequence)
    }

    /// Writes the next requests over `batch`.
    pub(crate) fn next(&mut self, requests: usize, batch: &mut Vec<u8>) {
        batch.clear();
        for _ in 0..requests {
            self.sequence = (self.sequence + 1).max(FIRST_SEQUENCE) & 0x00ff_ffff;
            let [_, sequence @ ..] = self.sequence.max(FIRST_SEQUENCE).to_be_bytes();
            self.request[self.sequence_at..][..sequence.len()].copy_from_slice(&sequence);
            batch.extend_from_slice(&self.request);
        }
    }
}

/// Header and body of a ping, and where the three bytes of its number lie.
fn ping(name: &str, sequence: u32) -> (Vec<u8>, usize) {
    let (mut request, sequence_at) = header("Heartbeat.Ping", sequence);
    let mut body = vec![STRING, 0, length_of(name.as_bytes())];
    body.extend_from_slice(name.as_bytes());
    request.push(length_of(&body));
    request.extend_from_slice(&body);
    (request, sequence_at)
}

/// A goodbye, `Heartbeat.Close(NameArgs{name})`, on a connection that has pinged.
pub(crate) fn goodbye(name: &str, sequence: u32) -> Vec<u8> {
    let (mut request, _) = header("Heartbeat.Close", sequence);
    request.extend_from_slice(NAME_ARGS_TYPE);
    append_struct(&mut request, name, b"\x00");
    request
}

/// `Heartbeat.Open` for a session that is dead after two seconds of silence. The first call on a
/// connection introduces the types.
pub(crate) fn open_briefly(name: &str, is_first: bool) -> Vec<u8> {
    let (header, _) = header("Heartbeat.Open", FIRST_SEQUENCE);
    let mut request = if is_first {
        [REQUEST_TYPE, &header, OPEN_ARGS_TYPE].concat()
    } else {
        header
    };
    append_struct(&mut request, name, SHORT_TERMS);
    request
}

/// A struct of the type that a connection defined, whose first field is a name.
fn append_struct(request: &mut Vec<u8>, name: &str, rest: &[u8]) {
    let mut body = b"\xff\x84\x01".to_vec();
    body.push(length_of(name.as_bytes()));
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(rest);
    request.push(length_of(&body));
    request.extend_from_slice(&body);
}

/// A request's header as a message, and where the three bytes of its number lie.
fn header(method: &str, sequence: u32) -> (Vec<u8>, usize) {
    let mut header = b"\xff\x82\x01".to_vec();
    header.push(length_of(method.as_bytes()));
    header.extend_from_slice(method.as_bytes());
    header.extend_from_slice(b"\x01\xfd");
    let sequence_in_header = header.len();
    let [_, number @ ..] = sequence.to_be_bytes();
    header.extend_from_slice(&number);
    header.push(0);
    let mut message = vec![length_of(&header)];
    let sequence_at = message.len() + sequence_in_header;
    message.extend_from_slice(&header);
    (message, sequence_at)
}

fn length_of(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).expect("a bench's message is short")
}

/// Reads one reply and returns how many bytes it took.
///
/// Fails unless its body is the string `Pong`.
pub(crate) fn read_pong(stream: &mut impl Read) -> anyhow::Result<usize> {
    let mut taken = 0;
    loop {
        let (prefix, length) = read_length(stream).context("no reply")?;
        if length > 1024 {
            bail!("the reply announces a message of {length} bytes");
        }
        let mut message = vec![0; length];
        stream
            .read_exact(&mut message)
            .context("the reply ends early")?;
        taken += prefix + length;
        if message.first() == Some(&STRING) {
            if message.ends_with(b"\x04Pong") {
                return Ok(taken);
            }
            bail!("the reply is not Pong but {}", message.escape_ascii());
        }
    }
}

/// Gob's unsigned integer: one byte below 128, or a negated count and that many bytes.
fn read_length(stream: &mut impl Read) -> io::Result<(usize, usize)> {
    let mut first = [0];
    stream.read_exact(&mut first)?;
    if first[0] < 128 {
        return Ok((1, usize::from(first[0])));
    }
    let count = usize::from(first[0].wrapping_neg());
    let mut bytes = [0; size_of::<usize>()];
    let start = bytes
        .len()
        .checked_sub(count)
        .ok_or(io::ErrorKind::InvalidData)?;
    stream.read_exact(&mut bytes[start..])?;
    Ok((1 + count, usize::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::{NAME_ARGS_TYPE, OPEN_ARGS_TYPE, Pings, REQUEST_TYPE, ping, read_pong};

    /// What `encoding/gob` of Go 1.19 writes for `Request{"Heartbeat.Ping", 65536}`
    /// and the body "client-42".
    const RECORDED: &[u8] = b"\x18\xff\x82\x01\x0eHeartbeat.Ping\x01\xfd\x01\x00\x00\x00\
        \x0c\x0c\x00\x09client-42";

    #[test]
    fn a_request_is_what_go_writes() {
        let (request, _) = ping("client-42", 0x01_0000);
        assert_eq!(
            request.escape_ascii().to_string(),
            RECORDED.escape_ascii().to_string()
        );
    }

    #[test]
    fn requests_keep_their_length_and_count_up() {
        let mut pings = Pings::new("client-42");
        let mut batch = Vec::new();
        pings.next(3, &mut batch);
        let requests: Vec<_> = batch.chunks(pings.request_len()).collect();
        assert_eq!(requests.len(), 3);
        assert_eq!(requests[0], ping("client-42", 0x01_0001).0);
        assert_eq!(requests[2], ping("client-42", 0x01_0003).0);
    }

    #[test]
    fn types_are_as_long_as_they_say() {
        for definition in [NAME_ARGS_TYPE, OPEN_ARGS_TYPE, REQUEST_TYPE] {
            let (&length, rest) = definition.split_first().unwrap();
            assert_eq!(usize::from(length), rest.len());
        }
    }

    #[test]
    fn a_reply_is_measured_with_its_type_definition() {
        let reply =
            b"\x3a\xff\x83\x03\x01\x01\x08Response\x01\xff\x84\x00\x01\x03\x01\x0dServiceMethod\
            \x01\x0c\x00\x01\x03Seq\x01\x06\x00\x01\x05Error\x01\x0c\x00\x00\x00\
            \x13\xff\x84\x01\x0eHeartbeat.Ping\x00\x07\x0c\x00\x04Pong";
        assert_eq!(read_pong(&mut &reply[..]).unwrap(), reply.len());
    }

    #[test]
    fn any_other_reply_is_refused() {
        assert!(read_pong(&mut &b"\x07\x0c\x00\x04Ping"[..]).is_err());
        assert!(read_pong(&mut &b"\xf8\xff\xff\xff\xff\xff\xff\xff\xff"[..]).is_err());
        assert!(read_pong(&mut &b""[..]).is_err());
    }
}
