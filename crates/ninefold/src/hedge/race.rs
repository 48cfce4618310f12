//! Attempts that race.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ninefold_core::policy::Outcome;
use ninefold_core::policy::classify::Classify;
use ninefold_core::time::Timestamp;
use pin_project_lite::pin_project;

use super::run::Shared;
use crate::clock::Time;

/// Starts attempts.
pub(super) trait Start<F> {
    /// Attempt `number`, from 1; `None` if no other can be made.
    fn start(&mut self, number: u32) -> Option<F>;
}

impl<F, S: FnMut(u32) -> Option<F>> Start<F> for S {
    fn start(&mut self, number: u32) -> Option<F> {
        self(number)
    }
}

/// One that came later.
struct Rival<F> {
    call: Pin<Box<F>>,
    began: Timestamp,
}

pin_project! {
    /// Attempts that race. What it was when it is dropped is told to the policy: the time that the
    /// losers had taken.
    pub(super) struct Race<F, S, T, K>
    where
        T: Time,
    {
        shared: Arc<Shared>,
        time: T,
        classify: K,
        start: Option<S>,
        // The first attempt, until it ended.
        #[pin]
        first: Option<F>,
        began: Timestamp,
        rivals: Vec<Rival<F>>,
        started: u32,
        #[pin]
        timer: Option<T::Sleep>,
        done: bool,
    }

    impl<F, S, T: Time, K> PinnedDrop for Race<F, S, T, K> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            // A call that the caller gave up says less than it took; it counts all the same.
            if *this.done || !this.rivals.is_empty() {
                let now = this.time.now();
                let first = this.first.is_some().then_some(*this.began);
                for began in first.into_iter().chain(this.rivals.iter().map(|rival| rival.began)) {
                    this.shared.policy.record(now.since(began), now);
                }
            }
        }
    }
}

impl<F, S, T: Time, K> Race<F, S, T, K> {
    /// A race of one, which others join if `start` is there.
    pub(super) fn new(
        shared: Arc<Shared>,
        time: T,
        classify: K,
        first: F,
        start: Option<S>,
    ) -> Self {
        let began = time.now();
        let delay = start.as_ref().and_then(|_| shared.policy.delay(0, began));
        let timer = delay.map(|delay| time.sleep_until(began + delay));
        Self {
            shared,
            time,
            classify,
            start,
            first: Some(first),
            began,
            rivals: Vec::new(),
            started: 0,
            timer,
            done: false,
        }
    }
}

impl<F, S, T, K, V, X> Future for Race<F, S, T, K>
where
    F: Future<Output = Result<V, X>>,
    S: Start<F>,
    T: Time,
    K: Classify<V, X>,
{
    type Output = Result<V, X>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<V, X>> {
        loop {
            if let Poll::Ready(result) = self.as_mut().poll_attempts(context) {
                return Poll::Ready(result);
            }
            let this = self.as_mut().project();
            match this.timer.as_pin_mut().map(|timer| timer.poll(context)) {
                Some(Poll::Ready(())) => self.as_mut().hedge(),
                Some(Poll::Pending) | None => return Poll::Pending,
            }
        }
    }
}

impl<F, S, T, K> Race<F, S, T, K>
where
    S: Start<F>,
    T: Time,
{
    /// The first that won, or the last that failed.
    fn poll_attempts<V, X>(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<V, X>>
    where
        F: Future<Output = Result<V, X>>,
        K: Classify<V, X>,
    {
        let mut this = self.project();
        let mut failed = None;
        if let Some(first) = this.first.as_mut().as_pin_mut()
            && let Poll::Ready(result) = first.poll(context)
        {
            this.first.set(None);
            let now = this.time.now();
            this.shared.policy.record(now.since(*this.began), now);
            if wins(this.classify, &result) {
                *this.done = true;
                return Poll::Ready(result);
            }
            failed = Some(result);
        }
        let mut index = 0;
        while let Some(rival) = this.rivals.get_mut(index) {
            let Poll::Ready(result) = rival.call.as_mut().poll(context) else {
                index += 1;
                continue;
            };
            let now = this.time.now();
            this.shared.policy.record(now.since(rival.began), now);
            drop(this.rivals.swap_remove(index));
            if wins(this.classify, &result) {
                *this.done = true;
                return Poll::Ready(result);
            }
            failed = Some(result);
        }
        match failed {
            Some(result) if this.first.is_none() && this.rivals.is_empty() => {
                *this.done = true;
                Poll::Ready(result)
            }
            Some(_) | None => Poll::Pending,
        }
    }

    /// The timer went off: another attempt joins, if it may.
    fn hedge(self: Pin<&mut Self>) {
        let mut this = self.project();
        this.timer.set(None);
        let now = this.time.now();
        let number = *this.started + 1;
        if this.shared.budget.withdraw(now).is_err() {
            return;
        }
        let Some(call) = this.start.as_mut().and_then(|start| start.start(number)) else {
            return;
        };
        *this.started = number;
        this.shared.hedged(number);
        this.rivals.push(Rival {
            call: Box::pin(call),
            began: now,
        });
        if let Some(delay) = this.shared.policy.delay(number, now) {
            this.timer.set(Some(this.time.sleep_until(now + delay)));
        }
    }
}

/// Whether it ends the race.
fn wins<V, X>(classify: &impl Classify<V, X>, result: &Result<V, X>) -> bool {
    match classify.classify(result.as_ref()) {
        Some(Outcome::Success | Outcome::Slow) => true,
        Some(Outcome::Ignored) => result.is_ok(),
        Some(Outcome::Failure) | None => false,
    }
}
