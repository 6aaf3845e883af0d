//! What a server answers, read piece by piece: enough of gob to tell which call a reply is for,
//! and whether it says Pong.
//!
//! Kept apart from carotid's own codec on purpose, as [`wire`](crate::bench::wire) is.

use anyhow::{Context, bail};

/// Longer than any message of a heartbeat server.
const LONGEST_MESSAGE: u64 = 1024;

/// The message type of a bare string.
const STRING: &[u8] = b"\x0c\x00";

/// Reads the replies of one connection.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    /// The beginning of a message whose end is not there yet.
    partial: Vec<u8>,
    /// The header whose body is still to come.
    header: Option<Header>,
}

#[derive(Debug)]
struct Header {
    sequence: u64,
    error: String,
}

/// One reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The number of the call.
    pub(crate) sequence: u64,
    /// What the method failed with; empty if it did not.
    pub(crate) error: String,
    /// Whether the body is the string `Pong`.
    pub(crate) pong: bool,
}

impl Replies {
    /// Takes what was read, and hands out each reply that is whole.
    pub(crate) fn take(
        &mut self,
        input: &[u8],
        mut each: impl FnMut(Reply) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.partial.is_empty() {
            let rest = self.read(input, &mut each)?;
            self.partial.extend_from_slice(rest);
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(input);
            let rest = self.read(&joined, &mut each)?;
            self.partial.extend_from_slice(rest);
        }
        Ok(())
    }

    /// Returns what is not a whole message.
    fn read<'i>(
        &mut self,
        mut input: &'i [u8],
        each: &mut impl FnMut(Reply) -> anyhow::Result<()>,
    ) -> anyhow::Result<&'i [u8]> {
        loop {
            let mut rest = input;
            let Some(length) = unsigned(&mut rest) else {
                return Ok(input);
            };
            if length > LONGEST_MESSAGE {
                bail!("a reply announces a message of {length} bytes");
            }
            let Some((message, rest)) = rest.split_at_checked(usize::try_from(length)?) else {
                return Ok(input);
            };
            if let Some(reply) = self.message(message)? {
                each(reply)?;
            }
            input = rest;
        }
    }

    fn message(&mut self, message: &[u8]) -> anyhow::Result<Option<Reply>> {
        let mut fields = message;
        let kind = unsigned(&mut fields).context("a message without a type")?;
        // Gob's signed integers keep the sign in the lowest bit; a negative type is being defined.
        if kind & 1 == 1 {
            return Ok(None);
        }
        Ok(match self.header.take() {
            None => {
                self.header = Some(Header::read(fields).context("a header that cannot be read")?);
                None
            }
            Some(Header { sequence, error }) => Some(Reply {
                sequence,
                error,
                pong: message.strip_prefix(STRING) == Some(b"\x04Pong"),
            }),
        })
    }
}

impl Header {
    /// Reads `rpc.Response`: the method, the number, the error; zero values are left out.
    fn read(mut fields: &[u8]) -> Option<Self> {
        let mut header = Self {
            sequence: 0,
            error: String::new(),
        };
        let mut field = 0;
        loop {
            let step = unsigned(&mut fields)?;
            if step == 0 {
                return Some(header);
            }
            field += step;
            match field {
                1 => drop(text(&mut fields)?),
                2 => header.sequence = unsigned(&mut fields)?,
                3 => header.error = text(&mut fields)?,
                _ => return None,
            }
        }
    }
}

fn text(input: &mut &[u8]) -> Option<String> {
    let length = usize::try_from(unsigned(input)?).ok()?;
    let (text, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// Gob's unsigned integer: one byte below 128, or a negated count and that many bytes.
fn unsigned(input: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = input.split_first()?;
    if first < 128 {
        *input = rest;
        return Some(u64::from(first));
    }
    let (number, rest) = rest.split_at_checked(usize::from(first.wrapping_neg()))?;
    *input = rest;
    let shift = |number: u64, byte: &u8| (number << 8) | u64::from(*byte);
    Some(number.iter().fold(0, shift))
}

#[cfg(test)]
mod tests {
    use super::{Replies, Reply};

    const DEFINITION: &[u8] = b"\x3a\xff\x83\x03\x01\x01\x08Response\x01\xff\x84\x00\x01\x03\x01\
        \x0dServiceMethod\x01\x0c\x00\x01\x03Seq\x01\x06\x00\x01\x05Error\x01\x0c\x00\x00\x00";
    const PONG: &[u8] =
        b"\x18\xff\x84\x01\x0eHeartbeat.Ping\x01\xfd\x01\x00\x02\x00\x07\x0c\x00\x04Pong";
    const FAILED: &[u8] =
        b"\x19\xff\x84\x01\x0eHeartbeat.Ping\x01\x07\x01\x02no\x00\x03\x0c\x00\x00";

    fn replies(chunk: usize) -> Vec<Reply> {
        let mut replies = Replies::default();
        let mut seen = Vec::new();
        for input in [DEFINITION, PONG, FAILED].concat().chunks(chunk) {
            let kept = replies.take(input, |reply| {
                seen.push(reply);
                Ok(())
            });
            kept.unwrap();
        }
        seen
    }

    #[test]
    fn replies_are_told_apart_in_pieces_of_any_size() {
        let whole = replies(1000);
        assert_eq!(whole.len(), 2);
        assert!(whole[0].pong && whole[0].sequence == 0x01_0002 && whole[0].error.is_empty());
        assert!(!whole[1].pong && whole[1].sequence == 7 && whole[1].error == "no");
        for chunk in 1..20 {
            assert_eq!(replies(chunk), whole, "in pieces of {chunk}");
        }
    }

    #[test]
    fn a_length_beyond_reason_is_refused() {
        let refused = Replies::default().take(b"\xfd\xff\xff\xff", |_| Ok(()));
        assert!(refused.is_err());
    }
}
