//! The head with which a client asks an HTTP server for the RPC stream.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::http::{self, Head};

/// Asks as Go's `rpc.DialHTTPPath` does, and returns when the stream begins.
pub(super) async fn connect(
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    path: &str,
) -> io::Result<()> {
    let request = format!("CONNECT {path} HTTP/1.0\n\n");
    io.write_all(request.as_bytes()).await?;
    io.flush().await?;
    let mut head = Head::default();
    let head = loop {
        // The server says nothing after its head until it is asked, but a byte at a time makes
        // sure that nothing of the gob stream is swallowed.
        let byte = [io.read_u8().await?];
        let head = head.poll(&mut &byte[..]);
        if let Some(head) = head.map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))? {
            break head;
        }
    };
    if http::is_connected(&head) {
        return Ok(());
    }
    let line = http::first_line(&head).escape_ascii();
    Err(io::Error::other(format!(
        "unexpected HTTP response: {line}"
    )))
}
