//! Whether a service is asked at all, and what is learnt from how it answered.

use std::time::Duration;

use ninefold::clock::{Now as _, PreciseClock, TokioTime};
use ninefold_core::ejection::Testimony;
use ninefold_core::policy::bulkhead::Full;
use ninefold_core::policy::{Outcome, PolicyKind, Reason, Rejected, RequestMeta};
use tokio::time::Instant;

use super::perform::{Ended, Exchange, Unanswered};
use crate::isolation::Leave;
use crate::overload::Pass;
use crate::upstream::Failure;

/// What a request holds while its service is asked.
pub(super) struct Admitted {
    pub(super) leave: Option<Leave>,
    pub(super) pass: Option<Pass>,
}

/// What an end says about the service's load. A service without endpoints and a client that broke
/// off say nothing.
fn outcome_of(answered: &Ended) -> Outcome {
    match answered {
        Ok(answer) => match answer.testimony {
            Testimony::Against => Outcome::Failure,
            Testimony::For => Outcome::Success,
            Testimony::Neither => Outcome::Ignored,
        },
        Err(
            Unanswered::Unavailable
            | Unanswered::Refused(_)
            | Unanswered::Exceeded
            | Unanswered::Failed(Failure::RequestBody | Failure::Full),
        ) => Outcome::Ignored,
        Err(Unanswered::Failed(_)) => Outcome::Failure,
    }
}

impl Exchange {
    /// A place among those of the request's key, which it has until its end. Another service that
    /// stands in has nothing to do with it.
    pub(super) fn take_share(&mut self) -> Result<(), Unanswered> {
        let client = &self.ticket.client;
        let hub = &client.worker.hub;
        let bulkhead = hub.bulkheads.get(self.route).and_then(Option::as_ref);
        let Some(bulkhead) = bulkhead.filter(|_| self.ticket.share.is_none()) else {
            return Ok(());
        };
        if !hub
            .plan
            .routes
            .get(self.route)
            .is_some_and(|route| route.is_own(self.service))
        {
            return Ok(());
        }
        match bulkhead.take(client.peer.ip(), &self.head.headers) {
            Ok(share) => self.ticket.share = Some(share),
            Err(Full::Key) => return Err(Unanswered::Exceeded),
            Err(Full::All) => {
                let full = Rejected::new(PolicyKind::Bulkhead, Reason::Full);
                return Err(Unanswered::Refused(full));
            }
        }
        Ok(())
    }

    /// Leave of the service's breaker, and a place at the service, where there are such.
    pub(super) async fn admit(&self, now: Instant) -> Result<Admitted, Rejected> {
        let leave = self.leave()?;
        let pass = self.place(now).await?;
        Ok(Admitted { leave, pass })
    }

    /// It waited for a place, whether it got one or not.
    pub(super) fn queued(&mut self, took: Duration, admitted: bool) {
        self.ticket.queued += took;
        let gates = &self.ticket.client.worker.hub.overload;
        if let Some(Some(gate)) = gates.get(self.service) {
            gate.queued(&self.standing(), took, admitted);
        }
    }

    /// Whom it goes before.
    fn standing(&self) -> RequestMeta {
        RequestMeta {
            criticality: self.criticality,
            cohort: self.ticket.client.cohort,
            ..RequestMeta::default()
        }
    }

    fn leave(&self) -> Result<Option<Leave>, Rejected> {
        let breakers = &self.ticket.client.worker.hub.breakers;
        let breaker = breakers.get(self.service).and_then(Option::as_ref);
        breaker.map(|breaker| breaker.admit()).transpose()
    }

    async fn place(&self, now: Instant) -> Result<Option<Pass>, Rejected> {
        let client = &self.ticket.client;
        let gate = client.worker.hub.overload.get(self.service);
        let Some(gate) = gate.and_then(Option::as_ref) else {
            return Ok(None);
        };
        let left = self.deadline.saturating_duration_since(now);
        let now = TokioTime::at(now);
        let request = RequestMeta {
            deadline: Some(now + left),
            ..self.standing()
        };
        gate.admit(&request, now).await.map(Some)
    }

    /// Gives back what was held, with what is to be learnt.
    pub(super) fn give_back(&mut self, admitted: Admitted, answered: &Ended) {
        let outcome = outcome_of(answered);
        if let Some(pass) = admitted.pass {
            let ended = match answered {
                Ok(answer) => TokioTime::at(answer.at),
                Err(_) => TokioTime.now(),
            };
            pass.end(outcome, ended);
        }
        if answered.as_ref().is_ok_and(|answer| answer.open) {
            self.ticket.leave = admitted.leave;
        } else if let Some(leave) = admitted.leave {
            let of_client =
                matches!(answered, Err(Unanswered::Failed(failure)) if self.is_of_client(*failure));
            let outcome = if of_client { Outcome::Ignored } else { outcome };
            leave.settle(outcome, PreciseClock);
        }
    }
}
