//! One request, asked of two more endpoints when its own has answered.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::join_all;
use http::{HeaderMap, StatusCode};
use ninefold_config::model::COMPARED_MAX;
use ninefold_core::answer::ballots;
use ninefold_core::observation::Ballot;

use super::ask::{Question, ask};
use super::canary::count;
use super::heard::{Heard, Print};
use super::poll::Poll;
use super::result::Checked;
use crate::counters::Notice;
use crate::http1::Added;
use crate::upstream::Upstream;
use crate::worker::Worker;

/// How many others are asked.
const OTHERS: usize = 2;

/// How long they may take.
const TIME_MAX: Duration = Duration::from_secs(2);

/// An answer on its way to a caller, and what was asked: others are asked the same once it is whole.
#[derive(Debug)]
pub(crate) struct Witness {
    poll: Poll,
    route: usize,
    upstream: Rc<Upstream>,
    target: String,
    /// Of the request.
    headers: HeaderMap,
    added: Added,
    status: StatusCode,
    /// Of the answer.
    answered: HeaderMap,
    body: BytesMut,
}

impl Witness {
    /// Of an answer with this head to a request with that one; nothing if too much is under way.
    pub(crate) fn new(
        (worker, route): (&Rc<Worker>, usize),
        upstream: &Rc<Upstream>,
        (target, headers, added): (&str, &HeaderMap, &Added),
        (status, answered): (StatusCode, &HeaderMap),
    ) -> Option<Box<Self>> {
        let Some(poll) = Poll::begin(worker) else {
            count(worker, route, Checked::VoteUnanswered);
            return None;
        };
        Some(Box::new(Self {
            poll,
            route,
            upstream: Rc::clone(upstream),
            target: target.to_owned(),
            headers: headers.clone(),
            added: added.clone(),
            status,
            answered: answered.clone(),
            body: BytesMut::new(),
        }))
    }

    /// A piece of the answer, as the caller gets it. Says whether it is small enough so far.
    pub(crate) fn see(&mut self, data: &Bytes) -> bool {
        self.body.extend_from_slice(data);
        u64::try_from(self.body.len()).unwrap_or(u64::MAX) <= COMPARED_MAX
    }

    /// The answer is whole: others are asked.
    pub(crate) fn cast(self: Box<Self>) {
        drop(tokio::task::spawn_local(async move {
            let result = self.vote().await;
            count(self.poll.worker(), self.route, result);
        }));
    }

    async fn vote(&self) -> Checked {
        let worker = self.poll.worker();
        let body = Bytes::copy_from_slice(&self.body);
        let heard = Heard::new(self.status, &self.answered, body);
        let others = worker.others(&self.upstream, OTHERS);
        let asked = others.iter().map(|other| {
            let question = Question {
                mark: "vote",
                target: &self.target,
                headers: &self.headers,
                added: self.added.clone(),
                timeout: TIME_MAX,
            };
            ask(worker, other, question)
        });
        let heard = std::iter::once(heard).chain(join_all(asked).await);
        let voters = std::iter::once(&self.upstream).chain(&others);
        let voters: Vec<_> = voters
            .zip(heard)
            .filter_map(|(voter, heard)| Some((voter, heard?)))
            .collect();
        self.tell(&voters)
    }

    fn tell(&self, voters: &[(&Rc<Upstream>, Heard)]) -> Checked {
        let hub = &self.poll.worker().hub;
        let plan = hub.plan.routes.get(self.route);
        let ignore = plan.and_then(|plan| plan.checks.as_ref());
        let ignore = ignore.map_or(&[][..], |checks| &checks.ignore);
        let prints: Vec<Print> = voters
            .iter()
            .map(|(_, heard)| heard.print(ignore))
            .collect();
        let Some(ballots) = ballots(&prints) else {
            return Checked::VoteUnanswered;
        };
        let agreed = ballots.iter().all(|ballot| *ballot == Ballot::Agrees);
        let said: Arc<str> = match (agreed, plan) {
            (false, Some(plan)) => {
                let answers: Vec<String> = voters
                    .iter()
                    .zip(&prints)
                    .map(|((voter, heard), print)| {
                        format!("{} {}", voter.endpoint.label, heard.describe(print))
                    })
                    .collect();
                format!("on route {}: {}", plan.name, answers.join("; ")).into()
            }
            _ => "".into(),
        };
        for ((voter, _), ballot) in voters.iter().zip(&ballots) {
            hub.notify(Notice::Vote {
                instance: voter.endpoint.instance.clone(),
                ballot: *ballot,
                said: Arc::clone(&said),
            });
        }
        if agreed {
            Checked::VoteAgreed
        } else if ballots.contains(&Ballot::Minority) {
            Checked::VoteMinority
        } else {
            Checked::VoteSplit
        }
    }
}
