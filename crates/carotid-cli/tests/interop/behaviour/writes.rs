//! How often a client writes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use carotid::netrpc::Client;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::ground::Theirs;
use super::service::Args;

/// A stream that counts what is written to it.
struct Counted {
    stream: TcpStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if written.is_ready() {
            self.writes.fetch_add(1, Ordering::SeqCst);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn header_and_argument_leave_in_one_write() {
    let theirs = Theirs::start();
    let writes = Arc::new(AtomicUsize::new(0));
    let client = Client::new(Counted {
        stream: TcpStream::connect(theirs.tcp).await.unwrap(),
        writes: Arc::clone(&writes),
    });
    for calls in 1..=10 {
        let product = client.call::<i64>("Arith.Multiply", &Args { a: 7, b: 8 });
        assert_eq!(product.await.unwrap(), 56);
        assert_eq!(writes.load(Ordering::SeqCst), calls);
    }
}
