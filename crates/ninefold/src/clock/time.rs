//! Clocks that wake.

use ninefold_core::policy::Now;
use ninefold_core::time::Timestamp;

/// A clock that can also wake a task.
pub trait Time: Now + Clone + Send + Sync {
    /// What [`Time::sleep_until`] returns.
    type Sleep: Future<Output = ()> + Send;

    /// A future that is ready once it is `deadline`; at once if that has passed.
    fn sleep_until(&self, deadline: Timestamp) -> Self::Sleep;
}
