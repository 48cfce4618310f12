//! Which results may end differently another time.

use ninefold_core::policy::{Advice, Pushback, Rejected};

use crate::Error;

/// Says of a result whether another attempt may end differently.
///
/// Closures over `Result<&T, &E>` are rules too.
pub trait RetryRule<T, E> {
    /// What `result` says about another attempt.
    fn advise(&self, result: Result<&T, &E>) -> Advice;
}

impl<T, E, F: Fn(Result<&T, &E>) -> Advice> RetryRule<T, E> for F {
    fn advise(&self, result: Result<&T, &E>) -> Advice {
        self(result)
    }
}

/// Errors are tried again, answers are not. A refusal of a policy is tried again if it says that
/// this makes sense; a panic is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByError;

impl<T, E> RetryRule<T, Error<E>> for ByError {
    fn advise(&self, result: Result<&T, &Error<E>>) -> Advice {
        match result {
            Ok(_) | Err(Error::Panicked(_)) => Advice::Accept,
            Err(Error::Rejected(rejected)) => refused(rejected),
            Err(Error::TimedOut(_) | Error::Service(_)) => Advice::Again {
                sent: true,
                pushback: Pushback::Unsaid,
            },
        }
    }
}

const fn refused(rejected: &Rejected) -> Advice {
    if !rejected.retryable {
        return Advice::Accept;
    }
    Advice::Again {
        sent: false,
        pushback: match rejected.retry_after {
            Some(wait) => Pushback::After(wait),
            None => Pushback::Unsaid,
        },
    }
}
