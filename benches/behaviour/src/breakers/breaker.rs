//! What the scenarios ask of all of them.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{failsafe, ours, recloser, seatbelt, tower_resilience};
use crate::pending::{Answers, Fails};

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Succeeds,
    Fails,
    /// Its caller drops it.
    Cancelled,
}

/// A breaker at 50 % failures.
pub(crate) trait Breaker {
    /// Its name in tables.
    fn name(&self) -> &'static str;

    /// Its setting, in words.
    fn setting(&self) -> &'static str;

    /// Lets time pass.
    fn passes(&mut self, time: Duration);

    /// How long it waits while it is open, on the clock it has here.
    fn open_wait(&self) -> Duration;

    /// Begins a call; `None` if it is refused.
    fn begins(&mut self) -> Option<u64>;

    /// Ends a call.
    fn ends(&mut self, call: u64, ending: Ending);

    /// One call from beginning to end; whether it was admitted.
    fn calls(&mut self, ending: Ending) -> bool {
        match self.begins() {
            Some(call) => {
                self.ends(call, ending);
                true
            }
            None => false,
        }
    }
}

/// How long those wait while they are open whose clock is the machine's; an hour is for ever here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RealWait {
    Nothing,
    Hour,
}

impl RealWait {
    pub(super) const fn get(self) -> Duration {
        match self {
            Self::Nothing => Duration::ZERO,
            Self::Hour => Duration::from_secs(3_600),
        }
    }
}

/// Runs something with a fresh one of each, ours first.
pub(crate) fn with_all(wait: RealWait, run: &mut dyn FnMut(&mut dyn Breaker)) {
    run(&mut ours::by_count());
    run(&mut ours::by_time());
    run(&mut tower_resilience::new(wait));
    run(&mut recloser::new(wait));
    run(&mut seatbelt::new());
    failsafe::with(run);
}

/// Calls under way in a breaker that is a future around a future.
pub(crate) struct Calls<T> {
    answers: Answers,
    running: BTreeMap<u64, Pin<Box<dyn Future<Output = T>>>>,
    begun: u64,
}

impl<T> Calls<T> {
    pub(crate) fn new(answers: &Answers) -> Self {
        Self {
            answers: answers.clone(),
            running: BTreeMap::new(),
            begun: 0,
        }
    }

    /// Begins the call that `make` makes of its number. One that is ready at once was refused.
    pub(crate) fn begins(
        &mut self,
        make: impl FnOnce(u64) -> Pin<Box<dyn Future<Output = T>>>,
    ) -> Option<u64> {
        self.begun += 1;
        let id = self.begun;
        let mut call = make(id);
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => {
                self.running.insert(id, call);
                Some(id)
            }
            Poll::Ready(_) => None,
        }
    }

    pub(crate) fn ends(&mut self, id: u64, ending: Ending) {
        let Some(mut call) = self.running.remove(&id) else {
            return;
        };
        match ending {
            Ending::Succeeds => self.answers.give(id, Ok(())),
            Ending::Fails => self.answers.give(id, Err(Fails)),
            Ending::Cancelled => return,
        }
        let ended = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        debug_assert!(ended.is_ready(), "it was answered");
    }
}
