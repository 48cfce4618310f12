//! Where another answer comes from.

use std::hash::Hash;
use std::time::Duration;

use ninefold_core::policy::Now;

use crate::cache::Cache;

/// Gives another answer in the place of an error.
pub trait Substitute<Request, T, E> {
    /// What must be known of the request when the call has failed and the request is gone.
    type Kept;

    /// What it is, as listeners hear it.
    const WHAT: &'static str;

    /// Keeps what must be known of the request.
    fn keep(&self, request: &Request) -> Self::Kept;

    /// The other answer.
    ///
    /// # Errors
    ///
    /// The same error or a better one, if there is no other answer.
    fn substitute(&self, kept: Self::Kept, error: E) -> Result<T, E>;
}

/// Always the same answer.
#[derive(Clone, Copy, Debug)]
pub struct Value<T>(pub(super) T);

impl<Request, T: Clone, E> Substitute<Request, T, E> for Value<T> {
    type Kept = ();
    const WHAT: &'static str = "value";

    fn keep(&self, _request: &Request) {}

    fn substitute(&self, (): (), _error: E) -> Result<T, E> {
        Ok(self.0.clone())
    }
}

/// An answer made from the error.
#[derive(Clone, Copy, Debug)]
pub struct ByError<F>(pub(super) F);

impl<Request, T, E, F: Fn(E) -> Result<T, E>> Substitute<Request, T, E> for ByError<F> {
    type Kept = ();
    const WHAT: &'static str = "function";

    fn keep(&self, _request: &Request) {}

    fn substitute(&self, (): (), error: E) -> Result<T, E> {
        (self.0)(error)
    }
}

/// What a cache still has for the request, however stale.
#[derive(Clone, Debug)]
pub struct Stale<K, V, C, S, X>
where
    C: Clone,
    S: Clone,
{
    pub(super) cache: Cache<K, V, C, S>,
    pub(super) key: X,
    pub(super) age_max: Duration,
}

impl<Request, E, K, V, C, S, X> Substitute<Request, V, E> for Stale<K, V, C, S, X>
where
    K: Eq + Hash,
    V: Clone,
    C: Now + Clone,
    S: Clone,
    X: Fn(&Request) -> Option<K>,
{
    type Kept = Option<K>;
    const WHAT: &'static str = "stale";

    fn keep(&self, request: &Request) -> Option<K> {
        (self.key)(request)
    }

    fn substitute(&self, key: Option<K>, error: E) -> Result<V, E> {
        let stale = key.and_then(|key| self.cache.peek(&key));
        match stale {
            Some((value, age)) if age <= self.age_max => Ok(value),
            _ => Err(error),
        }
    }
}

/// Says which errors another answer may stand for. Closures `Fn(&E) -> bool` do.
pub trait Accept<E> {
    /// Whether another answer may stand for `error`.
    fn accepts(&self, error: &E) -> bool;
}

/// All errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnyError;

impl<E> Accept<E> for AnyError {
    fn accepts(&self, _error: &E) -> bool {
        true
    }
}

impl<E, F: Fn(&E) -> bool> Accept<E> for F {
    fn accepts(&self, error: &E) -> bool {
        self(error)
    }
}
