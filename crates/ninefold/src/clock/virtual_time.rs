//! Time that a test moves.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ninefold_core::policy::Now;
use ninefold_core::time::Timestamp;

use super::Time;

/// A clock and timers that move only when told to, for tests of policies and of code that uses
/// them. Clones share one time.
///
/// ```
/// use std::time::Duration;
/// use ninefold::clock::{Now, Time, VirtualTime};
///
/// let time = VirtualTime::new();
/// let began = time.now();
/// time.block_on(async { time.sleep_until(began + Duration::from_secs(3_600)).await });
/// assert_eq!(time.now().since(began), Duration::from_secs(3_600));
/// ```
#[derive(Clone, Debug, Default)]
pub struct VirtualTime {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    now: Timestamp,
    /// Who sleeps until when; the number tells sleepers of one moment apart, in their order.
    sleepers: BTreeMap<(Timestamp, u64), Option<Waker>>,
    next: u64,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            // Not zero: tests look back as well.
            now: Timestamp::from_secs(1_000),
            sleepers: BTreeMap::new(),
            next: 0,
        }
    }
}

impl VirtualTime {
    /// A time of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves on by `step` and wakes whoever slept until then, in order.
    pub fn advance(&self, step: Duration) {
        let until = self.now() + step;
        while let Some(at) = self.next_wake().filter(|at| *at <= until) {
            self.jump(at);
        }
        self.jump(until);
    }

    /// When the next sleeper wakes.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let shared = self.lock();
        shared.sleepers.keys().next().map(|(at, _)| *at)
    }

    /// Runs `future` in this thread. Whenever it waits for nothing but time, time jumps to the next
    /// sleeper.
    ///
    /// # Panics
    ///
    /// If the future waits for something that nobody will bring: it would never end.
    #[expect(
        clippy::panic,
        reason = "for tests: there is no other way to say that it hangs"
    )]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut future = pin!(future);
        loop {
            if woken.0.swap(false, Ordering::AcqRel) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                    return output;
                }
            } else if let Some(at) = self.next_wake() {
                self.jump(at);
            } else {
                panic!("the future waits, and nothing in virtual time will wake it");
            }
        }
    }

    fn jump(&self, at: Timestamp) {
        let mut shared = self.lock();
        shared.now = shared.now.max(at);
        let now = shared.now;
        let later = shared
            .sleepers
            .split_off(&(now + Duration::from_nanos(1), 0));
        let due = std::mem::replace(&mut shared.sleepers, later);
        drop(shared);
        due.into_values().flatten().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl Now for VirtualTime {
    fn now(&self) -> Timestamp {
        self.lock().now
    }
}

impl Time for VirtualTime {
    type Sleep = VirtualSleep;

    fn sleep_until(&self, deadline: Timestamp) -> VirtualSleep {
        VirtualSleep {
            time: self.clone(),
            deadline,
            key: None,
        }
    }
}

/// A sleeper in a [`VirtualTime`].
#[derive(Debug)]
pub struct VirtualSleep {
    time: VirtualTime,
    deadline: Timestamp,
    key: Option<(Timestamp, u64)>,
}

impl Future for VirtualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut shared = this.time.lock();
        if shared.now >= this.deadline {
            return Poll::Ready(());
        }
        let key = *this.key.get_or_insert_with(|| {
            shared.next += 1;
            (this.deadline, shared.next)
        });
        shared.sleepers.insert(key, Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for VirtualSleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.time.lock().sleepers.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn sleepers_wake_in_order_and_only_when_due() {
        let time = VirtualTime::new();
        let began = time.now();
        let order = Arc::new(AtomicU64::new(0));
        let mut sleeps: Vec<_> = [3u64, 1, 2]
            .map(|secs| Box::pin(time.sleep_until(began + Duration::from_secs(secs))))
            .into();
        let waker = Waker::from(Arc::new(Count(Arc::clone(&order))));
        let mut context = Context::from_waker(&waker);
        for sleep in &mut sleeps {
            assert!(sleep.as_mut().poll(&mut context).is_pending());
        }
        time.advance(Duration::from_millis(2_500));
        assert_eq!(order.load(Ordering::SeqCst), 2);
        let ready: Vec<bool> = sleeps
            .iter_mut()
            .map(|sleep| sleep.as_mut().poll(&mut context).is_ready())
            .collect();
        assert_eq!(ready, [false, true, true]);
        drop(sleeps);
        assert_eq!(time.next_wake(), None, "dropped sleepers are gone");
    }

    #[test]
    #[should_panic(expected = "nothing in virtual time will wake it")]
    fn waiting_for_nobody_is_told() {
        VirtualTime::new().block_on(std::future::pending::<()>());
    }

    struct Count(Arc<AtomicU64>);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}
