//! Whether a policy may be forgotten.

/// A policy that is kept for one of many keys, and may have to make room for another key's.
///
/// What is forgotten starts anew when its key comes back. So only what is both idle and healthy may
/// go: a breaker that is open, or a limit in use, is what the table of policies is there for.
pub trait Evictable {
    /// Whether nothing is under way or waits, and nothing is remembered that a fresh instance would
    /// have to learn again at somebody's cost.
    fn is_idle(&self) -> bool;

    /// Whether it admits calls as a fresh instance would: not open, not forced, not limited further
    /// than it was told.
    fn is_healthy(&self) -> bool;
}
