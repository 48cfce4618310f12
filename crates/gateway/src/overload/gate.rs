//! The gate of one service.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::future::poll_immediate;
use ninefold::clock::{Now as _, TokioTime};
use ninefold::waiting::WaitingRoom;
use ninefold_config::model::Overload;
use ninefold_core::policy::adaptive_limiter::LimiterMemento;
use ninefold_core::policy::queue::{CodelConfig, Waiting as _};
use ninefold_core::policy::shedder::Shedding;
use ninefold_core::policy::{
    AdaptiveLimiter, AdaptiveLimiterConfig, Admission as _, Cohort, Criticality, InvalidPolicy,
    Level, LevelWatch, LoadShedder, LoadShedderConfig, Rejected, RequestMeta,
};
use ninefold_core::time::{Timestamp, nanos};
use ninefold_core::units::Span;

use super::Pass;

/// What a queue may take anyway before anybody is refused for it: no reason to let requests wait here
/// instead. Without it a busy service that answers in a tenth of a millisecond is taken for overloaded.
const SLACK: Span = Span::millis(5);

/// The delay of a queue that is nothing to worry about: ten times what the library has for a server. A
/// few dozen clients, each with its next request as soon as the last is answered, make a short queue in
/// front of a service with little to do at once, and none of them should be refused for it.
const TARGET: Span = Span::millis(50);

/// Twice as long may the more critical wait while the less critical are refused. Twice what the library
/// has: here the client is seen that leaves, and what it waited for is not done in vain.
const CRITICAL_TARGET: Span = Span::millis(200);

/// See the [module](super).
#[derive(Debug)]
pub(crate) struct Gate {
    pub(super) limiter: Arc<AdaptiveLimiter>,
    pub(super) room: WaitingRoom<LoadShedder, TokioTime>,
    /// What callers should know of who finds no place.
    levels: Arc<LevelWatch>,
    refused: [AtomicU64; Criticality::ALL.len()],
    /// Requests that waited for a place, and how long together.
    queued: AtomicU64,
    queued_ns: AtomicU64,
}

/// A gate at one moment. Places are counted over all generations that share them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GateCounters {
    pub(crate) limit: u64,
    pub(crate) in_flight: u64,
    pub(crate) waiting: u64,
    /// By criticality, the first to refuse first.
    pub(crate) refused: [u64; Criticality::ALL.len()],
    pub(crate) queued: u64,
    pub(crate) queued_ns: u64,
    pub(crate) level: Level,
}

impl Gate {
    pub(crate) fn new(overload: &Overload) -> Result<Self, InvalidPolicy> {
        let limiter = AdaptiveLimiter::new(AdaptiveLimiterConfig {
            initial_limit: overload.initial_limit,
            min_limit: overload.min_limit,
            max_limit: overload.max_limit,
            slack: SLACK,
            ..AdaptiveLimiterConfig::default()
        })?;
        let shedder = LoadShedder::new(LoadShedderConfig {
            max_concurrent_calls: overload.initial_limit,
            max_waiting_calls: overload.max_waiting,
            max_wait: overload.max_wait,
            shedding: Shedding::Codel(CodelConfig {
                target: TARGET,
                critical_target: CRITICAL_TARGET,
                ..CodelConfig::default()
            }),
            ..LoadShedderConfig::default()
        })?;
        Ok(Self {
            limiter: Arc::new(limiter),
            room: WaitingRoom::on(TokioTime, shedder),
            levels: Arc::default(),
            refused: Default::default(),
            queued: AtomicU64::new(0),
            queued_ns: AtomicU64::new(0),
        })
    }

    /// The same places, and what was learnt, for another generation. Each counts its own refusals.
    pub(crate) fn shared(&self) -> Self {
        Self {
            limiter: Arc::clone(&self.limiter),
            room: self.room.clone(),
            levels: Arc::clone(&self.levels),
            refused: Default::default(),
            queued: AtomicU64::new(0),
            queued_ns: AtomicU64::new(0),
        }
    }

    /// What one in another process has to know.
    pub(crate) fn memento(&self) -> LimiterMemento {
        self.limiter.memento(TokioTime)
    }

    /// Goes on from what one in another process has learnt.
    pub(crate) fn restore(&self, memento: &LimiterMemento) {
        self.limiter.restore(memento, TokioTime);
        self.follow();
    }

    /// Whether both give the same places.
    pub(crate) fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.limiter, &other.limiter)
    }

    /// Waits for a place, or is refused.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        request: &RequestMeta,
        mut now: Timestamp,
    ) -> Result<Pass, Rejected> {
        let mut turn = pin!(self.room.acquire_at(request, now));
        let placed = match poll_immediate(turn.as_mut()).await {
            Some(placed) => placed,
            None => {
                let placed = turn.await;
                now = TokioTime.now();
                placed
            }
        };
        match placed {
            Ok(place) => {
                // Both count to the same limit. Where it is just being lowered nobody times the call.
                let timed = self.limiter.try_acquire(request, now).ok();
                Ok(Pass::new(Arc::clone(self), place, timed))
            }
            Err(rejected) => {
                self.levels.count(request, false, now);
                let refused = usize::from(request.criticality.rank());
                if let Some(refused) = self.refused.get(refused) {
                    refused.fetch_add(1, Relaxed);
                }
                Err(rejected)
            }
        }
    }

    /// What a client of this cohort should know of who finds no place.
    pub(crate) fn level_for(&self, cohort: Cohort) -> Level {
        self.levels.level(TokioTime.now()).seen_by(cohort)
    }

    /// A request waited for a place so long, and got one or not.
    pub(crate) fn queued(&self, request: &RequestMeta, took: Duration, admitted: bool) {
        if admitted {
            self.levels.count(request, true, TokioTime.now());
        }
        self.queued.fetch_add(1, Relaxed);
        self.queued_ns.fetch_add(nanos(took), Relaxed);
    }

    /// The shedder follows what the limiter has found.
    pub(super) fn follow(&self) {
        let (limit, shedder) = (self.limiter.limit(), self.room.policy());
        if shedder.limit() != limit {
            shedder.set_limit(limit);
            self.room.serve();
        }
    }

    pub(crate) fn counters(&self) -> GateCounters {
        let shedder = self.room.policy();
        GateCounters {
            limit: shedder.limit().into(),
            in_flight: shedder.in_flight().into(),
            waiting: shedder.waiting().into(),
            queued: self.queued.load(Relaxed),
            queued_ns: self.queued_ns.load(Relaxed),
            level: self.levels.level(TokioTime.now()),
            refused: std::array::from_fn(|at| self.refused.get(at).map_or(0, |n| n.load(Relaxed))),
        }
    }
}
