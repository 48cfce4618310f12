//! What polls the calls: as little as possible, on a thread that has tokio's timers at hand.

use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::runtime::{EnterGuard, Runtime};

/// Drives timers for whoever wants them; no call runs on it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .expect("a runtime with one thread")
});

/// Makes the runtime the one of this thread.
pub(crate) fn enter() -> EnterGuard<'static> {
    RUNTIME.enter()
}

/// Wakes this thread. To be made once for many calls.
pub(crate) fn waker() -> Waker {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    Waker::from(Arc::new(Unpark(thread::current())))
}

/// When a sleeping call is looked at again, woken or not: one peer ignores that a timer of its own
/// has rung already, waits for it for ever, and the run with it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Polls until it is ready; mostly once. The thread sleeps while it waits for a lock or a place.
#[inline]
pub(crate) fn drive<F: Future>(call: F, context: &mut Context<'_>) -> F::Output {
    let mut call = pin!(call);
    loop {
        match call.as_mut().poll(context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park_timeout(LOOK_AGAIN),
        }
    }
}

/// Drives one future on its own, outside of what is measured.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let _guard = enter();
    drive(future, &mut Context::from_waker(&waker()))
}
