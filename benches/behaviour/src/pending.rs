//! A service whose calls end when the simulation says so.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tower::Service;

/// A call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fails;

impl fmt::Display for Fails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed")
    }
}

impl Error for Fails {}

/// The answers that were given and not fetched yet, by call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(Arc<Mutex<BTreeMap<u64, Result<(), Fails>>>>);

impl Answers {
    /// Lets a call end at its next poll.
    pub(crate) fn give(&self, call: u64, answer: Result<(), Fails>) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(call, answer);
    }

    /// A future that ends with the answer to a call.
    pub(crate) fn wait(&self, call: u64) -> Answer {
        Answer {
            answers: self.clone(),
            call,
        }
    }

    fn take(&self, call: u64) -> Option<Result<(), Fails>> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.remove(&call)
    }
}

/// Ends with the answer to a call. Whoever gives it polls, so it wakes nobody.
#[derive(Debug)]
pub(crate) struct Answer {
    answers: Answers,
    call: u64,
}

impl Future for Answer {
    type Output = Result<(), Fails>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        self.answers
            .take(self.call)
            .map_or(Poll::Pending, Poll::Ready)
    }
}

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Pending(Answers);

impl Pending {
    /// Its calls end with these answers.
    pub(crate) fn new(answers: &Answers) -> Self {
        Self(answers.clone())
    }
}

impl Service<u64> for Pending {
    type Response = ();
    type Error = Fails;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fails>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: u64) -> Answer {
        self.0.wait(call)
    }
}
