//! Limits of concurrency under one interface, for calls that are given up.

use std::collections::BTreeMap;
use std::task::{Context, Waker};

use congestion_limiter::limiter::{DefaultLimiter, Limiter, Token};
use congestion_limiter::limits::Fixed;
use ninefold_core::policy::{
    AdaptiveLimiter, AdaptiveLimiterConfig, Admission, Bulkhead, BulkheadConfig, RequestMeta,
};
use ninefold_core::time::Timestamp;
use tower::limit::ConcurrencyLimit;
use tower::load_shed::LoadShed;
use tower::{Layer, Service};
use tower_acc::Vegas;
use tower_resilience::bulkhead::BulkheadLayer;

use crate::breakers::{Calls, Ending};
use crate::pending::{Answers, Pending};
use crate::sim::VirtualTokio;

/// Of each limit.
pub(super) const PLACES: usize = 100;

/// A limit of [`PLACES`].
pub(super) trait Places {
    fn name(&self) -> &'static str;

    /// Takes a place, if there is one.
    fn takes(&mut self) -> Option<u64>;

    /// The call that has it is given up.
    fn cancels(&mut self, place: u64);
}

/// Runs something with a fresh one of each, ours first.
pub(super) fn with_all(run: &mut dyn FnMut(&mut dyn Places)) {
    let bulkhead = Bulkhead::new(BulkheadConfig {
        max_concurrent_calls: PLACES as u32,
        ..BulkheadConfig::default()
    });
    run(&mut Ours::new(
        "ninefold, bulkhead",
        bulkhead.expect("a valid bulkhead"),
    ));
    let limiter = AdaptiveLimiter::new(AdaptiveLimiterConfig {
        initial_limit: PLACES as u32,
        ..AdaptiveLimiterConfig::default()
    });
    run(&mut Ours::new(
        "ninefold, adaptive limiter",
        limiter.expect("a valid limiter"),
    ));
    run(&mut Stack::new("tower, concurrency limit", |pending| {
        LoadShed::new(ConcurrencyLimit::new(pending, PLACES))
    }));
    let tokio = VirtualTokio::default();
    let entered = tokio.enter();
    run(&mut Stack::new("tower-resilience, bulkhead", |pending| {
        let layer = BulkheadLayer::builder()
            .max_concurrent_calls(PLACES)
            .reject_when_full()
            .build();
        layer.expect("a valid bulkhead").layer(pending)
    }));
    drop(entered);
    run(&mut Stack::new("tower-acc, vegas", |pending| {
        let vegas = Vegas::builder().initial_limit(PLACES).build();
        LoadShed::new(tower_acc::ConcurrencyLimit::new(pending, vegas))
    }));
    run(&mut Congestion {
        tokio: VirtualTokio::default(),
        limiter: DefaultLimiter::new(Fixed::new(PLACES)),
        running: BTreeMap::new(),
        begun: 0,
    });
}

/// A policy of ours and the tokens that it gave.
struct Ours<P: Admission> {
    name: &'static str,
    policy: P,
    running: BTreeMap<u64, P::Token>,
    begun: u64,
}

impl<P: Admission> Ours<P> {
    fn new(name: &'static str, policy: P) -> Self {
        Self {
            name,
            policy,
            running: BTreeMap::new(),
            begun: 0,
        }
    }
}

impl<P: Admission> Places for Ours<P> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn takes(&mut self) -> Option<u64> {
        let now = Timestamp::from_secs(1);
        let token = self.policy.try_acquire(&RequestMeta::default(), now).ok()?;
        self.begun += 1;
        self.running.insert(self.begun, token);
        Some(self.begun)
    }

    fn cancels(&mut self, place: u64) {
        if let Some(token) = self.running.remove(&place) {
            self.policy.cancel(token);
        }
    }
}

/// A tower service around calls that never end.
struct Stack<S> {
    name: &'static str,
    service: S,
    calls: Calls<()>,
}

impl<S> Stack<S> {
    fn new(name: &'static str, build: impl FnOnce(Pending) -> S) -> Self {
        let answers = Answers::default();
        Self {
            name,
            service: build(Pending::new(&answers)),
            calls: Calls::new(&answers),
        }
    }
}

impl<S> Places for Stack<S>
where
    S: Service<u64, Future: 'static> + Clone + 'static,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn takes(&mut self) -> Option<u64> {
        let mut service = self.service.clone();
        let ready = service.poll_ready(&mut Context::from_waker(Waker::noop()));
        if ready.is_pending() {
            return None;
        }
        self.calls.begins(move |id| {
            let call = service.call(id);
            Box::pin(async move { drop(call.await) })
        })
    }

    fn cancels(&mut self, place: u64) {
        self.calls.ends(place, Ending::Cancelled);
    }
}

/// Tokens that are dropped rather than released.
struct Congestion {
    tokio: VirtualTokio,
    limiter: DefaultLimiter<Fixed>,
    running: BTreeMap<u64, Token>,
    begun: u64,
}

impl Places for Congestion {
    fn name(&self) -> &'static str {
        "congestion-limiter, fixed"
    }

    fn takes(&mut self) -> Option<u64> {
        let token = self.tokio.at(Timestamp::ZERO, self.limiter.try_acquire())?;
        self.begun += 1;
        self.running.insert(self.begun, token);
        Some(self.begun)
    }

    fn cancels(&mut self, place: u64) {
        self.running.remove(&place);
    }
}
