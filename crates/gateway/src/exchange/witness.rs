//! Which answers are voted on.

use http::header::{
    AUTHORIZATION, COOKIE, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, PROXY_AUTHORIZATION, RANGE,
};
use http::{HeaderMap, Method, StatusCode};
use ninefold_core::policy::Level;

use super::perform::{Exchange, origin_form};
use crate::checks::{Witness, is_marked};
use crate::upstream::Lease;

/// What must not reach others unless the file says so.
const CREDENTIALS: [http::HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];

/// They ask what the client knows already: of others the whole answer is wanted.
const CONDITIONS: [http::HeaderName; 4] = [
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
];

impl Exchange {
    /// Watches an answer with this head, if it is to be voted on.
    pub(super) fn witness(
        &self,
        lease: &Lease,
        (status, answered): (StatusCode, &HeaderMap),
    ) -> Option<Box<Witness>> {
        let worker = &self.ticket.client.worker;
        let (plan, service) = worker.hub.plan.target(self.route, self.service)?;
        let (share, credentials) = plan.checks.as_ref()?.vote?;
        let reads = self.head.method == Method::GET && self.intake.is_none();
        // A standby may be behind, and is no liar for that.
        let own = plan.service == self.service && !service.active_passive;
        if !reads || !status.is_success() || !own {
            return None;
        }
        let headers = &self.head.headers;
        let has = |name| headers.contains_key(name);
        if worker.unit() >= share
            || [RANGE, IF_RANGE].into_iter().any(has)
            || !credentials && CREDENTIALS.into_iter().any(has)
            || is_marked(headers)
            || self.is_loaded()
        {
            return None;
        }
        let target = origin_form(&self.head.uri, &self.head.method);
        let conditional = CONDITIONS.into_iter().any(has);
        let whole = conditional.then(|| {
            let mut headers = headers.clone();
            for name in CONDITIONS {
                headers.remove(name);
            }
            headers
        });
        let asked = (&*target, whole.as_ref().unwrap_or(headers), &self.added);
        let of = (worker, self.route);
        Witness::new(of, lease.upstream(), asked, (status, answered))
    }

    /// Whether its service has so much to do that it refuses some.
    fn is_loaded(&self) -> bool {
        let client = &self.ticket.client;
        let gate = client.worker.hub.overload.get(self.service);
        let gate = gate.and_then(Option::as_ref);
        gate.is_some_and(|gate| gate.level_for(client.cohort) != Level::ALL)
    }
}
