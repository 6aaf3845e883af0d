//! The exchange of HTTP with which Go's `rpc.DialHTTP` begins.

use super::wire::NoReply;

/// No server that answers `CONNECT` says more.
const MAX_HEAD: usize = 8 * 1024;

/// The status with which Go's server hands the connection over.
const CONNECTED: &[u8] = b" 200 Connected to Go RPC";

/// What a client asks for.
pub(super) fn request(path: &str) -> Vec<u8> {
    format!("CONNECT {path} HTTP/1.0\n\n").into_bytes()
}

/// The exchange on one connection.
#[derive(Debug, Default)]
pub(super) struct Opening {
    has_asked: bool,
    head: Vec<u8>,
}

impl Opening {
    /// Whether it is time to ask, which is so once: what comes before the answer is lost in Go.
    pub(super) const fn must_ask(&mut self) -> bool {
        !std::mem::replace(&mut self.has_asked, true)
    }

    /// Takes the answer's head from the input; whether that is all of it.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Result<bool, NoReply> {
        while let Some((byte, rest)) = input.split_first() {
            *input = rest;
            self.head.push(*byte);
            if self.head.ends_with(b"\n\n") || self.head.ends_with(b"\n\r\n") {
                let line = self.head.split(|byte| *byte == b'\n').next();
                let line = line.unwrap_or_default().trim_ascii_end();
                let is_connected = line.starts_with(b"HTTP/1.") && line.ends_with(CONNECTED);
                return if is_connected {
                    Ok(true)
                } else {
                    Err(NoReply::Http)
                };
            }
        }
        if self.head.len() > MAX_HEAD {
            return Err(NoReply::Http);
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_begins_after_the_head() {
        let mut opening = Opening::default();
        assert!(opening.must_ask() && !opening.must_ask());
        let (mut first, mut second) = (
            &b"HTTP/1.0 200 Connected to Go RPC\n"[..],
            &b"\n\x3a\xff"[..],
        );
        assert!(matches!(opening.take(&mut first), Ok(false)));
        assert!(matches!(opening.take(&mut second), Ok(true)));
        assert_eq!(second, b"\x3a\xff");
    }

    #[test]
    fn any_other_answer_is_refused() {
        for head in ["HTTP/1.1 404 Not Found\r\n\r\n", &"x".repeat(9000)] {
            let mut opening = Opening::default();
            let refused = opening.take(&mut head.as_bytes());
            assert!(matches!(refused, Err(NoReply::Http)), "{head}");
        }
    }
}
