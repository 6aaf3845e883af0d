//! One read buffer per thread.
//!
//! A connection needs it only while it is being polled, so it belongs to the thread and an idle
//! connection holds none.

use std::cell::Cell;

/// As much as one read takes.
const READ: usize = 64 * 1024;

thread_local! {
    static SCRATCH: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Lends this thread's buffer. Whoever asks while it is lent gets a new one.
pub(super) fn with<T>(read: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut buffer = SCRATCH
        .take()
        .unwrap_or_else(|| vec![0; READ].into_boxed_slice());
    let done = read(&mut buffer);
    SCRATCH.set(Some(buffer));
    done
}
