//! Drives a plan.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Request};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::Plan;
use super::client::{Client, Reuse};

/// Requests in flight at most; what is due beyond is counted as failed, and so shows.
const IN_FLIGHT_MAX: usize = 8_000;
/// The body of a POST.
const BODY: &[u8] = &[b'x'; 256];

/// One request and how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its intended start, from the start of the load.
    pub(crate) due: Duration,
    /// How much later than intended it was begun.
    pub(crate) late: Duration,
    /// From its intended start to its end.
    pub(crate) took: Duration,
    /// The status of its whole answer; 0 without one within the client's patience.
    pub(crate) status: u16,
    /// Whether it was a critical one.
    pub(crate) critical: bool,
}

impl Record {
    /// A whole answer that is no error.
    pub(crate) const fn ok(&self) -> bool {
        self.status >= 200 && self.status < 400
    }
}

/// Drives the whole plan from `began` on; what became of each request, in the order of their ends.
pub(crate) async fn drive(plan: Plan, began: Instant) -> Vec<Record> {
    let plan = Arc::new(plan);
    let client = Arc::new(Client::new(plan.address, Reuse::Newest));
    let mut requests = JoinSet::new();
    let mut records = Vec::new();
    for (number, due) in plan.due().enumerate() {
        sleep_until(began + due).await;
        while let Some(done) = requests.try_join_next() {
            records.extend(done.ok());
        }
        let record = Record {
            due,
            late: began.elapsed().saturating_sub(due),
            took: Duration::ZERO,
            status: 0,
            critical: plan.critical(number),
        };
        if requests.len() >= IN_FLIGHT_MAX {
            records.push(record);
        } else {
            let (plan, client) = (Arc::clone(&plan), Arc::clone(&client));
            requests.spawn(async move { perform(&plan, &client, number, record, began).await });
        }
    }
    while let Some(done) = requests.join_next().await {
        records.extend(done.ok());
    }
    records
}

async fn perform(
    plan: &Plan,
    client: &Client,
    number: usize,
    record: Record,
    began: Instant,
) -> Record {
    let answer = timeout(plan.patience, client.send(request(plan, number))).await;
    Record {
        status: answer.map_or(0, |answer| answer.unwrap_or(0)),
        took: began.elapsed().saturating_sub(record.due),
        ..record
    }
}

fn request(plan: &Plan, number: usize) -> Request<Full<Bytes>> {
    let body = if plan.post { BODY } else { b"" };
    let mut request = Request::new(Full::new(Bytes::from_static(body)));
    if plan.post {
        *request.method_mut() = Method::POST;
    }
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("bench"));
    headers.insert("x-id", HeaderValue::from(number));
    if plan.ranked {
        let rank = if plan.critical(number) {
            "critical"
        } else {
            "sheddable"
        };
        headers.insert("x-criticality", HeaderValue::from_static(rank));
    }
    request
}
