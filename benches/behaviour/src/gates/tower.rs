//! tower's concurrency limit with load shedding: a number from a file.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use ninefold_core::policy::RequestMeta;
use ninefold_core::time::Timestamp;
use tower::limit::ConcurrencyLimit;
use tower::load_shed::LoadShed;
use tower::{Service, load_shed};

use super::{Gate, Verdict};
use crate::pending::{Answers, Fails, Pending};

type Stack = LoadShed<ConcurrencyLimit<Pending>>;

/// The services themselves, around calls that the simulation ends.
pub(crate) struct StaticCap {
    stack: Stack,
    answers: Answers,
    running: BTreeMap<usize, Pin<Box<load_shed::future::ResponseFuture<Inner>>>>,
}

type Inner = <ConcurrencyLimit<Pending> as Service<u64>>::Future;

impl StaticCap {
    /// With so many calls inside at most.
    pub(crate) fn new(limit: usize) -> Self {
        let answers = Answers::default();
        let pending = Pending::new(&answers);
        Self {
            stack: LoadShed::new(ConcurrencyLimit::new(pending, limit)),
            answers,
            running: BTreeMap::new(),
        }
    }
}

impl Gate for StaticCap {
    fn arrives(&mut self, id: usize, _: &RequestMeta, _: Timestamp, out: &mut Vec<Verdict>) {
        let mut context = Context::from_waker(Waker::noop());
        let mut service = self.stack.clone();
        let ready: Poll<Result<(), tower::BoxError>> = service.poll_ready(&mut context);
        debug_assert!(ready.is_ready(), "a load shedder is always ready");
        let mut call = Box::pin(service.call(id as u64));
        out.push(match call.as_mut().poll(&mut context) {
            Poll::Pending => {
                self.running.insert(id, call);
                Verdict::Starts(id)
            }
            Poll::Ready(_) => Verdict::Refused(id),
        });
    }

    fn ends(&mut self, id: usize, _: bool, _: Timestamp, _: &mut Vec<Verdict>) {
        self.answers.give(id as u64, Ok::<(), Fails>(()));
        if let Some(mut call) = self.running.remove(&id) {
            let mut context = Context::from_waker(Waker::noop());
            let answered = call.as_mut().poll(&mut context);
            debug_assert!(answered.is_ready(), "it was answered");
        }
    }
}
