//! The fallback itself.

use std::sync::Arc;
use std::time::Duration;

use ninefold_core::policy::{Change, PolicyKind, Source};

#[cfg(feature = "tower")]
use super::FallbackFuture;
use super::{Accept, AnyError, ByError, Stale, Substitute, Value};
use crate::cache::Cache;

/// Answers something else in the place of some errors. Clones share it.
#[derive(Debug)]
pub struct Fallback<S, A = AnyError> {
    shared: Arc<Shared<S, A>>,
}

#[derive(Debug)]
pub(super) struct Shared<S, A> {
    substitute: S,
    accept: A,
    source: Source,
}

impl<T> Fallback<Value<T>> {
    /// Always the same answer.
    pub fn value(value: T) -> Self {
        Self::of(Value(value))
    }
}

impl<F> Fallback<ByError<F>> {
    /// An answer made from the error by a function `Fn(E) -> Result<T, E>`, which may also give the
    /// error back.
    pub fn by_error<T, E>(function: F) -> Self
    where
        F: Fn(E) -> Result<T, E>,
    {
        Self::of(ByError(function))
    }
}

impl<K, V, C: Clone, S: Clone, X> Fallback<Stale<K, V, C, S, X>> {
    /// What `cache` still has, however stale but no older than `age_max`, under the same `key` by
    /// which requests go [through the cache](Cache::call).
    pub fn stale<Request>(cache: &Cache<K, V, C, S>, key: X, age_max: Duration) -> Self
    where
        X: Fn(&Request) -> Option<K>,
    {
        Self::of(Stale {
            cache: cache.clone(),
            key,
            age_max,
        })
    }
}

impl<S> Fallback<S> {
    /// Any other answer, for all errors.
    pub fn of(substitute: S) -> Self {
        let shared = Arc::new(Shared {
            substitute,
            accept: AnyError,
            source: Source::default(),
        });
        Self { shared }
    }
}

impl<S: Clone, A: Clone> Fallback<S, A> {
    /// The same, only for errors that `accept` says yes to. Others are handed on as they are.
    pub fn only_if<B>(self, accept: B) -> Fallback<S, B> {
        let shared = Arc::new(Shared {
            substitute: self.shared.substitute.clone(),
            accept,
            source: self.shared.source.clone(),
        });
        Fallback { shared }
    }

    /// The same with a name and a listener.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        let shared = Arc::new(Shared {
            substitute: self.shared.substitute.clone(),
            accept: self.shared.accept.clone(),
            source,
        });
        Self { shared }
    }
}

impl<S, A> Fallback<S, A> {
    /// Calls, and answers something else if that fails.
    ///
    /// # Errors
    ///
    /// Those of the call that are not accepted, or for which there is no other answer.
    pub async fn call<T, E, F>(&self, call: impl FnOnce() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        S: Substitute<(), T, E>,
        A: Accept<E>,
    {
        self.call_for(&(), call).await
    }

    /// As [`Fallback::call`], for answers that depend on the request.
    ///
    /// # Errors
    ///
    /// As [`Fallback::call`].
    pub async fn call_for<Request, T, E, F>(
        &self,
        request: &Request,
        call: impl FnOnce() -> F,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        S: Substitute<Request, T, E>,
        A: Accept<E>,
    {
        let kept = self.shared.substitute.keep(request);
        let result = call().await;
        self.shared.conclude(result, || Some(kept))
    }

    #[cfg(feature = "tower")]
    pub(super) fn start<Request, T, E, F>(
        &self,
        request: Request,
        call: impl FnOnce(Request) -> F,
    ) -> FallbackFuture<F, S, A, Request, S::Kept>
    where
        F: Future<Output = Result<T, E>>,
        S: Substitute<Request, T, E>,
    {
        let kept = self.shared.substitute.keep(&request);
        FallbackFuture::new(call(request), Arc::clone(&self.shared), kept)
    }
}

impl<S, A> Shared<S, A> {
    pub(super) fn conclude<Request, T, E>(
        &self,
        result: Result<T, E>,
        kept: impl FnOnce() -> Option<S::Kept>,
    ) -> Result<T, E>
    where
        S: Substitute<Request, T, E>,
        A: Accept<E>,
    {
        match result {
            Err(error) if self.accept.accepts(&error) => {
                let Some(kept) = kept() else {
                    return Err(error);
                };
                let other = self.substitute.substitute(kept, error);
                if other.is_ok() {
                    let change = || Change::Substituted(S::WHAT);
                    self.source.emit(PolicyKind::Fallback, change);
                }
                other
            }
            result => result,
        }
    }
}

impl<S, A> Clone for Fallback<S, A> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}
