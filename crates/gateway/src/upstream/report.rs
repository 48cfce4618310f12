//! Asking endpoints how much they have to do.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use ninefold_core::balance::{LOAD_HEADER, LoadReport, Prequal};
use tokio::time::Instant;

use super::{Attempt, Upstream};
use crate::fleet::Hub;
use crate::http1::{Added, RequestHead};
use crate::plan::ServicePlan;

/// How long an endpoint may take to say it; later it is no news.
const PROBE_TIME_MAX: Duration = Duration::from_millis(200);

/// Whose a report is.
#[derive(Clone, Debug)]
pub(crate) struct Reporter(Weak<Upstream>);

impl Reporter {
    /// The endpoint, if it is still there.
    pub(crate) fn upstream(&self) -> Option<Rc<Upstream>> {
        self.0.upgrade()
    }
}

impl PartialEq for Reporter {
    fn eq(&self, other: &Self) -> bool {
        Weak::ptr_eq(&self.0, &other.0)
    }
}

/// What a thread was told by the endpoints of one service.
pub(crate) type Reports = Rc<RefCell<Prequal<Reporter>>>;

impl Upstream {
    /// Asks it beside everything else, unless it is just being asked. An endpoint that does not say it
    /// is held nothing against for that.
    pub(crate) fn ask_load(self: &Rc<Self>, hub: &Arc<Hub>, path: &Arc<str>, reports: &Reports) {
        if self.is_asked.replace(true) {
            return;
        }
        let (upstream, hub) = (Rc::clone(self), Arc::clone(hub));
        let (path, reports) = (Arc::clone(path), Rc::clone(reports));
        drop(tokio::task::spawn_local(async move {
            let report = match hub.plan.services.get(upstream.service) {
                Some(plan) => load_of(&hub, plan, &upstream, &path).await,
                None => None,
            };
            upstream.is_asked.set(false);
            if let Some(report) = report {
                let reporter = Reporter(Rc::downgrade(&upstream));
                let now = hub.clock.now();
                reports.borrow_mut().report(reporter, report, now);
            }
        }));
    }
}

async fn load_of(
    hub: &Arc<Hub>,
    plan: &ServicePlan,
    upstream: &Rc<Upstream>,
    path: &str,
) -> Option<LoadReport> {
    let (method, added) = (Method::GET, Added::none());
    let host = HeaderValue::try_from(upstream.endpoint.address.to_string()).ok()?;
    let began = Instant::now();
    let until = began + PROBE_TIME_MAX;
    let attempt = Attempt {
        hub,
        upstream,
        head: RequestHead {
            method: &method,
            target: path,
            headers: &HeaderMap::from_iter([(HOST, host)]),
            added: &added,
            host: None,
            upgrade: None,
            body: None,
        },
        intake: None,
        reuse: true,
        careful: false,
        began,
        connect_timeout: plan.connect_timeout,
        http2: plan.http2,
        tls: plan.tls.as_deref(),
        grpc: false,
        try_timeout: PROBE_TIME_MAX,
        pause_max: PROBE_TIME_MAX,
        deadline: until,
        strike: None,
    };
    let (head, lease) = attempt.aside().await?;
    if head.status != StatusCode::OK {
        return None;
    }
    let said = head.headers.get(LOAD_HEADER)?.to_str().ok();
    let report = said.and_then(|said| said.parse().ok());
    lease.discard(until).await;
    report
}
