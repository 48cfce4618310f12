//! Why a call did not go on.

use std::fmt;
use std::time::Duration;

/// A call that a policy did not let pass. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{policy}: {reason}")]
pub struct Rejected {
    /// Who refused.
    pub policy: PolicyKind,
    /// Why.
    pub reason: Reason,
    /// When it is worth trying again, where that is known.
    pub retry_after: Option<Duration>,
    /// Whether trying again, perhaps elsewhere, makes sense at all.
    pub retryable: bool,
}

impl Rejected {
    /// A refusal that may be tried again, at no known time.
    #[must_use]
    pub const fn new(policy: PolicyKind, reason: Reason) -> Self {
        Self {
            policy,
            reason,
            retry_after: None,
            retryable: true,
        }
    }

    /// The same, worth trying again after a while.
    #[must_use]
    pub const fn after(self, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }

    /// The same, not worth trying again.
    #[must_use]
    pub const fn for_good(self) -> Self {
        Self {
            retryable: false,
            ..self
        }
    }
}

macro_rules! named {
    ($(#[$about:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident = $text:literal, $words:literal;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type { $($(#[$doc])* $variant,)+ }

        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name, as in metrics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        /// In words, for people.
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $words,)+ })
            }
        }
    };
}

named! {
    /// The policies.
    PolicyKind {
        /// Stops calling who fails.
        CircuitBreaker = "circuit_breaker", "circuit breaker";
        /// Bounds what is under way at once.
        Bulkhead = "bulkhead", "bulkhead";
        /// The same, with threads of its own.
        ThreadPoolBulkhead = "thread_pool_bulkhead", "thread pool bulkhead";
        /// Bounds calls per time.
        RateLimiter = "rate_limiter", "rate limiter";
        /// Finds the bound on what is under way by itself.
        AdaptiveLimiter = "adaptive_limiter", "adaptive limiter";
        /// Refuses at the client what the server would refuse.
        AdaptiveThrottler = "adaptive_throttler", "adaptive throttler";
        /// Tries again.
        Retry = "retry", "retry";
        /// Bounds what is tried again.
        RetryBudget = "retry_budget", "retry budget";
        /// Asks a second one when the first is slow.
        Hedge = "hedge", "hedge";
        /// Gives up waiting.
        TimeLimiter = "time_limiter", "time limiter";
        /// Does not begin what nobody waits for.
        Deadline = "deadline", "deadline";
        /// Answers something else.
        Fallback = "fallback", "fallback";
        /// Remembers answers.
        Cache = "cache", "cache";
        /// One call for many askers.
        Coalesce = "coalesce", "coalesce";
        /// Refuses early what would come too late.
        LoadShedder = "load_shedder", "load shedder";
        /// Refuses the least important first.
        Prioritizer = "prioritizer", "prioritizer";
        /// Leaves out what is optional.
        Dimmer = "dimmer", "dimmer";
        /// Breaks loops that keep an overload alive.
        MetastabilityGuard = "metastability_guard", "metastability guard";
        /// Injects faults.
        Chaos = "chaos", "chaos";
        /// Keeps a policy for each of many keys.
        Keyed = "keyed", "table of policies";
    }
}

named! {
    /// The reasons.
    Reason {
        /// The breaker is open (Resilience4j's `CallNotPermitted`).
        CallNotPermitted = "call_not_permitted", "open, the calls before failed";
        /// The breaker is half open and its trial calls are under way.
        HalfOpenFull = "half_open_full", "half open, its trial calls are under way";
        /// Someone forced the breaker open.
        ForcedOpen = "forced_open", "forced open";
        /// As many are under way as may be.
        Full = "full", "as many calls are under way as may be";
        /// As many wait as may wait.
        QueueFull = "queue_full", "as many calls wait as may wait";
        /// It waited for its turn longer than it may.
        WaitedTooLong = "waited_too_long", "no place became free in time";
        /// More calls than the rate allows.
        RateExceeded = "rate_exceeded", "more calls than the rate allows";
        /// The limit that was found is reached.
        LimitReached = "limit_reached", "the limit of concurrency is reached";
        /// The server refuses so many that the client asks less.
        Throttled = "throttled", "the server refuses calls, so fewer are sent";
        /// Overload, and this call matters less than others.
        Shed = "shed", "overloaded, and others matter more";
        /// The queue stands, and this call stood in it too long.
        Overloaded = "overloaded", "overloaded, it would have been answered too late";
        /// The deadline has passed, or passes before an answer can come.
        DeadlineExceeded = "deadline_exceeded", "the deadline leaves no time for it";
        /// The budget for repetitions is spent.
        BudgetExhausted = "budget_exhausted", "the budget for repetitions is spent";
        /// Optional work is left out at present.
        Dimmed = "dimmed", "optional work is left out at present";
        /// As many keys have a policy as may have, and none of those can go.
        KeysFull = "keys_full", "as many keys are in use as may be";
        /// The pool was shut down.
        Closed = "closed", "shut down";
        /// A fault that was asked for.
        Injected = "injected", "a fault was injected";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_who_and_why() {
        let rejected = Rejected::new(PolicyKind::Bulkhead, Reason::Full);
        assert_eq!(
            rejected.to_string(),
            "bulkhead: as many calls are under way as may be"
        );
        assert!(rejected.retryable && !rejected.for_good().retryable);
    }
}
