//! The order of policies.

use ninefold_core::policy::PolicyKind;

/// The place of a policy, from the outside in. Policies of one place exclude each other's order: a
/// cache and a coalescer, say, stand beside each other as one likes.
pub(super) const fn place(kind: PolicyKind) -> u8 {
    match kind {
        PolicyKind::Fallback => 0,
        PolicyKind::Deadline => 1,
        PolicyKind::Cache | PolicyKind::Coalesce => 2,
        // What a server does about overload stands between its deadline and its limits.
        PolicyKind::LoadShedder | PolicyKind::Prioritizer | PolicyKind::MetastabilityGuard => 3,
        PolicyKind::Retry | PolicyKind::RetryBudget | PolicyKind::Hedge => 4,
        PolicyKind::AdaptiveThrottler => 5,
        PolicyKind::CircuitBreaker => 6,
        PolicyKind::RateLimiter => 7,
        PolicyKind::AdaptiveLimiter | PolicyKind::Bulkhead | PolicyKind::ThreadPoolBulkhead => 8,
        PolicyKind::Dimmer => 9,
        PolicyKind::TimeLimiter => 10,
        PolicyKind::Chaos => 11,
        // Stands where the policies stand that it keeps, under their name.
        PolicyKind::Keyed => 12,
    }
}

/// How far in a policy may stand. The guard has two places: outside of everything that a server does
/// about overload, and within a client's retry, where it sees each attempt.
pub(super) const fn innermost_place(kind: PolicyKind) -> u8 {
    match kind {
        PolicyKind::MetastabilityGuard => place(PolicyKind::AdaptiveThrottler),
        kind => place(kind),
    }
}
