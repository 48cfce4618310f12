//! Coalescing itself.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use ninefold_core::policy::{Change, InvalidPolicy, PolicyKind, Rejected, Source};

use super::group::{Group, Part};
use super::{CoalesceConfig, CoalesceFuture, Detached};
use crate::spawn::Spawn;
use crate::{Error, Panicked};

/// One call for all who ask for the same key at the same time. Clones share the calls.
///
/// `E` is the error that callers get, which must be able to say that there was no room or that the
/// call panicked: [`Error<X>`](crate::Error) for calls that fail with an `X`.
pub struct Coalesce<K: Eq, T, E> {
    group: Arc<Group<K, T, E>>,
}

impl<K: Eq + Hash, T, E> Coalesce<K, T, E> {
    /// No call is under way.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn new(config: CoalesceConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        let group = Arc::new(Group::new(config, Source::default(), None));
        Ok(Self { group })
    }

    /// The same with a name and a listener. Clones made before keep their own.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        let hand_over = self.group.hand_over.clone();
        Self {
            group: Arc::new(Group::new(self.config(), source, hand_over)),
        }
    }

    /// The same, but calls go on in the background when their last caller has given up, and who asks
    /// meanwhile joins them. Clones made before keep their way.
    #[must_use]
    pub fn with_spawner<S>(self, spawner: S) -> Self
    where
        S: Spawn<Detached<K, T, E>> + Send + Sync + 'static,
        Detached<K, T, E>: Future,
    {
        let source = self.group.source.clone();
        // A call that the spawner gives back is dropped, as without a spawner.
        let hand_over = move |call| drop(spawner.spawn(Detached::new(call)));
        Self {
            group: Arc::new(Group::new(self.config(), source, Some(Arc::new(hand_over)))),
        }
    }

    /// The configuration as it is now.
    #[must_use]
    pub fn config(&self) -> CoalesceConfig {
        self.group.config()
    }

    /// Follows another configuration from now on; calls under way go on.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if it makes no sense; nothing is changed then.
    pub fn reconfigure(&self, config: CoalesceConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        self.group.set(config);
        Ok(())
    }

    /// How many calls are under way, without those that are their caller's alone.
    #[must_use]
    pub fn len(&self) -> usize {
        self.group.len()
    }

    /// Whether none is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Eq + Hash, T, E> Default for Coalesce<K, T, E> {
    fn default() -> Self {
        let config = CoalesceConfig::default();
        Self {
            group: Arc::new(Group::new(config, Source::default(), None)),
        }
    }
}

impl<K, T, E> Coalesce<K, T, Error<E>>
where
    K: Clone + Eq + Hash,
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// The answer of the call for `key` that is under way, or else of `call`.
    ///
    /// # Errors
    ///
    /// [`Error::Service`] if the call failed and [`Error::Panicked`] if it panicked, for everybody
    /// who waits; [`Error::Rejected`] if there is no room and calls are
    /// [refused](super::WhenFull::Refuse) then.
    pub async fn call<F>(&self, key: &K, call: impl FnOnce() -> F) -> Result<T, Error<E>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let call = || {
            let call = call();
            async { call.await.map_err(Error::Service) }
        };
        self.start(key, call).await
    }
}

impl<K, T, E> Coalesce<K, T, E>
where
    K: Clone + Eq + Hash,
    E: From<Rejected> + From<Panicked>,
{
    pub(super) fn start<F>(&self, key: &K, call: impl FnOnce() -> F) -> CoalesceFuture<K, T, E>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        match self.group.join(key, || Err(Panicked.into())) {
            Err(why) => CoalesceFuture::rejected(why),
            Ok(Part::Follows(seat)) => {
                let source = &self.group.source;
                source.emit(PolicyKind::Coalesce, || Change::Substituted("coalesced"));
                CoalesceFuture::seated(seat)
            }
            Ok(Part::Leads(seat)) => {
                if !seat.flight.start(|| Box::pin(call())) {
                    seat.forget();
                }
                CoalesceFuture::seated(seat)
            }
        }
    }
}

impl<K: Eq, T, E> Clone for Coalesce<K, T, E> {
    fn clone(&self) -> Self {
        Self {
            group: Arc::clone(&self.group),
        }
    }
}

impl<K: Eq, T, E> fmt::Debug for Coalesce<K, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coalesce")
            .field("config", &self.group.config())
            .field("source", &self.group.source)
            .finish_non_exhaustive()
    }
}
