//! A connection to an endpoint that carries bytes and not requests.

use std::rc::Rc;

use ninefold_core::ejection::Grade;
use tokio::time::{Instant, timeout_at};

use super::attempt::is_local;
use super::{Failure, Upstream};
use crate::fleet::{ConnectionPlace, Hub};
use crate::meter::add;
use crate::socket::Socket;

/// A connection that counts as load of its endpoint until dropped.
#[derive(Debug)]
pub(crate) struct Dialled {
    pub(crate) stream: Socket,
    pub(crate) upstream: Rc<Upstream>,
    _place: ConnectionPlace,
}

impl Drop for Dialled {
    fn drop(&mut self) {
        self.upstream.end();
    }
}

/// Connects to an endpoint until `limit`, or `deadline` if that is sooner. Everything that is to be
/// counted about the endpoint is counted here.
pub(crate) async fn dial(
    hub: &Hub,
    upstream: &Rc<Upstream>,
    limit: Instant,
    deadline: Instant,
) -> Result<Dialled, Failure> {
    let began = Instant::now();
    let max = hub.plan.services.get(upstream.service);
    let max = max.and_then(|plan| plan.connections);
    let Some(place) = ConnectionPlace::take(&upstream.endpoint, max) else {
        return Err(Failure::Full);
    };
    if let Some(cells) = upstream.cells() {
        add(&cells.connects, 1);
    }
    let connecting = Socket::connect(&upstream.endpoint.address, hub.plan.source);
    let connected = timeout_at(limit.min(deadline), connecting).await;
    let (at, took) = (Instant::now(), began.elapsed());
    let now = hub.clock.at(at.into_std());
    let (failure, fair) = match connected {
        Ok(Ok(stream)) => {
            if let Some(cells) = upstream.cells() {
                add(&cells.attempts, 1);
                add(&cells.answered, 1);
                add(&cells.latency_sum_ns, ninefold_core::time::nanos(took));
            }
            upstream.observe(now, took);
            if upstream.endpoint.fate.troubled() {
                hub.absolve(upstream.service, &upstream.endpoint, took);
            }
            upstream.begin();
            return Ok(Dialled {
                stream,
                upstream: Rc::clone(upstream),
                _place: place,
            });
        }
        Ok(Err(error)) => (Failure::Connect, !is_local(&error)),
        Err(_elapsed) => (Failure::ConnectTimeout, limit <= deadline),
    };
    if fair {
        if let Some(cells) = upstream.cells() {
            add(&cells.attempts, 1);
            add(&cells.connect_failed, 1);
        }
        upstream.penalise(now, took);
        let (endpoint, reason) = (&upstream.endpoint, failure.reason());
        hub.fail(upstream.service, endpoint, Grade::Gateway, reason);
    }
    Err(failure)
}
