use std::rc::Rc;
use std::time::Duration;

use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ninefold_config::model::COMPARED_MAX;
use ninefold_core::fault::FaultEffect;
use tokio::time::Instant;

use super::Heard;
use crate::exchange::{Gathered, inverted, whole};
use crate::http1::{Added, RequestHead};
use crate::upstream::{Attempt, Upstream};
use crate::worker::Worker;

/// Marks a request that no caller waits for, and says what it is.
const MARK: &str = "x-ninefold-check";

/// Whether a request has such a mark, of another gateway maybe: it is no caller's.
pub(crate) fn is_marked(headers: &HeaderMap) -> bool {
    headers.contains_key(HeaderName::from_static(MARK))
}

/// What is asked of an endpoint beside what callers ask.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// `canary` or `vote`.
    pub(super) mark: &'static str,
    /// In origin form.
    pub(super) target: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) added: Added,
    /// For the whole answer.
    pub(super) timeout: Duration,
}

/// Asks for it by GET. Nothing is counted at the endpoint, and whatever goes wrong is no answer. Faults
/// in the gateway hit it as they hit anybody.
pub(super) async fn ask(
    worker: &Worker,
    upstream: &Rc<Upstream>,
    question: Question<'_>,
) -> Option<Heard> {
    let hub = &worker.hub;
    let plan = hub.plan.services.get(upstream.service)?;
    let Question {
        mark,
        target,
        headers,
        mut added,
        timeout,
    } = question;
    added.set(MARK, HeaderValue::from_static(mark));
    let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
    added.set("x-deadline-ms", HeaderValue::from(millis));
    let began = Instant::now();
    let until = began + timeout;
    let instance = &upstream.endpoint.instance;
    let draw = || worker.unit();
    let strike = hub
        .faults
        .strike(instance, (headers, &added), began.into_std(), draw);
    let effect = strike.map(|strike| strike.effect);
    if effect.is_some_and(|effect| effect != FaultEffect::WrongBody) {
        return None;
    }
    let lacks_host = !headers.contains_key(HOST) && added.get("host").is_none();
    let host = lacks_host
        .then(|| HeaderValue::try_from(upstream.endpoint.address.authority()).ok())
        .flatten();
    let attempt = Attempt {
        hub,
        upstream,
        head: RequestHead {
            method: &Method::GET,
            target,
            headers,
            added: &added,
            host: host.as_ref(),
            upgrade: None,
            body: None,
        },
        intake: None,
        reuse: true,
        careful: false,
        began,
        connect_timeout: plan.connect_timeout.min(timeout),
        http2: plan.http2,
        tls: plan.tls.as_deref(),
        grpc: false,
        try_timeout: timeout,
        pause_max: timeout,
        deadline: until,
        strike: None,
    };
    let (head, mut lease) = attempt.aside().await?;
    let size_max = usize::try_from(COMPARED_MAX).unwrap_or(usize::MAX);
    let Gathered::Whole(body) = whole(&mut lease, size_max, until).await else {
        return None;
    };
    lease.give_back();
    let body = match effect {
        Some(FaultEffect::WrongBody) => inverted(body),
        _ => body,
    };
    Heard::new(head.status, &head.headers, body)
}
