//! The HTTP head with which Go's `rpc.DialHTTP` begins, on both sides.
//!
//! Go writes `CONNECT /_goRPC_ HTTP/1.0` and an empty line, with bare line feeds; lines that
//! end as the standard says, and header fields, are accepted too.

use crate::error::WireError;

/// Go's `rpc.DefaultRPCPath`.
pub const RPC_PATH: &str = "/_goRPC_";

/// What Go's server answers before the gob stream begins.
pub(crate) const CONNECTED: &[u8] = b"HTTP/1.0 200 Connected to Go RPC\n\n";

const MAX_HEAD: usize = 8 * 1024;

/// Collects a head, up to its empty line.
#[derive(Debug, Default)]
pub(crate) struct Head {
    bytes: Vec<u8>,
}

impl Head {
    /// The whole head; `None` when `input` is used up before its end.
    pub(crate) fn poll(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, WireError> {
        while let Some(at) = input.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = input.split_at(at + 1);
            *input = rest;
            self.push(line)?;
            // A refusal must not wait for the rest of a head that never comes.
            if self.bytes.starts_with(b"PRI * HTTP/2.0\r\n") {
                return Err(WireError::Http2);
            }
            if self.bytes.ends_with(b"\n\n") || self.bytes.ends_with(b"\n\r\n") {
                return Ok(Some(std::mem::take(&mut self.bytes)));
            }
        }
        self.push(input)?;
        *input = &[];
        Ok(None)
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        if self.bytes.len() + bytes.len() > MAX_HEAD {
            return Err(WireError::BadHttp);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

/// Whether the head of a request asks for the RPC stream.
pub(crate) fn check_request(head: &[u8]) -> Result<(), WireError> {
    let mut words = first_line(head).split(|byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    if !version.is_some_and(|version| version.starts_with(b"HTTP/1.")) || words.next().is_some() {
        return Err(WireError::BadHttp);
    }
    if method != Some(b"CONNECT") {
        return Err(WireError::NotConnect);
    }
    if target != Some(RPC_PATH.as_bytes()) {
        return Err(WireError::WrongPath);
    }
    Ok(())
}

/// Whether the head of a response is that of a Go RPC server: the client's side.
pub(crate) fn is_connected(head: &[u8]) -> bool {
    let line = first_line(head);
    line.strip_prefix(b"HTTP/1.0 ")
        .or_else(|| line.strip_prefix(b"HTTP/1.1 "))
        == Some(b"200 Connected to Go RPC")
}

/// The first line without its end.
pub(crate) fn first_line(head: &[u8]) -> &[u8] {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

const NOT_CONNECT: &[u8] = b"HTTP/1.0 405 Method Not Allowed\r\n\
    Allow: CONNECT\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Connection: close\r\n\
    \r\n\
    405 must CONNECT\n\
    This is the RPC port: it speaks Go's net/rpc (gob, JSON, or CONNECT /_goRPC_), not HTTP.\n";

const WRONG_PATH: &[u8] = b"HTTP/1.0 404 Not Found\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Connection: close\r\n\
    \r\n\
    404 page not found\n\
    The RPC path on this port is /_goRPC_.\n";

const BAD_REQUEST: &[u8] = b"HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\n";

/// What to tell a peer whose HTTP is refused; nothing for all other errors.
pub(crate) fn refusal(error: &WireError) -> &'static [u8] {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only errors of HTTP have an answer in HTTP"
    )]
    match error {
        WireError::NotConnect => NOT_CONNECT,
        WireError::WrongPath => WRONG_PATH,
        WireError::BadHttp => BAD_REQUEST,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Result<(), WireError> {
        let mut head = Head::default();
        let mut whole = None;
        for byte in text.as_bytes().chunks(1) {
            assert!(whole.is_none());
            whole = head.poll(&mut &*byte)?;
        }
        check_request(&whole.expect("the text has an empty line"))
    }

    #[test]
    fn go_and_the_standard_are_both_understood() {
        request("CONNECT /_goRPC_ HTTP/1.0\n\n").unwrap();
        request("CONNECT /_goRPC_ HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        use WireError::{BadHttp, Http2, NotConnect, WrongPath};
        assert!(matches!(
            request("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            Err(NotConnect)
        ));
        assert!(matches!(
            request("CONNECT /rpc HTTP/1.0\n\n"),
            Err(WrongPath)
        ));
        assert!(matches!(request("CONNECT\n\n"), Err(BadHttp)));
        assert!(matches!(
            request("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            Err(Http2)
        ));
        let long = format!("GET /{} HTTP/1.0\n\n", "x".repeat(9000));
        assert!(matches!(request(&long), Err(BadHttp)));
    }
}
