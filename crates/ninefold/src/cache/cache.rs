//! The cache itself.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::policy::{InvalidPolicy, Now, Source};

use super::store::{Found, Rules, Store};
use super::{CacheConfig, CacheFuture, Refresh};
use crate::clock::CoarseClock;
use crate::spawn::{Inline, Spawn};

/// Remembers answers by key. Clones share them.
///
/// `V` is cloned for each hit: make it an `Arc` unless it is small.
pub struct Cache<K, V, C = CoarseClock, S = Inline> {
    store: Arc<Store<K, V>>,
    clock: C,
    spawner: S,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// An empty cache.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn new(config: CacheConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::of(config))
    }

    fn of(config: CacheConfig) -> Self {
        let rules = Rules {
            weigh: None,
            ttl_of: None,
            source: Source::default(),
        };
        Self {
            store: Arc::new(Store::new(config, rules)),
            clock: CoarseClock,
            spawner: Inline,
        }
    }
}

impl<K: Eq + Hash, V: Clone> Default for Cache<K, V> {
    fn default() -> Self {
        Self::of(CacheConfig::default())
    }
}

impl<K: Eq + Hash, V: Clone, C, S> Cache<K, V, C, S> {
    /// The same cache on another clock, such as a [`VirtualTime`](crate::clock::VirtualTime) in
    /// tests.
    pub fn with_clock<D>(self, clock: D) -> Cache<K, V, D, S> {
        Cache {
            store: self.store,
            clock,
            spawner: self.spawner,
        }
    }

    /// The same cache, which fetches new answers in the background while stale ones are given.
    /// Without a spawner the first caller who finds an answer stale fetches the new one, and waits
    /// for it.
    pub fn with_spawner<B>(self, spawner: B) -> Cache<K, V, C, B> {
        Cache {
            store: self.store,
            clock: self.clock,
            spawner,
        }
    }

    /// An empty cache of the same configuration that weighs answers, for the limit of
    /// [`CacheConfig::weight`]. Clones made before keep theirs.
    #[must_use]
    pub fn with_weight(self, weigh: impl Fn(&K, &V) -> u64 + Send + Sync + 'static) -> Self {
        let weigh = Some(Arc::new(weigh) as Arc<_>);
        self.ruled(|rules| Rules { weigh, ..rules })
    }

    /// An empty cache of the same configuration in which each answer says how long it is fresh, or
    /// with `None` that it must not be kept. Clones made before keep theirs.
    #[must_use]
    pub fn with_ttl(
        self,
        ttl_of: impl Fn(&K, &V) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        let ttl_of = Some(Arc::new(ttl_of) as Arc<_>);
        self.ruled(|rules| Rules { ttl_of, ..rules })
    }

    /// An empty cache of the same configuration with a name and a listener. Clones made before keep
    /// theirs.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        self.ruled(|rules| Rules { source, ..rules })
    }

    fn ruled(self, change: impl FnOnce(Rules<K, V>) -> Rules<K, V>) -> Self {
        let old = &self.store.rules;
        let rules = change(Rules {
            weigh: old.weigh.clone(),
            ttl_of: old.ttl_of.clone(),
            source: old.source.clone(),
        });
        let store = Arc::new(Store::new(self.config(), rules));
        Self { store, ..self }
    }

    /// The configuration as it is now.
    #[must_use]
    pub fn config(&self) -> CacheConfig {
        self.store.knobs.get()
    }

    /// Follows another configuration from now on; answers are kept. What is too much goes when
    /// answers come in.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if it makes no sense; nothing is changed then.
    pub fn reconfigure(&self, config: CacheConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        self.store.knobs.set(config);
        Ok(())
    }

    /// Forgets the answer of `key`. A call for it that is under way is not kept either.
    pub fn invalidate<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.store.invalidate(key);
    }

    /// Forgets all answers, also of calls that are under way.
    pub fn clear(&self) {
        self.store.clear();
    }

    /// How many answers are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What all answers weigh.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.store.weight()
    }
}

impl<K: Eq + Hash, V: Clone, C: Now, S> Cache<K, V, C, S> {
    /// A fresh answer, if there is one.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let place = self.store.place(key);
        match self.store.look(place, key, self.clock.now()) {
            Found::Fresh(value) => Some(value),
            Found::Stale(..) | Found::IfError(_) | Found::Nothing => None,
        }
    }

    /// An answer of any age that is still kept, and its age.
    pub fn peek<Q>(&self, key: &Q) -> Option<(V, Duration)>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.store.peek(key, self.clock.now())
    }

    /// Keeps an answer.
    pub fn insert(&self, key: K, value: V) {
        let place = self.store.place(&key);
        self.store.put(place, key, value, self.clock.now());
    }
}

impl<K: Clone + Eq + Hash, V: Clone, C: Now + Clone, S> Cache<K, V, C, S> {
    /// The answer of `key` from the cache, or else from `call`, which is then kept if it is `Ok`.
    ///
    /// # Errors
    ///
    /// Those of `call`, unless a stale answer stands in.
    pub async fn call<E, F>(&self, key: &K, call: impl FnOnce() -> F) -> Result<V, E>
    where
        F: Future<Output = Result<V, E>>,
        S: Spawn<Refresh<F, K, V, C>>,
    {
        self.start(key, call).await
    }

    pub(super) fn start<F>(&self, key: &K, call: impl FnOnce() -> F) -> CacheFuture<F, K, V, C>
    where
        F: Future,
        Refresh<F, K, V, C>: Future,
        S: Spawn<Refresh<F, K, V, C>>,
    {
        let store = &self.store;
        let place = store.place(key);
        let refresh = |claim| {
            let store = Arc::clone(store);
            Refresh::new(call(), store, self.clock.clone(), place, key.clone(), claim)
        };
        match store.look(place, key, self.clock.now()) {
            Found::Fresh(value) => {
                store.emit("cache");
                CacheFuture::ready(value)
            }
            Found::Stale(value, None) => {
                store.emit("stale");
                CacheFuture::ready(value)
            }
            Found::Stale(value, claim) => match self.spawner.spawn(refresh(claim)) {
                Ok(()) => {
                    store.emit("stale");
                    CacheFuture::ready(value)
                }
                Err(refresh) => CacheFuture::waiting(refresh, Some(value)),
            },
            Found::IfError(value) => CacheFuture::waiting(refresh(None), Some(value)),
            Found::Nothing => CacheFuture::waiting(refresh(None), None),
        }
    }
}

impl<K, V, C: Clone, S: Clone> Clone for Cache<K, V, C, S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
            spawner: self.spawner.clone(),
        }
    }
}

impl<K, V, C, S> fmt::Debug for Cache<K, V, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("knobs", &self.store.knobs)
            .finish_non_exhaustive()
    }
}
