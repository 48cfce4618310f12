//! Copies of requests for another service.

use std::rc::Rc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use ninefold_core::ejection::Testimony;
use ninefold_core::policy::Criticality;
use tokio::time::Instant;

use super::Ticket;
use super::perform::{Ended, Exchange, Unanswered};
use crate::meter::add;
use crate::mirror::{COPIES_MAX, Mirrored};
use crate::worker::Worker;

/// Marks a copy, so that who gets it knows that nobody waits for its answer.
const MARK: &str = "x-mirrored";

/// How much sooner the next copy follows one that failed.
const SOONER: Duration = Duration::from_millis(200);

/// How long the rest of an answer is read so that its connection can serve again.
const READ_TIME_MAX: Duration = Duration::from_secs(5);

/// One copy under way.
struct UnderWay(Rc<Worker>);

impl UnderWay {
    fn new(worker: &Rc<Worker>) -> Option<Self> {
        let copies = &worker.copies;
        (copies.get() < COPIES_MAX).then(|| {
            copies.set(copies.get() + 1);
            Self(Rc::clone(worker))
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let copies = &self.0.copies;
        copies.set(copies.get().saturating_sub(1));
    }
}

impl Exchange {
    /// Sends a copy of the request to another service, where it is to have one, now that the request
    /// itself was sent to its own, which has answered or not. Whatever becomes of it is the copy's.
    pub(super) fn copy_for(&mut self, answered: &Ended) {
        let Some(service) = self.mirror.take() else {
            return;
        };
        let client = &self.ticket.client;
        let (worker, route) = (Rc::clone(&client.worker), self.route);
        let refused = matches!(answered, Err(Unanswered::Refused(_) | Unanswered::Exceeded));
        let copy = (!refused).then(|| self.copy(service)).flatten();
        let Some((copy, under_way)) = copy.zip(UnderWay::new(&worker)) else {
            return count(&worker, route, Mirrored::Skipped);
        };
        drop(tokio::task::spawn_local(async move {
            let end = copy.send().await;
            count(&worker, route, end);
            drop(under_way);
        }));
    }

    /// Sends a copy of the request to an endpoint of its service that the balancer leaves out, where there is one and the
    /// request may be sent more than once. Whom nobody asks, nobody learns anything of: who is slow would neither be
    /// judged nor be found well again. It asks for no place and no leave, and no policy learns from it.
    pub(super) fn shadow(&self, answered: &Ended, now: Instant) {
        let Some(beside) = &self.ticket.upstream else {
            return;
        };
        let client = &self.ticket.client;
        let (worker, hub) = (&client.worker, &client.worker.hub);
        let reads = self.head.method == Method::GET && self.intake.is_none();
        let route = hub.plan.routes.get(self.route);
        let repeats = reads && route.is_some_and(|route| route.retry.is_some());
        if !repeats || self.is_copy || self.upgrade.is_some() || answered.is_err() {
            return;
        }
        let now = hub.clock.at(now.into_std());
        let Some(upstream) = worker.left_out(self.service, beside, now) else {
            return;
        };
        let copy = self.copy(self.service).zip(UnderWay::new(worker));
        let Some((mut copy, under_way)) = copy else {
            return;
        };
        upstream.shadowed();
        copy.meant = Some(Rc::clone(&upstream));
        drop(tokio::task::spawn_local(async move {
            let answer = copy.answer(Instant::now()).await;
            let failed = !matches!(&answer, Ok(answer) if answer.testimony != Testimony::Against);
            if failed {
                upstream.endpoint.hurry_shadow(SOONER);
            }
            if let Ok(answer) = answer {
                answer.lease.discard(Instant::now() + READ_TIME_MAX).await;
            }
            drop(under_way);
        }));
    }

    /// The same request for a service; nothing if its body is not at hand.
    fn copy(&self, service: usize) -> Option<Box<Self>> {
        let intake = match &self.intake {
            None => None,
            Some(intake) => Some(intake.copy()?),
        };
        let (mut head, mut added) = (self.head.clone(), self.added.clone());
        head.headers.remove(HeaderName::from_static(MARK));
        added.set(MARK, HeaderValue::from_static("1"));
        let whole = self
            .end
            .saturating_duration_since(Instant::from_std(self.ticket.began()));
        let end = Instant::now() + whole;
        Some(Box::new(Self {
            ticket: Ticket::behind(&self.ticket.client),
            head,
            added,
            route: self.route,
            service,
            deadline: end,
            end,
            impatient: false,
            idempotent: false,
            // Whatever somebody waits for goes before it.
            criticality: Criticality::Sheddable,
            intake,
            upgrade: None,
            form: self.form,
            mirror: None,
            is_copy: true,
            meant: None,
        }))
    }

    async fn send(mut self: Box<Self>) -> Mirrored {
        match self.ask(Instant::now()).await {
            Ok(answer) => {
                let failed = answer.testimony == Testimony::Against;
                answer.lease.discard(Instant::now() + READ_TIME_MAX).await;
                if failed {
                    Mirrored::Failed
                } else {
                    Mirrored::Ok
                }
            }
            Err(Unanswered::Refused(_) | Unanswered::Exceeded) => Mirrored::Refused,
            Err(Unanswered::Unavailable | Unanswered::Failed(_)) => Mirrored::Failed,
        }
    }
}

fn count(worker: &Worker, route: usize, end: Mirrored) {
    let cell = worker
        .cells(route)
        .and_then(|cells| cells.mirrored.get(end as usize));
    if let Some(cell) = cell {
        add(cell, 1);
    }
}
