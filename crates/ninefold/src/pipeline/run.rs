//! The pipeline itself.

use std::sync::Arc;

use super::Call;
use super::builder::{Finding, PipelineBuilder};
use super::stack::{AroundAll, Nothing};
use crate::Error;

/// Policies around calls, in an order that makes sense. Cheap to clone; clones share the policies.
#[derive(Debug)]
pub struct Pipeline<S> {
    pub(super) stages: Arc<S>,
    findings: Arc<[Finding]>,
}

impl Pipeline<Nothing> {
    /// Puts one together, from the outside in.
    pub const fn builder() -> PipelineBuilder<Nothing> {
        PipelineBuilder::new()
    }
}

impl<S> Pipeline<S> {
    pub(super) fn new(stages: S, findings: Vec<Finding>) -> Self {
        Self {
            stages: Arc::new(stages),
            findings: findings.into(),
        }
    }

    /// What is odd about it, for a log at start-up.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Makes a call through all policies. It may be repeated only if it certainly was not sent; for
    /// idempotent calls use [`Pipeline::call_with`] and [`Call::idempotent`].
    ///
    /// # Errors
    ///
    /// [`Error::Service`] if the call fails by itself, the others if a policy ended it.
    pub fn call<V, E, F>(
        &self,
        call: impl Fn() -> F + Send + Sync,
    ) -> impl Future<Output = Result<V, Error<E>>> + Send
    where
        V: Send,
        E: Send,
        S: AroundAll<V, E> + Send + Sync,
        F: Future<Output = Result<V, E>> + Send,
    {
        self.call_with(Call::default(), move |_| call())
    }

    /// As [`Pipeline::call`], with what policies may know of the call. `attempt` is given what goes
    /// with the attempt, such as its number.
    ///
    /// # Errors
    ///
    /// [`Error::Service`] if the call fails by itself, the others if a policy ended it.
    pub fn call_with<V, E, F>(
        &self,
        call: Call,
        attempt: impl Fn(Call) -> F + Send + Sync,
    ) -> impl Future<Output = Result<V, Error<E>>> + Send
    where
        V: Send,
        E: Send,
        S: AroundAll<V, E> + Send + Sync,
        F: Future<Output = Result<V, E>> + Send,
    {
        self.stages.around_all(call, move |call| {
            let attempt = attempt(call);
            async { attempt.await.map_err(Error::Service) }
        })
    }
}

impl<S> Clone for Pipeline<S> {
    fn clone(&self) -> Self {
        Self {
            stages: Arc::clone(&self.stages),
            findings: Arc::clone(&self.findings),
        }
    }
}
