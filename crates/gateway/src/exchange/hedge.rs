//! A second attempt beside one that is slow (Dean and Barroso, "The Tail at Scale", 2013).

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use ninefold_core::ejection::Testimony;
use tokio::time::{Instant, timeout_at};

use super::perform::{Exchange, Past};
use crate::fleet::Place;
use crate::meter::add;
use crate::plan::{RoutePlan, ServicePlan};
use crate::upstream::{Answer, Failure, Upstream};

/// How an attempt ended, or the two of them.
pub(super) struct Tried {
    /// Whose answer it is.
    pub(super) upstream: Rc<Upstream>,
    pub(super) result: Result<Answer, Failure>,
    /// How many attempts were made.
    pub(super) attempts: u32,
    /// The other one, if it failed.
    pub(super) failed: Option<Rc<Upstream>>,
}

fn is_good(result: &Result<Answer, Failure>) -> bool {
    matches!(result, Ok(answer) if answer.testimony != Testimony::Against)
}

impl Exchange {
    /// Whether it could be under way twice at the same time.
    pub(super) fn may_hedge(&self) -> bool {
        self.idempotent && self.intake.is_none() && self.upgrade.is_none()
    }

    /// How long the first attempt has before a second one is made beside it; none if there will be
    /// none. One that tries an endpoint after its ejection has no longer than peers may take.
    pub(super) fn hedge_after(
        &self,
        upstream: &Upstream,
        past: &Past,
        now: Instant,
    ) -> Option<Duration> {
        let hub = &self.ticket.client.worker.hub;
        let policy = hub.hedges.get(self.route).and_then(Option::as_ref);
        let tries = upstream.endpoint.fate.place() == Place::Canary;
        if policy.is_none() && !tries || past.attempts > 0 || !self.may_hedge() {
            return None;
        }
        let peers = if tries {
            hub.slow_above(upstream)
        } else {
            None
        };
        // Nothing is known yet: for ever, so that it is learnt how long they take.
        let never = || self.deadline.saturating_duration_since(now);
        let usual = policy.map(|policy| {
            let delay = policy.delay(0, hub.clock.at(now.into_std()));
            delay.unwrap_or_else(never)
        });
        usual.into_iter().chain(peers).min()
    }

    /// Makes an attempt and, `after` so long, another one beside it. A failure does not win while
    /// the other one lives.
    pub(super) async fn hedged(
        &self,
        (route, service): (&RoutePlan, &ServicePlan),
        upstream: Rc<Upstream>,
        past: &Past,
        now: Instant,
        after: Duration,
    ) -> Tried {
        let added = &self.added;
        let mut first = pin!(self.attempt(route, service, &upstream, past, added, now));
        let early = timeout_at(now + after, first.as_mut()).await.ok();
        let second = match early {
            Some(_) => None,
            None => self.second(route, &upstream),
        };
        let Some(second) = second else {
            let result = match early {
                Some(result) => result,
                None => first.await,
            };
            self.learn(now);
            return Tried {
                upstream: Rc::clone(&upstream),
                result,
                attempts: 1,
                failed: None,
            };
        };
        let began = Instant::now();
        let mut added = self.added.clone();
        self.announce_deadline(&mut added, began);
        let other = pin!(self.attempt(route, service, &second, past, &added, began));
        // Whose answer came first, when the other one began, and what it does.
        let (winner, loser, result, rest) = match select(first, other).await {
            Either::Left((result, other)) => (
                (&upstream, now),
                (&second, began),
                result,
                Either::Left(other),
            ),
            Either::Right((result, first)) => (
                (&second, began),
                (&upstream, now),
                result,
                Either::Right(first),
            ),
        };
        self.learn(winner.1);
        let (winner, result, failed) = if is_good(&result) {
            self.give_up_on(loser.0, loser.1);
            (winner.0, result, None)
        } else {
            let later = match rest {
                Either::Left(other) => other.await,
                Either::Right(first) => first.await,
            };
            self.learn(loser.1);
            (loser.0, later, Some(Rc::clone(winner.0)))
        };
        if Rc::ptr_eq(winner, &second)
            && is_good(&result)
            && let Some(cells) = self.ticket.client.worker.cells(self.route)
        {
            add(&cells.hedges_won, 1);
        }
        let upstream = Rc::clone(winner);
        Tried {
            upstream,
            result,
            attempts: 2,
            failed,
        }
    }

    /// Another endpoint than the first, if there is one and the budget allows it.
    fn second(&self, route: &RoutePlan, first: &Rc<Upstream>) -> Option<Rc<Upstream>> {
        let worker = &self.ticket.client.worker;
        let tried = std::slice::from_ref(first);
        let (second, fresh) =
            worker.choose(self.service, tried, self.asks(route, Instant::now()))?;
        let now = worker.hub.clock.now();
        if !fresh || !worker.withdraw(self.route, now) {
            return None;
        }
        if let Some(cells) = worker.cells(self.route) {
            add(&cells.hedges, 1);
        }
        Some(second)
    }

    /// An attempt ended that began at `began`.
    fn learn(&self, began: Instant) {
        let hub = &self.ticket.client.worker.hub;
        if let Some(Some(policy)) = hub.hedges.get(self.route) {
            policy.record(began.elapsed(), hub.clock.now());
        }
    }

    /// The other one was quicker. What it has taken so far counts as if it had answered now: left
    /// out, the slow ones would be missing from what is known of requests, and of this endpoint.
    fn give_up_on(&self, upstream: &Upstream, began: Instant) {
        self.learn(began);
        let hub = &self.ticket.client.worker.hub;
        let waited = began.elapsed();
        upstream.outrun(hub.clock.now(), waited);
        if upstream.endpoint.fate.place() == Place::Canary
            && hub.slow_above(upstream).is_some_and(|limit| waited > limit)
        {
            hub.outrun(upstream.service, &upstream.endpoint, waited);
        }
    }
}
