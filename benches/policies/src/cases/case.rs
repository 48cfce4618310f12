//! The cases.

use super::{adaptive_limiter, breaker, bulkhead, hedge, pipeline, rate_limiter, retry, timeout};
use crate::bare::Bare;
use crate::{Subject, bare};

/// One thing that libraries do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// A breaker that lets calls through and counts them.
    BreakerClosed,
    /// A breaker that refuses.
    BreakerOpen,
    /// A limit on calls under way that is not reached.
    Bulkhead,
    /// A limit on calls per time that is not reached.
    RateLimiter,
    /// A retry whose first attempt succeeds.
    Retry,
    /// A time limit that is not reached.
    Timeout,
    /// A hedge whose first attempt answers in time.
    Hedge,
    /// A limit on calls under way that moves, and is not reached.
    AdaptiveLimiter,
    /// Deadline, retry, breaker, bulkhead and time limit around one call that succeeds.
    Pipeline,
}

impl Case {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 9] = [
        Self::BreakerClosed,
        Self::BreakerOpen,
        Self::Bulkhead,
        Self::RateLimiter,
        Self::Retry,
        Self::Timeout,
        Self::Hedge,
        Self::AdaptiveLimiter,
        Self::Pipeline,
    ];

    /// The name on command lines and in figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BreakerClosed => "breaker-closed",
            Self::BreakerOpen => "breaker-open",
            Self::Bulkhead => "bulkhead",
            Self::RateLimiter => "rate-limiter",
            Self::Retry => "retry",
            Self::Timeout => "timeout",
            Self::Hedge => "hedge",
            Self::AdaptiveLimiter => "adaptive-limiter",
            Self::Pipeline => "pipeline",
        }
    }

    /// What happens in it, for people.
    pub const fn about(self) -> &'static str {
        match self {
            Self::BreakerClosed => "a closed breaker admits a call and counts its success",
            Self::BreakerOpen => "an open breaker refuses a call",
            Self::Bulkhead => "a call finds one of 64 places free",
            Self::RateLimiter => "a call within the rate",
            Self::Retry => "the first attempt succeeds",
            Self::Timeout => "the answer is there when first asked",
            Self::Hedge => "the first attempt answers at once",
            Self::AdaptiveLimiter => "a call below the limit is counted and measured",
            Self::Pipeline => "deadline, retry, breaker, bulkhead, time limit; all let it pass",
        }
    }

    /// All that take part, the bare service first.
    pub fn subjects(self) -> Vec<Subject> {
        let subjects = match self {
            Self::BreakerClosed => breaker::closed(),
            Self::BreakerOpen => breaker::open(),
            Self::Bulkhead => bulkhead::subjects(),
            Self::RateLimiter => rate_limiter::subjects(),
            Self::Retry => retry::subjects(),
            Self::Timeout => timeout::subjects(),
            Self::Hedge => hedge::subjects(),
            Self::AdaptiveLimiter => adaptive_limiter::subjects(),
            Self::Pipeline => pipeline::subjects(),
        };
        let refuses = self == Self::BreakerOpen;
        let subjects = subjects
            .into_iter()
            .map(|s| if refuses { s.refusing() } else { s });
        bare_service().into_iter().chain(subjects).collect()
    }
}

fn bare_service() -> [Subject; 3] {
    [
        Subject::permit("bare", || (), |()| bare::answer),
        Subject::call(
            "bare",
            || (),
            |()| async |request| bare::call(request).await,
        ),
        Subject::layer("bare", || Bare),
    ]
}
