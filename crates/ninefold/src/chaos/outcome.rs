//! Answers to inject.

/// Makes answers that are given in the place of calls. Closures `Fn(u64) -> Result<T, E>` do, from
/// the number of the call.
pub trait Inject<T, E> {
    /// The answer for the call of this number; with `None` it is made after all.
    fn outcome(&self, number: u64) -> Option<Result<T, E>>;
}

/// No answers: calls that were drawn for one are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoOutcome;

impl<T, E> Inject<T, E> for NoOutcome {
    fn outcome(&self, _number: u64) -> Option<Result<T, E>> {
        None
    }
}

impl<T, E, F: Fn(u64) -> Result<T, E>> Inject<T, E> for F {
    fn outcome(&self, number: u64) -> Option<Result<T, E>> {
        Some(self(number))
    }
}
