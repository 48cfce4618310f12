//! What several policies' tests need.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ninefold_core::policy::{Change, Event, Listener, Outcome, Reason, Source};

/// What a listener heard, without what differs from run to run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Heard {
    Rejected(Reason),
    Settled(Outcome),
    Cancelled,
    TimedOut(Duration),
    Substituted(&'static str),
    Injected(&'static str),
    Other,
}

/// Writes down what it hears.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Vec<Heard>>);

impl Recorder {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn source(self: &Arc<Self>, name: &str) -> Source {
        Source::new(name, Arc::clone(self) as Arc<dyn Listener>)
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.0.lock().unwrap().clone()
    }
}

impl Listener for Recorder {
    fn on_event(&self, event: &Event<'_>) {
        let heard = match event.change {
            Change::Rejected(rejected) => Heard::Rejected(rejected.reason),
            Change::Settled(outcome, _) => Heard::Settled(outcome),
            Change::Cancelled => Heard::Cancelled,
            Change::TimedOut(after) => Heard::TimedOut(after),
            Change::Substituted(what) => Heard::Substituted(what),
            Change::Injected(what) => Heard::Injected(what),
            _ => Heard::Other,
        };
        self.0.lock().unwrap().push(heard);
    }
}

/// Waits for what another thread will do.
#[track_caller]
pub(crate) fn eventually(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "it did not come to pass");
        std::thread::yield_now();
    }
}

/// A service that is a function.
#[cfg(feature = "tower")]
pub(crate) fn service_fn<F>(call: F) -> ServiceFn<F> {
    ServiceFn(call)
}

#[cfg(feature = "tower")]
#[derive(Clone, Debug)]
pub(crate) struct ServiceFn<F>(F);

#[cfg(feature = "tower")]
impl<F, Request, U, T, E> tower_service::Service<Request> for ServiceFn<F>
where
    F: FnMut(Request) -> U,
    U: Future<Output = Result<T, E>>,
{
    type Response = T;
    type Error = E;
    type Future = U;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), E>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> U {
        self.0(request)
    }
}
