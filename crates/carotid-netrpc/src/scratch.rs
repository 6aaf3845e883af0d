//! One read buffer and one write buffer per thread.
//!
//! A connection needs both only while it is being polled, so they belong to the thread and an
//! idle connection holds neither.

use std::cell::Cell;

/// As much as one read takes.
const READ: usize = 64 * 1024;
/// A write buffer that grew beyond this is not kept.
const MAX_KEPT: usize = 256 * 1024;

thread_local! {
    static SCRATCH: Cell<Option<Scratch>> = const { Cell::new(None) };
}

/// The buffers, while someone uses them.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) read: Box<[u8]>,
    pub(crate) write: Vec<u8>,
}

impl Scratch {
    /// Takes this thread's buffers. Whoever asks while they are taken gets new ones.
    pub(crate) fn take() -> Self {
        SCRATCH.take().unwrap_or_else(|| Self {
            read: vec![0; READ].into_boxed_slice(),
            write: Vec::new(),
        })
    }

    /// Gives them back.
    pub(crate) fn put_back(mut self) {
        self.write.clear();
        self.write.shrink_to(MAX_KEPT);
        SCRATCH.set(Some(self));
    }
}
