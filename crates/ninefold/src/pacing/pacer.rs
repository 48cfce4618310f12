//! The handle to a rate whose calls wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ninefold_core::policy::{RateLimiter, RequestMeta};

use super::Turn;
use crate::Error;
#[cfg(feature = "tokio")]
use crate::clock::TokioTime;
use crate::clock::{DefaultTime, Time};

/// A shared rate limiter whose calls wait for their place. Clones share it.
#[derive(Clone, Debug)]
pub struct Pacer<T = DefaultTime> {
    pub(super) shared: Arc<Shared>,
    time: T,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limiter: RateLimiter,
    waiting: AtomicU32,
    waiting_max: u32,
}

#[cfg(feature = "tokio")]
impl Pacer {
    /// On tokio's timers.
    #[must_use]
    pub fn new(limiter: RateLimiter) -> Self {
        Self::on(TokioTime, limiter)
    }
}

impl<T: Time> Pacer<T> {
    /// On other timers.
    #[must_use]
    pub fn on(time: T, limiter: RateLimiter) -> Self {
        let shared = Shared {
            limiter,
            waiting: AtomicU32::new(0),
            waiting_max: Self::WAITING_MAX,
        };
        Self {
            shared: Arc::new(shared),
            time,
        }
    }
}

impl<T> Pacer<T> {
    /// The most calls that wait, unless it is told another number.
    pub const WAITING_MAX: u32 = 10_000;

    /// The same rate with room for so many calls that wait. One that is shared already stays as it
    /// is, and nothing changes then.
    #[must_use]
    pub fn with_max_waiting_calls(mut self, calls: u32) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.waiting_max = calls;
        }
        self
    }

    /// The limiter, for its configuration and its figures.
    #[must_use]
    pub fn limiter(&self) -> &RateLimiter {
        &self.shared.limiter
    }

    /// How many calls wait.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.shared.waiting.load(Ordering::Relaxed)
    }
}

impl<T: Time> Pacer<T> {
    /// Waits for the place of a call. The place is reserved now; dropping the future gives it back if
    /// it is the latest.
    pub fn turn(&self, request: &RequestMeta) -> Turn<T> {
        Turn::reserve(&self.shared, &self.time, request)
    }

    /// Calls, once it is its turn.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if there is no place in time, [`Error::Service`] if the call fails.
    pub async fn call<R, E, F>(&self, call: impl FnOnce() -> F) -> Result<R, Error<E>>
    where
        F: Future<Output = Result<R, E>>,
    {
        self.turn(&RequestMeta::default()).await?;
        call().await.map_err(Error::Service)
    }

    /// As [`Pacer::call`], with the cost and the deadline of a request.
    ///
    /// # Errors
    ///
    /// As [`Pacer::call`].
    pub async fn call_with<R, E, F>(
        &self,
        request: &RequestMeta,
        call: impl FnOnce() -> F,
    ) -> Result<R, Error<E>>
    where
        F: Future<Output = Result<R, E>>,
    {
        self.turn(request).await?;
        call().await.map_err(Error::Service)
    }
}

impl Shared {
    /// Takes one of the places of those who wait.
    pub(super) fn sit(&self) -> bool {
        let sit = |waiting| (waiting < self.waiting_max).then_some(waiting + 1);
        self.waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, sit)
            .is_ok()
    }

    pub(super) fn rise(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
