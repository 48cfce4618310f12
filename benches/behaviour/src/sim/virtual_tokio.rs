//! tokio's paused clock, for peers that ask it for the time.

use ninefold_core::time::Timestamp;
use tokio::runtime::{Builder, EnterGuard, Runtime};
use tokio::task::yield_now;

/// A runtime whose clock stands still unless it is told to move.
#[derive(Debug)]
pub(crate) struct VirtualTokio {
    runtime: Runtime,
    now: Timestamp,
}

impl Default for VirtualTokio {
    fn default() -> Self {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime of this thread needs nothing of the machine");
        Self {
            runtime,
            now: Timestamp::ZERO,
        }
    }
}

impl VirtualTokio {
    /// Makes the runtime the one of this thread, for peers that look for one.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Runs something that does not wait at a time, and whatever it spawned.
    pub(crate) fn at<F: Future>(&mut self, now: Timestamp, work: F) -> F::Output {
        let passed = now.since(self.now);
        self.now = self.now.max(now);
        self.runtime.block_on(async {
            if !passed.is_zero() {
                tokio::time::advance(passed).await;
            }
            let output = work.await;
            yield_now().await;
            output
        })
    }
}
