//! What the end of a call says about who was called.

use super::super::Outcome;

/// Says how a call ended, as far as policies care.
///
/// Closures over `Result<&T, &E>` are classifiers too.
pub trait Classify<T, E> {
    /// The outcome, or `None` if the call was cancelled and nobody knows.
    fn classify(&self, result: Result<&T, &E>) -> Option<Outcome>;
}

impl<T, E, F> Classify<T, E> for F
where
    F: Fn(Result<&T, &E>) -> Option<Outcome>,
{
    fn classify(&self, result: Result<&T, &E>) -> Option<Outcome> {
        self(result)
    }
}

/// `Ok` is a success, `Err` a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByResult;

impl<T, E> Classify<T, E> for ByResult {
    #[inline]
    fn classify(&self, result: Result<&T, &E>) -> Option<Outcome> {
        Some(match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        })
    }
}
