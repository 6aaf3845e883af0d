//! Waiting for a future on a thread that has nothing else to do.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::task::unconstrained;

/// Wakes a thread that is parked.
struct Parked {
    thread: Thread,
    /// A park may be ended, and a token taken, by others.
    woken: AtomicBool,
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// What `future` comes to; this thread waits, whatever runs on it otherwise. Another one must drive
/// what is waited for.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    // Within a task of tokio's, its budget would end and be renewed only when this thread is given
    // back.
    let mut future = pin!(unconstrained(future));
    let parked = Arc::new(Parked {
        thread: thread::current(),
        woken: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&parked));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
        while !parked.woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;
    use tokio::task::consume_budget;

    #[test]
    fn a_thread_waits_for_another() {
        let (tell, told) = oneshot::channel();
        let other = thread::spawn(move || tell.send(7).unwrap());
        assert_eq!(block_on(told), Ok(7));
        other.join().unwrap();
    }

    #[tokio::test]
    async fn the_budget_of_a_task_does_not_end_the_wait() {
        block_on(async {
            for _ in 0..10_000 {
                consume_budget().await;
            }
        });
    }
}
