//! What the simulation asks of all of them.

use std::time::Duration;

use ninefold_core::policy::{Advice, Outcome, Pushback, RequestMeta};
use ninefold_core::time::Timestamp;

/// How an attempt ended for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By an answer in time.
    Answered,
    /// By a refusal of the service, or a failure at once.
    Refused,
    /// The caller waited in vain.
    TimedOut,
    /// It was not sent.
    HeldBack,
}

impl End {
    /// What a policy that counts outcomes is told of an attempt that was sent.
    pub(crate) const fn outcome(self) -> Outcome {
        match self {
            Self::Answered => Outcome::Success,
            Self::Refused | Self::TimedOut | Self::HeldBack => Outcome::Failure,
        }
    }

    /// What it says about another attempt; all calls are idempotent.
    pub(crate) const fn advice(self) -> Advice {
        match self {
            Self::Answered => Advice::Accept,
            Self::Refused | Self::TimedOut | Self::HeldBack => Advice::Again {
                sent: !matches!(self, Self::HeldBack),
                pushback: Pushback::Unsaid,
            },
        }
    }
}

/// All callers of a service together, as one process with one policy.
pub(crate) trait Client {
    /// An attempt is about to be sent; `false` holds it back.
    fn sends(&mut self, id: usize, call: &RequestMeta, now: Timestamp) -> bool;

    /// An attempt ended, or was held back.
    fn ended(&mut self, id: usize, end: End, now: Timestamp);

    /// How long to wait before another attempt, if there is to be one.
    fn again(&mut self, call: &RequestMeta, end: End, now: Timestamp) -> Option<Duration>;
}
