//! What a peer has not taken yet, and for how long it has taken nothing.

use std::io;
use std::time::Instant;

/// Bytes that wait for the peer to take them. Only a connection whose peer is slow has one.
#[derive(Debug)]
pub(super) struct Unsent {
    bytes: Vec<u8>,
    sent: usize,
    /// Since when it has taken nothing.
    stuck_since: Instant,
}

impl Unsent {
    pub(super) fn stuck_since(&self) -> Instant {
        self.stuck_since
    }
}

/// Writes what waits, and then `out`, which is empty afterwards: what the peer does not take waits.
pub(super) fn flush(
    unsent: &mut Option<Box<Unsent>>,
    now: Instant,
    out: &mut Vec<u8>,
    mut write: impl FnMut(&[u8]) -> io::Result<usize>,
) -> io::Result<()> {
    if let Some(waiting) = unsent {
        let taken = take(&waiting.bytes[waiting.sent..], &mut write)?;
        if taken > 0 {
            waiting.sent += taken;
            waiting.stuck_since = now;
        }
        if waiting.sent < waiting.bytes.len() {
            waiting.bytes.append(out);
            return Ok(());
        }
        *unsent = None;
    }
    let taken = take(out, &mut write)?;
    if taken < out.len() {
        *unsent = Some(Box::new(Unsent {
            bytes: out[taken..].to_vec(),
            sent: 0,
            stuck_since: now,
        }));
    }
    out.clear();
    Ok(())
}

/// How many of these bytes the peer takes now.
fn take(bytes: &[u8], write: &mut impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<usize> {
    let mut taken = 0;
    while taken < bytes.len() {
        match write(&bytes[taken..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => taken += written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}
