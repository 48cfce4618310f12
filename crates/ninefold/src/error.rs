//! How a guarded call can fail.

use std::time::Duration;

use ninefold_core::policy::classify::{ByResult, Classify};
use ninefold_core::policy::{Outcome, Reason, Rejected};

/// A call that was guarded by policies failed: by itself, or because a policy ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E> {
    /// A policy did not let it pass. Nothing was sent.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// It took too long and was given up. It may have had its effect.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    /// It panicked in a pool that contains panics. It may have had its effect.
    #[error(transparent)]
    Panicked(#[from] Panicked),
    /// It failed by itself.
    #[error("{0}")]
    Service(E),
}

/// A call was given up after a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer within {after:?}")]
pub struct TimedOut {
    /// How long was waited.
    pub after: Duration,
}

/// A call panicked. The pool it ran in goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call panicked")]
pub struct Panicked;

impl<E> Error<E> {
    /// The error of the call itself, if it was that.
    pub fn into_service(self) -> Option<E> {
        match self {
            Self::Service(error) => Some(error),
            Self::Rejected(_) | Self::TimedOut(_) | Self::Panicked(_) => None,
        }
    }

    /// The refusal, if a policy refused.
    pub const fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            Self::Service(_) | Self::TimedOut(_) | Self::Panicked(_) => None,
        }
    }
}

/// The classifier for calls that other policies guard as well. A refusal of one of them says nothing
/// about who was to be called; a time limit, a panic and a fault that was injected in its place do;
/// and the call itself is judged by `K`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByError<K = ByResult>(pub K);

impl<T, E, K: Classify<T, E>> Classify<T, Error<E>> for ByError<K> {
    #[inline]
    fn classify(&self, result: Result<&T, &Error<E>>) -> Option<Outcome> {
        match result {
            Ok(answer) => self.0.classify(Ok(answer)),
            Err(Error::Service(error)) => self.0.classify(Err(error)),
            Err(Error::Rejected(why)) if why.reason != Reason::Injected => Some(Outcome::Ignored),
            Err(Error::Rejected(_) | Error::TimedOut(_) | Error::Panicked(_)) => {
                Some(Outcome::Failure)
            }
        }
    }
}
