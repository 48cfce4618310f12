//! The table itself.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use ninefold_core::policy::classify::{ByResult, Classify};
use ninefold_core::policy::{
    Admission, Evictable, InvalidPolicy, Now, Permit, Rejected, RequestMeta, Source,
};

use super::KeyedConfig;
use super::policies::Policies;
use crate::clock::PreciseClock;
use crate::handle::conclude;
use crate::{ByError, Error};

/// A policy for each of many keys. Clones share them.
pub struct Keyed<K, P, C = PreciseClock, L = ByResult> {
    policies: Arc<Policies<K, P>>,
    pub(crate) clock: C,
    pub(crate) classify: L,
}

impl<K: Eq + Hash, P: Evictable> Keyed<K, P> {
    /// An empty table, which makes the policy of a key by `make` when the key first comes.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn new(
        config: KeyedConfig,
        make: impl Fn(&K) -> P + Send + Sync + 'static,
    ) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        let policies = Policies::new(config, Arc::new(make), None, Source::default());
        Ok(Self {
            policies: Arc::new(policies),
            clock: PreciseClock,
            classify: ByResult,
        })
    }
}

impl<K: Eq + Hash, P: Evictable, C, L> Keyed<K, P, C, L> {
    /// The same on another clock, such as a [`VirtualTime`](crate::clock::VirtualTime) in tests.
    pub fn with_clock<D>(self, clock: D) -> Keyed<K, P, D, L> {
        Keyed {
            policies: self.policies,
            clock,
            classify: self.classify,
        }
    }

    /// The same with another idea of what a failure is.
    pub fn with_classify<M>(self, classify: M) -> Keyed<K, P, C, M> {
        Keyed {
            policies: self.policies,
            clock: self.clock,
            classify,
        }
    }

    /// The same, which takes refusals of policies within for nothing that it should learn from: the
    /// classifier for pipelines.
    pub fn by_error(self) -> Keyed<K, P, C, ByError<L>> {
        Keyed {
            policies: self.policies,
            clock: self.clock,
            classify: ByError(self.classify),
        }
    }

    /// An empty table in which keys that find no room share one policy, instead of being refused.
    /// Clones made before keep theirs.
    #[must_use]
    pub fn with_overflow(self, policy: P) -> Self {
        let source = self.policies.source.clone();
        self.anew(Some(Arc::new(policy)), source)
    }

    /// An empty table with a name and a listener. Clones made before keep theirs. The policies have
    /// sources of their own, from whoever makes them.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        let overflow = self.policies.overflow.clone();
        self.anew(overflow, source)
    }

    fn anew(self, overflow: Option<Arc<P>>, source: Source) -> Self {
        let make = Arc::clone(&self.policies.make);
        let policies = Arc::new(Policies::new(self.config(), make, overflow, source));
        Self { policies, ..self }
    }

    /// The configuration as it is now.
    #[must_use]
    pub fn config(&self) -> KeyedConfig {
        self.policies.config()
    }

    /// Follows another configuration from now on. Policies that are too many go when others come.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if it makes no sense; nothing is changed then.
    pub fn reconfigure(&self, config: KeyedConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        self.policies.set(config);
        Ok(())
    }

    /// Forgets the policy of a key, whatever state it is in, and hands it out.
    pub fn remove(&self, key: &K) -> Option<Arc<P>> {
        self.policies.remove(key)
    }

    /// How many keys have a policy of their own.
    #[must_use]
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What all keys without room share, if they do.
    #[must_use]
    pub fn overflow(&self) -> Option<&Arc<P>> {
        self.policies.overflow.as_ref()
    }

    /// All keys with their policies, to look at them or to reconfigure them. As long as these are held, none of them is forgotten.
    #[must_use]
    pub fn all(&self) -> Vec<(K, Arc<P>)>
    where
        K: Clone,
    {
        self.policies.all()
    }
}

impl<K: Clone + Eq + Hash, P: Evictable, C: Now, L> Keyed<K, P, C, L> {
    /// The policy of a key. As long as it is held, it is not forgotten.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if there is no room for another key and no [overflow](Keyed::with_overflow).
    #[inline]
    pub fn get(&self, key: &K) -> Result<Arc<P>, Rejected> {
        self.policies.get(key, || self.clock.now())
    }

    /// Leave for one call from the policy of `key`, to be settled by the caller.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the policy refuses, or there is no room for it.
    #[inline]
    pub fn permit(&self, key: &K, request: &RequestMeta) -> Result<Permit<Arc<P>>, Rejected>
    where
        P: Admission,
    {
        Permit::acquire(self.get(key)?, request, &self.clock)
    }

    /// Calls, if the policy of `key` admits it, and tells that policy how it ended.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the policy refuses or there is no room for it, [`Error::Service`] if
    /// the call fails.
    pub async fn call<T, E, F>(&self, key: &K, call: impl FnOnce() -> F) -> Result<T, Error<E>>
    where
        P: Admission,
        F: Future<Output = Result<T, E>>,
        L: Classify<T, E>,
    {
        self.call_with(key, &RequestMeta::default(), call).await
    }

    /// As [`Keyed::call`], for a policy that looks at the request.
    ///
    /// # Errors
    ///
    /// As [`Keyed::call`].
    pub async fn call_with<T, E, F>(
        &self,
        key: &K,
        request: &RequestMeta,
        call: impl FnOnce() -> F,
    ) -> Result<T, Error<E>>
    where
        P: Admission,
        F: Future<Output = Result<T, E>>,
        L: Classify<T, E>,
    {
        let mut permit = self.permit(key, request)?;
        let result = call().await;
        conclude(&mut permit, &self.classify, &self.clock, &result);
        result.map_err(Error::Service)
    }
}

impl<K, P, C: Clone, L: Clone> Clone for Keyed<K, P, C, L> {
    fn clone(&self) -> Self {
        Self {
            policies: Arc::clone(&self.policies),
            clock: self.clock.clone(),
            classify: self.classify.clone(),
        }
    }
}

impl<K, P, C, L> fmt::Debug for Keyed<K, P, C, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed")
            .field("config", &self.policies.config())
            .field("source", &self.policies.source)
            .finish_non_exhaustive()
    }
}
