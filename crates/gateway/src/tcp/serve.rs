//! One connection from its accept to its end.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ninefold_core::balance::again_after;
use ninefold_core::ejection::{Grade, Risk};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use super::relay::{Broke, End, Passed, relay};
use crate::choice::{Ask, hash_key};
use crate::exchange::{Client, Phase, Ticket, Who};
use crate::listen::HANDSHAKE_MAX;
use crate::meter::add;
use crate::plan::{RoutePlan, ServicePlan};
use crate::proxy_protocol;
use crate::request_end::RequestEnd;
use crate::socket::Socket;
use crate::upstream::{Dialled, Upstream, dial};

/// How often a connection to the active instance of an active-passive service looks whether that
/// is still the active one.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What is answered as if by an instance, for the account.
const CONNECTED: u16 = 200;

/// Serves a connection on `route` to its end.
pub(crate) async fn serve(
    client: Rc<Client>,
    route: usize,
    stream: Socket,
    tls: Option<TlsAcceptor>,
) {
    let Ok(local) = stream.local_address() else {
        return;
    };
    let Some(tls) = tls else {
        return connection(client, route, stream, local).await;
    };
    match timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
        Ok(Ok(stream)) => connection(client, route, stream, local).await,
        Ok(Err(_)) | Err(_) => {
            if let Some(cells) = client.worker.hub.listeners.get(client.listener) {
                cells.handshakes_failed.fetch_add(1, Relaxed);
            }
        }
    }
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin>(
    client: Rc<Client>,
    index: usize,
    mut stream: S,
    local: Option<SocketAddr>,
) {
    let hub = &client.worker.hub;
    let (Some((route, service)), Some(plan)) = (hub.plan.route(index), client.plan()) else {
        return;
    };
    let mut ticket = Ticket::begin(&client);
    ticket.route(Some(index));
    let Some(mut dialled) = connect(&client, index, route, service, &mut ticket).await else {
        return ticket.end(match ticket.attempts {
            0 => RequestEnd::NoEndpoint,
            _ => RequestEnd::ConnectRefused,
        });
    };
    ticket.answered(CONNECTED, std::time::Instant::now());
    if let Some(version) = route.send_proxy_protocol {
        let header = proxy_protocol::write(version, client.peer.address(), local);
        if dialled.stream.write_all(&header).await.is_err() {
            broke(&client, &dialled, &mut ticket);
            return ticket.end(RequestEnd::AnswerReset);
        }
    }
    let passed = Passed::default();
    let upstream = Rc::clone(&dialled.upstream);
    let told = deposed(&client, service, &upstream);
    let idle = plan.limits.idle.0;
    let end = relay(&mut stream, &mut dialled.stream, idle, &passed, told).await;
    ticket.bytes_in = passed.up.get();
    ticket.bytes_out = passed.down.get();
    if end == End::Broken(Broke::Upstream) {
        broke(&client, &dialled, &mut ticket);
    } else {
        ticket.phase.set(Phase::Done);
    }
    match end {
        // Clients of databases often leave without a farewell.
        End::Whole | End::Broken(Broke::Client) => ticket.done(Who::Client),
        End::Idle => ticket.done(Who::Gateway),
        End::Broken(Broke::Upstream) => ticket.end(RequestEnd::BodyBroken),
        End::Told => ticket.end(RequestEnd::Deposed),
    }
}

/// Connects to an instance, and to others while that fails and the route's retry allows it. Nothing
/// was sent, so every connection may be tried again.
async fn connect(
    client: &Client,
    index: usize,
    route: &RoutePlan,
    service: &ServicePlan,
    ticket: &mut Ticket,
) -> Option<Dialled> {
    let (worker, hub) = (&client.worker, &client.worker.hub);
    let deadline = Instant::from_std(ticket.began()) + route.timeout;
    let mut tried: Vec<Rc<Upstream>> = Vec::new();
    worker.deposit(index, hub.clock.now());
    loop {
        let at = Instant::now();
        let ask = Ask {
            now: hub.clock.at(at.into_std()),
            at,
            // Nothing was sent.
            risk: if route.retry.is_some() {
                Risk::Delay
            } else {
                Risk::Failure
            },
            key: hash_key(&service.balance, client.peer.ip(), None),
        };
        let (upstream, fresh) = worker.choose(route.service, &tried, ask)?;
        if !fresh {
            let wait = again_after(tried.len(), worker.unit());
            sleep_until(deadline.min(Instant::now() + wait)).await;
        }
        ticket.attempts += 1;
        ticket.phase.set(Phase::Connect);
        ticket.upstream = Some(Rc::clone(&upstream));
        let limit = Instant::now() + service.connect_timeout.min(route.try_timeout);
        match dial(hub, &upstream, limit, deadline).await {
            Ok(dialled) => return Some(dialled),
            Err(_refused) => ticket.failed_at(&upstream),
        }
        tried.push(upstream);
        let retry = route.retry.as_ref()?;
        if ticket.attempts >= retry.attempts || Instant::now() >= deadline {
            return None;
        }
        let allowed = worker.withdraw(index, hub.clock.now());
        ticket.retried(allowed);
        if !allowed {
            return None;
        }
    }
}

/// An instance broke a connection off: that speaks against it.
fn broke(client: &Client, dialled: &Dialled, ticket: &mut Ticket) {
    let upstream = &dialled.upstream;
    if let Some(cells) = upstream.cells() {
        add(&cells.reset, 1);
    }
    let hub = &client.worker.hub;
    let reason = "connection broke";
    hub.fail(upstream.service, &upstream.endpoint, Grade::Gateway, reason);
    ticket.failed_at(upstream);
}

/// Waits until another instance than `upstream` is the active one; for ever where all are active. A
/// client that went on with the old one would read what is no longer true.
async fn deposed(client: &Client, service: &ServicePlan, upstream: &Upstream) {
    if !service.active_passive {
        return std::future::pending().await;
    }
    while client.worker.is_active(upstream) {
        sleep_until(Instant::now() + LOOK_EVERY).await;
    }
}
