//! The task that reads and writes a client's connection.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::client::Lost;
use crate::client::calls::{Calls, Work};
use crate::client::outbox::Outbox;
use crate::client::scratch;
use crate::codec::ReplyReader;

/// Drives a connection to its end. However this ends, no call is left waiting.
pub(super) async fn drive(io: impl AsyncRead + AsyncWrite, reader: ReplyReader, calls: Arc<Calls>) {
    let ending = Ending(&calls);
    let mut io = pin!(io);
    let mut timer = pin!(None);
    let mut driver = Driver {
        reader,
        outbox: Outbox::default(),
        calls: &calls,
    };
    let why = poll_fn(
        |cx| match scratch::with(|buffer| driver.poll(cx, &mut io, buffer)) {
            Poll::Ready(why) => Poll::Ready(why),
            Poll::Pending => driver.poll_timer(cx, timer.as_mut()),
        },
    )
    .await;
    calls.lose(why);
    drop(ending);
}

/// Tells the callers even if the task is dropped or panics.
struct Ending<'c>(&'c Calls);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.lose(Lost::RuntimeStopped);
    }
}

struct Driver<'c> {
    reader: ReplyReader,
    outbox: Outbox,
    calls: &'c Calls,
}

impl Driver<'_> {
    fn poll<S: AsyncRead + AsyncWrite>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Pin<&mut S>,
        buffer: &mut [u8],
    ) -> Poll<Lost> {
        // Reading goes on while writing is stuck: the peer may wait for us to read.
        if let Poll::Ready(why) = self.poll_send(cx, io) {
            return Poll::Ready(why);
        }
        loop {
            let mut read = ReadBuf::new(buffer);
            match io.as_mut().poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) if read.filled().is_empty() => {
                    return Poll::Ready(Lost::ClosedByPeer);
                }
                Poll::Ready(Ok(())) => {
                    let mut input = read.filled();
                    loop {
                        match self.reader.poll(&mut input) {
                            Ok(Some(reply)) => self.calls.complete(reply),
                            Ok(None) => break,
                            Err(error) => return Poll::Ready(Lost::Malformed(Arc::new(error))),
                        }
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(lost(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Writes calls until there are no more; ready when the connection is to end.
    fn poll_send<S: AsyncRead + AsyncWrite>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Pin<&mut S>,
    ) -> Poll<Lost> {
        loop {
            match self.outbox.poll_flush(cx, io) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(lost(error)),
                Poll::Pending => return Poll::Pending,
            }
            match self.calls.take_work(self.outbox.bytes(), cx.waker()) {
                Work::Close => {
                    let closed = io.as_mut().poll_shutdown(cx);
                    return closed.map(|_| Lost::ClosedHere);
                }
                Work::Send if self.outbox.is_empty() => return Poll::Pending,
                Work::Send => {}
            }
        }
    }

    fn poll_timer(&self, cx: &mut Context<'_>, mut timer: Pin<&mut Option<Sleep>>) -> Poll<Lost> {
        let Some(since) = self.outbox.stuck_since() else {
            timer.set(None);
            return Poll::Pending;
        };
        let deadline: Instant = since + self.calls.options.write_timeout;
        if timer.as_ref().as_pin_ref().map(|sleep| sleep.deadline()) != Some(deadline) {
            timer.set(Some(sleep_until(deadline)));
        }
        match timer.as_pin_mut() {
            Some(sleep) => sleep.poll(cx).map(|()| Lost::WriteTimeout),
            None => Poll::Pending,
        }
    }
}

fn lost(error: io::Error) -> Lost {
    Lost::Io(Arc::new(error))
}
