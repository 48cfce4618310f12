//! Which results may end differently another time.

use ninefold_core::policy::{Advice, Pushback, Reason, Rejected};

use crate::Error;

/// Says of a result whether another attempt may end differently.
///
/// Closures over `Result<&T, &E>` are rules too.
pub trait RetryRule<T, E> {
    /// What `result` says about another attempt.
    fn advise(&self, result: Result<&T, &E>) -> Advice;

    /// Whether `error` is the refusal of a policy within, so that nobody was called. Where a
    /// repetition ends so, the error of an attempt before it that was made says more. By default no
    /// error is.
    #[inline]
    fn is_refusal(&self, _error: &E) -> bool {
        false
    }
}

/// The last error of an attempt that was made, kept in case that those after it are refused.
#[derive(Debug)]
pub(super) struct LastError<E>(Option<E>);

impl<E> LastError<E> {
    pub(super) const fn none() -> Self {
        Self(None)
    }

    /// Another attempt follows one that ended with `result`. Answers are not kept: a body that
    /// nobody reads would hold its connection.
    pub(super) fn keep<T>(&mut self, result: Result<T, E>, rule: &impl RetryRule<T, E>) {
        if let Err(error) = result
            && !rule.is_refusal(&error)
        {
            self.0 = Some(error);
        }
    }

    /// The result of the call whose last attempt ended with `result`.
    #[inline]
    pub(super) fn or<T>(
        &mut self,
        result: Result<T, E>,
        rule: &impl RetryRule<T, E>,
    ) -> Result<T, E> {
        match (result, self.0.take()) {
            (Err(refusal), Some(error)) if rule.is_refusal(&refusal) => Err(error),
            (result, _) => result,
        }
    }
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

impl ByError {
    /// Whether a policy refused, and not a fault that was injected in the place of the service.
    pub(crate) fn refuses<E>(error: &Error<E>) -> bool {
        matches!(error, Error::Rejected(why) if why.reason != Reason::Injected)
    }
}

impl<T, E> RetryRule<T, Error<E>> for ByError {
    fn is_refusal(&self, error: &Error<E>) -> bool {
        Self::refuses(error)
    }

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
