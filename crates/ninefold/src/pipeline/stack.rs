//! Stages within each other.

use ninefold_core::policy::PolicyKind;

use super::order::{innermost_place, place};
use super::{Around, Call, Stage};
use crate::Error;

/// No policy at all: where a pipeline begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nothing;

/// A stage within others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stack<Outer, Inner> {
    pub(super) outer: Outer,
    pub(super) inner: Inner,
}

/// Stages, the innermost of which is known.
pub trait Stages {
    /// The innermost policy; `None` if there is none yet.
    const INNERMOST: Option<PolicyKind>;
}

impl Stages for Nothing {
    const INNERMOST: Option<PolicyKind> = None;
}

impl<Outer: Stages, Inner: Stage> Stages for Stack<Outer, Inner> {
    const INNERMOST: Option<PolicyKind> = Some(Inner::KIND);
}

/// Whether `next` may stand within whatever ends with `innermost`.
pub(super) const fn in_order(innermost: Option<PolicyKind>, next: PolicyKind) -> bool {
    match innermost {
        None => true,
        Some(innermost) => place(innermost) <= innermost_place(next),
    }
}

/// Stages around calls that give `V` or fail with `E`.
pub trait AroundAll<V, E> {
    /// Makes a call through all of them.
    fn around_all<A, F>(
        &self,
        call: Call,
        attempt: A,
    ) -> impl Future<Output = Result<V, Error<E>>> + Send
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send;
}

impl<V, E> AroundAll<V, E> for Nothing {
    fn around_all<A, F>(
        &self,
        call: Call,
        attempt: A,
    ) -> impl Future<Output = Result<V, Error<E>>> + Send
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send,
    {
        attempt(call)
    }
}

impl<V: Send, E: Send, Outer, Inner> AroundAll<V, E> for Stack<Outer, Inner>
where
    Outer: AroundAll<V, E> + Send + Sync,
    Inner: Around<V, E>,
{
    async fn around_all<A, F>(&self, call: Call, attempt: A) -> Result<V, Error<E>>
    where
        A: Fn(Call) -> F + Send + Sync,
        F: Future<Output = Result<V, Error<E>>> + Send,
    {
        let attempt = &attempt;
        self.outer
            .around_all(call, |call| self.inner.around(call, attempt))
            .await
    }
}
