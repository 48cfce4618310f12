//! Requests with known answers, asked of every endpoint that this node probes. While one of them is wrong,
//! all others are asked as well: who is wrong only shows beside them.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use http::HeaderMap;
use http::header::{HOST, USER_AGENT};
use http::{HeaderName, HeaderValue};
use tokio::time::{Instant, sleep, sleep_until};

use super::ask::{Question, ask};
use super::plan::{Canary, CheckPlan};
use super::result::Checked;
use crate::counters::Notice;
use crate::http1::Added;
use crate::meter::add;
use crate::upstream::Upstream;
use crate::worker::Worker;

/// Endpoints that are asked at once.
const ASKED_MAX: usize = 16;

/// After a first wrong answer all are asked again so soon: the second one convicts.
const AGAIN: Duration = Duration::from_millis(500);

/// The first ones are sent within this time.
const FIRST: Duration = Duration::from_secs(1);

const USER: HeaderValue = HeaderValue::from_static("ninefold-check");

/// Sends the canaries of all routes, until this thread drains. One thread does it for all.
pub(crate) fn send_canaries(worker: &Rc<Worker>) {
    let plan = &worker.hub.plan;
    for (route, checks) in plan.routes.iter().enumerate() {
        let Some(checks) = &checks.checks else {
            continue;
        };
        for index in 0..checks.canaries.len() {
            let (worker, checks) = (Rc::clone(worker), Arc::clone(checks));
            drop(tokio::task::spawn_local(async move {
                tokio::select! {
                    () = worker.draining() => {}
                    () = repeat(&worker, route, &checks, index) => {}
                }
            }));
        }
    }
}

async fn repeat(worker: &Rc<Worker>, route: usize, checks: &CheckPlan, index: usize) {
    let Some(canary) = checks.canaries.get(index) else {
        return;
    };
    sleep(canary.every.min(FIRST).mul_f64(worker.unit())).await;
    let mut was_wrong = false;
    loop {
        let begun = Instant::now();
        let wrong = send(worker, route, checks, canary, was_wrong).await;
        let pause = match wrong && !was_wrong {
            true => AGAIN.min(canary.every),
            false => canary.every,
        };
        was_wrong = wrong;
        sleep_until(begun + pause).await;
    }
}

/// Asks every endpoint once that is probed here, or `all`; whether any of them answered wrongly.
async fn send(
    worker: &Rc<Worker>,
    route: usize,
    checks: &CheckPlan,
    canary: &Canary,
    all: bool,
) -> bool {
    let service = worker.hub.plan.routes.get(route).map(|plan| plan.service);
    let whom = service.map_or_else(Vec::new, |service| worker.upstreams(service, all));
    let mut wrong = false;
    for few in whom.chunks(ASKED_MAX) {
        let asked = few.iter().map(|upstream| {
            let verdict = try_one(worker, checks, canary, upstream);
            async move { (upstream, verdict.await) }
        });
        for (upstream, verdict) in join_all(asked).await {
            let result = match verdict {
                None => Checked::CanaryUnanswered,
                Some(None) => Checked::CanaryRight,
                Some(Some(_)) => Checked::CanaryWrong,
            };
            wrong |= result == Checked::CanaryWrong;
            count(worker, route, result);
            if let Some(objection) = verdict {
                worker.hub.notify(Notice::Canary {
                    instance: upstream.endpoint.instance.clone(),
                    canary: Arc::clone(&canary.name),
                    wrong: objection,
                });
            }
        }
    }
    wrong
}

/// What is wrong with the answer, if anything is; nothing at all if there is none.
async fn try_one(
    worker: &Rc<Worker>,
    checks: &CheckPlan,
    canary: &Canary,
    upstream: &Rc<Upstream>,
) -> Option<Option<String>> {
    let host = checks.host.as_ref().map(|host| (HOST, host.clone()));
    let headers: [(HeaderName, HeaderValue); 1] = [(USER_AGENT, USER)];
    let headers: HeaderMap = headers.into_iter().chain(host).collect();
    let question = Question {
        mark: "canary",
        target: &canary.target,
        headers: &headers,
        added: Added::new(),
        timeout: canary.timeout,
    };
    let heard = ask(worker, upstream, question).await?;
    Some(canary.objection(&heard, &checks.ignore))
}

/// Counts what came of a check.
pub(super) fn count(worker: &Worker, route: usize, result: Checked) {
    let cell = worker
        .cells(route)
        .and_then(|cells| cells.checked.get(result as usize));
    if let Some(cell) = cell {
        add(cell, 1);
    }
}
