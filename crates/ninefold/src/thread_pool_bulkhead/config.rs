//! The knobs of a pool.

use ninefold_core::policy::{InvalidPolicy, PolicyKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most threads one pool may have.
const THREADS_MAX: u32 = 1_024;
/// The most calls that may wait for one pool.
const QUEUE_MAX: u32 = 1_000_000;

/// The knobs of a [`ThreadPoolBulkhead`](super::ThreadPoolBulkhead).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ThreadPoolBulkheadConfig {
    /// How many threads work at most; 10 by default (Hystrix), 1 to 1,024. Take the rate of calls
    /// times their 99th percentile when all is well, and a few more.
    pub threads: u32,
    /// How many calls may wait beside those that are worked on; 100 by default (Resilience4j), 0 to
    /// 1,000,000. A long queue only makes the answers late: `queue / threads` times the usual
    /// duration is what the last one waits.
    pub queue: u32,
    /// What the threads are called, with a number behind it; `ninefold` by default. Linux shows 15
    /// bytes of it.
    pub thread_name: String,
}

impl Default for ThreadPoolBulkheadConfig {
    fn default() -> Self {
        Self {
            threads: 10,
            queue: 100,
            thread_name: "ninefold".to_owned(),
        }
    }
}

impl ThreadPoolBulkheadConfig {
    /// Whether a pool can follow it.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] for no threads or very many, a very long queue, or a name that threads
    /// cannot have.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let invalid = |field, value: &dyn ToString, remedy| {
            Err(InvalidPolicy {
                policy: PolicyKind::ThreadPoolBulkhead,
                field,
                value: value.to_string(),
                remedy,
            })
        };
        if !(1..=THREADS_MAX).contains(&self.threads) {
            return invalid("threads", &self.threads, "use 1 to 1,024 threads");
        }
        if self.queue > QUEUE_MAX {
            return invalid("queue", &self.queue, "let at most 1,000,000 calls wait");
        }
        if self.thread_name.is_empty() || self.thread_name.contains('\0') {
            return invalid(
                "thread_name",
                &self.thread_name.escape_debug(),
                "give a name without zero bytes",
            );
        }
        Ok(())
    }

    /// How many calls may be there in all.
    pub(super) const fn places(&self) -> usize {
        self.threads as usize + self.queue as usize
    }
}
