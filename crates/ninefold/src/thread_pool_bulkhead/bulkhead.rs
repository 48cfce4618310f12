//! The bulkhead itself.

use std::sync::Arc;
use std::time::Duration;

use ninefold_core::policy::{
    Evictable, InvalidPolicy, Now, Outcome, Rejected, RequestMeta, Source,
};
use ninefold_core::time::Timestamp;

use super::pool::{Fate, Job, Pool};
use super::slot::{Promise, Slot};
use super::{PoolFuture, ThreadPoolBulkheadConfig};
use crate::clock::PreciseClock;
use crate::{Error, Panicked};

/// Threads of its own for one dependency. Clones share them.
#[derive(Clone, Debug)]
pub struct ThreadPoolBulkhead {
    owner: Arc<Owner>,
}

/// What becomes of calls that wait when a pool is shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// They are worked off.
    Drain,
    /// They are refused.
    Abort,
}

/// Ends the threads when the last bulkhead is gone; futures and threads hold only the pool.
#[derive(Debug)]
struct Owner(Arc<Pool>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close(false);
    }
}

impl Default for ThreadPoolBulkhead {
    fn default() -> Self {
        Self::of(
            ThreadPoolBulkheadConfig::default(),
            Arc::new(PreciseClock),
            Source::default(),
        )
    }
}

impl ThreadPoolBulkhead {
    /// A pool. Its threads come when they are needed.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn new(config: ThreadPoolBulkheadConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::of(config, Arc::new(PreciseClock), Source::default()))
    }

    fn of(
        config: ThreadPoolBulkheadConfig,
        clock: Arc<dyn Now + Send + Sync>,
        source: Source,
    ) -> Self {
        Self {
            owner: Arc::new(Owner(Arc::new(Pool::new(config, clock, source)))),
        }
    }

    /// A pool of the same configuration with a name and a listener. Clones made before keep theirs.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self::of(self.config(), self.pool().clock(), source)
    }

    /// A pool of the same configuration that tells deadlines by another clock. Clones made before
    /// keep theirs.
    #[must_use]
    pub fn with_clock(self, clock: impl Now + Send + Sync + 'static) -> Self {
        Self::of(self.config(), Arc::new(clock), self.pool().source())
    }

    /// The configuration as it is now.
    #[must_use]
    pub fn config(&self) -> ThreadPoolBulkheadConfig {
        self.pool().config()
    }

    /// Follows another configuration from now on. Threads that are too many leave when they have
    /// done what they are at; calls that are in the queue stay in it.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if it makes no sense; nothing is changed then.
    pub fn reconfigure(&self, config: ThreadPoolBulkheadConfig) -> Result<(), InvalidPolicy> {
        self.pool().reconfigure(config)
    }

    /// Runs blocking work in the pool. It is in the queue when this returns, whether or not the
    /// future is polled.
    ///
    /// The future's errors are [`Error::Rejected`] if there is no room for it or the pool is shut
    /// down, [`Error::Panicked`] if the work panicked, and [`Error::Service`] if it failed.
    pub fn run<T, E>(
        &self,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> PoolFuture<T, Error<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.run_with(&RequestMeta::default(), work)
    }

    /// As [`ThreadPoolBulkhead::run`]; the work is not begun after the request's deadline.
    pub fn run_with<T, E>(
        &self,
        request: &RequestMeta,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> PoolFuture<T, Error<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        self.submit(request, || work().map_err(Error::Service))
    }

    pub(super) fn submit<T, E>(
        &self,
        request: &RequestMeta,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> PoolFuture<T, E>
    where
        T: Send + 'static,
        E: From<Rejected> + From<Panicked> + Send + 'static,
    {
        let slot = Slot::new();
        let promise = Promise::new(Arc::clone(&slot), || Err(Panicked.into()));
        let run = move |fate| {
            // Before the seat, so that it is dropped, and kept, after it.
            let promise = promise;
            match fate {
                Fate::Refuse(why) => promise.keep(Err(why.into())),
                Fate::Run(seat) => {
                    let result = work();
                    seat.settle(match result {
                        Ok(_) => Outcome::Success,
                        Err(_) => Outcome::Failure,
                    });
                    promise.keep(result);
                }
            }
        };
        let job = Job {
            deadline: request.deadline,
            run: Box::new(run),
        };
        match self.pool().submit(job) {
            Ok(id) => PoolFuture::queued(slot, Arc::clone(self.pool()), id),
            Err(why) => PoolFuture::rejected(why),
        }
    }

    /// Takes no more calls. Threads end when nothing is left to do.
    pub fn shutdown(&self, how: Shutdown) {
        self.pool().close(how == Shutdown::Abort);
    }

    /// Blocks until all threads have ended after a [`ThreadPoolBulkhead::shutdown`]; `false` if that
    /// takes longer than `patience`. Not for the pool's own threads, nor for those of a runtime.
    #[must_use]
    pub fn join(&self, patience: Duration) -> bool {
        self.pool().join(patience)
    }

    /// How many calls wait.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.pool().load().queued
    }

    /// How many calls are worked on.
    #[must_use]
    pub fn running(&self) -> usize {
        self.pool().load().running
    }

    /// How many threads there are.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.pool().load().threads
    }

    fn pool(&self) -> &Arc<Pool> {
        &self.owner.0
    }
}

impl Evictable for ThreadPoolBulkhead {
    fn is_idle(&self, _now: Timestamp) -> bool {
        let load = self.pool().load();
        load.queued == 0 && load.running == 0
    }

    fn is_healthy(&self, _now: Timestamp) -> bool {
        !self.pool().load().closed
    }
}
